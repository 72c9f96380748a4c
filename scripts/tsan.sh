#!/usr/bin/env bash
# Runs the C tests that use several threads under ThreadSanitizer. The library, Rust's standard
# library and the tests are all compiled for it: what is not would be reported for locks that it
# cannot see. `scripts/tsan.sh --build` only compiles.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh

setup_debian build-essential ca-certificates curl
setup_rust
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/src" ]; then
  { has rustup && rustup component add rust-src; } || fail "the source of Rust's standard library (rustup component add rust-src)"
fi

# The flags are for nightly compilers; this opens them on a stable one.
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=thread cargo build --package libcheckpoint-c --lib -Zbuild-std \
  --target "$host" --target-dir build/cargo/tsan

mkdir -p build/tsan
for test in threads callbacks custom pending background ranks; do
  cc -std=c11 -g -fsanitize=thread -Iinclude "tests/c/$test.c" tests/c/tsan.c \
    "build/cargo/tsan/$host/debug/libcheckpoint.a" -lgcc_s -lutil -lrt -lpthread -lm -ldl -o "build/tsan/$test"
  [ "${1:-}" = --build ] || (cd tests/data && TSAN_OPTIONS=halt_on_error=1:exitcode=66 "../../build/tsan/$test")
done

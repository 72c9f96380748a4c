#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test of every language: `scripts/test.sh`, or only the suites that are
# named: `scripts/test.sh format interop`. Goes on after a failure, so that one run shows them all.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh

setup_debian build-essential ca-certificates cmake curl doxygen libgtest-dev mono-mcs mono-runtime ninja-build pkgconf \
  python3 python3-venv shellcheck valgrind
setup_rust
setup_rust_linters
setup_python
setup_go

# ---------------------------------------------------------------- the suites, in the order in which they run

format() {
  cargo fmt --all --check
  # Not include/: that header is cbindgen's, and a Rust test compares it.
  find benches examples tests \( -name '*.[ch]' -o -name '*.[ch]pp' \) -print0 | xargs -0 clang-format --dry-run -Werror
}

lint() {
  cargo clippy --locked --workspace --all-targets -- -D warnings
  shellcheck -x -S warning scripts/*.sh examples/c/*.sh tests/abi/*.sh tests/c/*.sh tests/cpp/*.sh tests/csharp/*.sh tests/go/*.sh \
    tests/install/*.sh tests/mpi/*.sh tests/rust/*.sh .ci/run
}

licences() {
  cargo deny --log-level warn check licenses sources bans
  scripts/notices.py --check
}

# The tests of all packages, and the example, which takes turns with the C one.
rust() {
  cargo test --locked --workspace --no-fail-fast
  build_release
  tests/rust/run.sh build/release
}

# What the registry gets: the crate has its tests and their data. All are compiled, and those that are quick run.
package() {
  local target=${CARGO_TARGET_DIR:-$PWD/target} from=$PWD/build/package crate
  cargo package --locked --no-verify --allow-dirty -p libcheckpoint --target-dir "$target"
  crate=$(find "$target/package" -name 'libcheckpoint-[0-9]*.crate' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-)
  [ "$(stat -c %s "$crate")" -lt $((10 << 20)) ] || { echo "the registry takes no crate of 10 MiB or more: $crate"; return 1; }
  rm -rf "$from"
  mkdir -p "$from"
  tar -xzmf "$crate" -C "$from" --strip-components 1      # times of now: cargo rebuilds what is newer
  cd "$from"
  cargo test --locked --target-dir "$target" --no-run
  cargo test --locked --target-dir "$target" --test conformance --test fixtures --test merging --test on_disk --test opening \
    --test restored_fixtures --test state_file --test support --test writing
}

# Needs root and loop devices; elsewhere it says so.
powercut() { scripts/powercut.sh; }

docs() { RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps; }

build_release() {
  cmake --preset release -DCHECKPOINT_VALGRIND=ON >/dev/null
  cmake --build --preset release
}

# The release library as a C programmer gets it: ABI, header in every standard, the C tests, the examples.
c() {
  build_release
  ctest --preset release -LE valgrind
}

# The guard of the C ABI reports what would break programs, and nothing broke since the releases whose ABI is kept.
abi() {
  setup_debian abigail-tools
  build_release
  local library=build/release/lib/libcheckpoint.so baseline
  tests/abi/self_test.sh "$library" include/checkpoint.h
  for baseline in tests/abi/[0-9]*/; do
    [ ! -d "$baseline" ] || tests/abi/check.sh "$baseline" "$library" include/checkpoint.h
  done
}

# The package, installed, moved, and used by other projects.
install() { tests/install/run.sh; }

valgrind() {
  build_release
  ctest --preset release -L valgrind
}

sanitizers() {
  cmake --preset asan >/dev/null
  cmake --build --preset asan
  ctest --preset asan
  scripts/tsan.sh
}

interop() {
  build_release
  CKPT_LIB=$PWD/build/release/lib/libcheckpoint.so CKPT_TOOL=$PWD/build/release/bin/ckpt \
    python -m pytest -q tests/interop
}

# The bindings, each with its example, which takes turns with the C one.
cpp() {
  build_release
  tests/cpp/run.sh build/release
}

go() {
  build_release
  tests/go/run.sh build/release
}

csharp() {
  build_release
  tests/csharp/run.sh build/release
}

# Ranks over MPI, killed and gone on from, and TensorFlow on what they saved.
mpi() {
  setup_debian libopenmpi-dev openmpi-bin
  build_release
  PYTHON=python tests/mpi/run.sh build/release
}

# TensorFlow and the library run the same random programs; `scripts/scenarios.sh` runs many more.
scenarios() {
  build_release
  CKPT_LIB=$PWD/build/release/lib/libcheckpoint.so python -m pytest -q -p no:cacheprovider tests/scenarios
}

# A minute for all targets: finds what a change broke, not what a night of fuzzing would.
fuzz() { scripts/fuzz.sh --minutes 1; }

suites=(format lint licences rust package powercut docs c abi install valgrind sanitizers cpp go csharp mpi interop scenarios)
[ ! -f fuzz/Cargo.toml ] || suites+=(fuzz)

# ---------------------------------------------------------------- running them

for name in "$@"; do
  [[ " ${suites[*]} " == *" $name "* ]] || { echo "no suite $name; there are: ${suites[*]}" >&2; exit 2; }
done

passed=0 failed=0 table=
for suite in "${suites[@]}"; do
  if [ $# -gt 0 ] && [[ " $* " != *" $suite "* ]]; then continue; fi
  say "$suite"
  start=$SECONDS status=passed
  set +e
  (set -e; "$suite")
  # shellcheck disable=SC2181  # in an `if` the suite would lose its `set -e`
  [ $? = 0 ] || status=FAILED
  set -e
  if [ $status = passed ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  seconds=$((SECONDS - start))
  table+=$(printf '%-12s %-7s %3d.%d min' "$suite" "$status" $((seconds / 60)) $((seconds % 60 / 6)))$'\n'
done

printf '\n%s\n%d passed, %d failed\n' "$table" "$passed" "$failed"
[ "$failed" = 0 ]

#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test of every language: `scripts/test.sh`, or
# only the suites that are named: `scripts/test.sh format interop`. Goes on after a failure, so that
# one run shows them all.
# A suite that ends with the code 77 has said what the machine lacks for it: it is left out, neither
# passed nor failed.
# --all runs the long suites too (hours; tests/LONG.md has their last passes), --build installs and
# builds what the suites need, and runs only those that are nothing but that.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh

all='' build=''
case ${1:-} in
  --all) all=1; shift ;;
  --build) build=--build; shift ;;
  -*) echo "usage: scripts/test.sh [--all | --build] [SUITE...]" >&2; exit 2 ;;
esac

setup_debian binutils build-essential ca-certificates cmake curl doxygen git libgtest-dev mono-mcs mono-runtime \
  ninja-build pkgconf python3 python3-venv shellcheck valgrind
setup_rust
setup_rust_linters
setup_python
setup_go

# ---------------------------------------------------------------- the suites

# runs COMMAND...: what is not built but run.
runs() { [ -n "$build" ] || "$@"; }

format() {
  cargo fmt --all --check
  scripts/comment_width.py
  # Not include/: that header is cbindgen's, and a Rust test compares it.
  find benches examples tests \( -name '*.[ch]' -o -name '*.[ch]pp' \) -print0 | xargs -0 clang-format --dry-run -Werror
}

lint() {
  cargo clippy --locked --workspace --all-targets -- -D warnings -D clippy::match_bool
  cargo clippy --locked -p libcheckpoint --lib --examples --test typed --test track --all-features -- -D warnings -D clippy::match_bool
  shellcheck -x -S warning scripts/*.sh examples/c/*.sh tests/abi/*.sh tests/c/*.sh tests/cpp/*.sh tests/csharp/*.sh tests/go/*.sh \
    tests/install/*.sh tests/mpi/*.sh tests/rust/*.sh .ci/run
}

# The library, its C ABI and the tool compile for systems that no test runs on.
targets() {
  local target
  for target in x86_64-pc-windows-gnu aarch64-apple-darwin x86_64-unknown-linux-musl; do
    setup_target "$target"
    RUSTFLAGS="-D warnings" cargo check --locked --target "$target" -p libcheckpoint -p libcheckpoint-c -p libcheckpoint-tool
  done
}

licences() {
  cargo deny --log-level warn check licenses sources bans
  scripts/notices.py --check
}

# The tests of all packages, those of features that are off, and the examples, one of which takes
# turns with the C one.
rust() {
  cargo test --locked --workspace --no-fail-fast ${build:+--no-run}
  cargo test --locked -p libcheckpoint --all-features --no-fail-fast --test typed --test track ${build:+--no-run}
  runs cargo test --locked -p libcheckpoint --all-features --doc
  build_release
  runs tests/rust/run.sh build/release
}

# What the registry gets: the crate has its tests and their data. All are compiled, and those that
# are quick run.
package() {
  local target=${CARGO_TARGET_DIR:-$PWD/target} from=$PWD/build/package crate
  # With its derive, which the registry may not have yet.
  cargo package --locked --no-verify --allow-dirty -p libcheckpoint-derive -p libcheckpoint --target-dir "$target"
  crate=$(find "$target/package" -name 'libcheckpoint-[0-9]*.crate' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-)
  [ "$(stat -c %s "$crate")" -lt $((10 << 20)) ] || { echo "the registry takes no crate of 10 MiB or more: $crate"; return 1; }
  rm -rf "$from"
  mkdir -p "$from/derive"
  tar -xzmf "$crate" -C "$from" --strip-components 1      # times of now: cargo rebuilds what is newer
  crate=$(find "$target/package" -name 'libcheckpoint-derive-[0-9]*.crate' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-)
  tar -xzmf "$crate" -C "$from/derive" --strip-components 1
  cd "$from"
  # Not --locked: the lock has the derive of the registry. All other versions in it stay.
  local derive=(--config 'patch.crates-io.libcheckpoint-derive.path="derive"')
  cargo check "${derive[@]}" --target-dir "$target" --tests
  runs cargo test "${derive[@]}" --target-dir "$target" --test conformance --test fixtures --test merging --test on_disk --test opening \
    --test restored_fixtures --test state_file --test support --test typed --test writing
}

# Needs root and loop devices; elsewhere it says so.
powercut() { scripts/powercut.sh $build; }

docs() {
  RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps
  RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps -p libcheckpoint --all-features
  mkdir -p build/doxygen
  doxygen docs/Doxyfile
}

build_release() {
  cmake --preset release -DCHECKPOINT_VALGRIND=ON >/dev/null
  cmake --build --preset release
}

# The release library as a C programmer gets it: ABI, header in every standard, the C tests, the
# examples.
c() {
  build_release
  runs ctest --preset release -LE valgrind
}

# The guard of the C ABI reports what would break programs, and nothing broke since the releases
# whose ABI is kept.
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
install() {
  setup_debian clang libc++-dev libc++abi-dev
  tests/install/run.sh
}

valgrind() {
  build_release
  runs ctest --preset release -L valgrind
}

sanitizers() {
  cmake --preset asan >/dev/null
  cmake --build --preset asan
  runs ctest --preset asan
  scripts/tsan.sh $build
}

interop() {
  build_release
  CKPT_LIB=$PWD/build/release/lib/libcheckpoint.so CKPT_TOOL=$PWD/build/release/bin/ckpt \
    python -m pytest -q ${build:+-q --collect-only} tests/interop
}

# The bindings, each with its example, which takes turns with the C one.
cpp() {
  build_release
  tests/cpp/run.sh $build build/release
}

go() {
  build_release
  tests/go/run.sh $build build/release
}

# The module as a program gets it: from a proxy, vendored, its tests run from the module cache.
go_module() {
  build_release
  [ -n "$build" ] || tests/go/module.sh build/release
}

csharp() {
  build_release
  tests/csharp/run.sh $build build/release
}

# The same with a .NET SDK, which nothing here installs: left out where there is none.
dotnet_sdk() {
  build_release
  scripts/dotnet.sh $build build/release
}

# Ranks over MPI, killed and gone on from, and TensorFlow on what they saved.
mpi() {
  setup_debian libopenmpi-dev openmpi-bin
  build_release
  PYTHON=python tests/mpi/run.sh $build build/release
}

# TensorFlow and the library run the same random programs; `scripts/scenarios.sh` runs many more.
scenarios() {
  build_release
  CKPT_LIB=$PWD/build/release/lib/libcheckpoint.so python -m pytest -q -p no:cacheprovider ${build:+-q --collect-only} tests/scenarios
}

# A minute for all targets: finds what a change broke, not what a night of fuzzing would.
# Building takes longer than the minute of fuzzing: it is made quick.
fuzz() { CARGO_PROFILE_RELEASE_OPT_LEVEL=1 scripts/fuzz.sh ${build:---minutes 1}; }

# ---------------------------------------------------------------- the long ones

many_scenarios() { scripts/scenarios.sh; }

many_powercuts() { scripts/powercut.sh 1000; }

# Every large allocation of every operation fails once.
all_allocations() { CKPT_ALL_ALLOCATIONS=1 cargo test --locked --release -p libcheckpoint --test no_memory; }

large() { scripts/large.sh; }

long_fuzz() { scripts/fuzz.sh --minutes 60; }

# ---------------------------------------------------------------- running them

# In the order in which they run, then those of --all. A suite is ended after `limits` minutes,
# several times what it takes.
suites=(format lint targets licences rust package powercut docs c abi install valgrind sanitizers cpp go go_module csharp dotnet_sdk mpi interop scenarios)
[ ! -f fuzz/Cargo.toml ] || suites+=(fuzz)
long_suites=(large many_powercuts all_allocations many_scenarios long_fuzz)
declare -A limits=([format]=5 [lint]=15 [targets]=15 [licences]=5 [rust]=30 [package]=20 [powercut]=10 [docs]=10 [c]=20 [abi]=10 [install]=20
  [valgrind]=30 [sanitizers]=30 [cpp]=15 [go]=15 [go_module]=10 [csharp]=15 [dotnet_sdk]=15 [mpi]=15 [interop]=30 [scenarios]=20 [fuzz]=20
  [large]=30 [many_powercuts]=120 [all_allocations]=60 [many_scenarios]=240 [long_fuzz]=100)

for name in "$@"; do
  [ -n "${limits[$name]:-}" ] || { echo "no suite $name; there are: ${suites[*]} ${long_suites[*]}" >&2; exit 2; }
done
[ $# -gt 0 ] || set -- "${suites[@]}" ${all:+"${long_suites[@]}"}

# Each suite is a shell with a process group of its own, all of which its limit or Ctrl-C ends.
definitions="$(declare -p build); $(declare -f)"    # not exported: there is a suite go, and a program
set -m
passed=0 failed=0 left_out=0 table=
for suite in "${suites[@]}" "${long_suites[@]}"; do
  [[ " $* " == *" $suite "* ]] || continue
  say "$suite"
  start=$SECONDS code=0
  timeout -k 10 "${limits[$suite]}m" bash -euo pipefail -c "$definitions; $suite" || code=$?
  case $code in
    0) status=passed; passed=$((passed + 1)) ;;
    77) status="left out"; left_out=$((left_out + 1)) ;;
    130) exit 130 ;;
    124 | 137) status="FAILED: ended after ${limits[$suite]} minutes"; failed=$((failed + 1)) ;;
    *) status=FAILED; failed=$((failed + 1)) ;;
  esac
  table+="$(printf '%-14s' "$suite") $(minutes $((SECONDS - start))) $status"$'\n'
done

summary="$passed passed, $failed failed"
[ "$left_out" = 0 ] || summary+=", $left_out left out"
printf '\n%s%-14s %s\n%s\n' "$table" total "$(minutes $SECONDS)" "$summary"
[ "$failed" = 0 ]

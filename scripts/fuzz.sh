#!/usr/bin/env bash
# Runs every fuzz target for a while, or only those named:
# `scripts/fuzz.sh [--minutes N | --build] [TARGET...]`. Without --minutes each gets 20 seconds;
# with it, the minutes are shared out among the targets. --build only builds them. What is found
# stays in fuzz/artifacts, what was learned in fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh

usage() { echo "usage: scripts/fuzz.sh [--minutes N | --build] [TARGET...]" >&2; exit 2; }

minutes='' build=''
targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --minutes) [[ ${2:-} =~ ^[0-9]+$ ]] || usage; minutes=$2; shift 2 ;;
    --build) build=1; shift ;;
    -*) usage ;;
    *) targets+=("$1"); shift ;;
  esac
done

# cargo-fuzz as a wheel, in an environment of its own: fuzzing needs nothing else from Python.
setup_cargo_fuzz() {
  local venv=build/fuzz-venv
  if cargo fuzz --version >/dev/null 2>&1; then return; fi
  if [ ! -x "$venv/bin/cargo-fuzz" ]; then
    say "installing cargo-fuzz into $venv"
    python3 -m venv "$venv" || fail "Python's venv (apt-get install python3-venv)"
    grep cargo-fuzz scripts/requirements.txt | "$venv/bin/pip" install -q --disable-pip-version-check -r /dev/stdin \
      || fail "cargo-fuzz (pip could not install it)"
  fi
  PATH=$PWD/$venv/bin:$PATH
}

setup_debian build-essential ca-certificates curl python3 python3-venv
setup_rust
setup_cargo_fuzz

# The flags of the sanitizer are for nightly compilers; this opens them on a stable one.
export RUSTC_BOOTSTRAP=1
# A leak is no finding here: libFuzzer's own threads end with the process. Huge allocations are:
# memory is bounded.
export ASAN_OPTIONS=detect_leaks=0

# The files of each execution: in memory, if the system has a place for that.
CHECKPOINT_FUZZ_DIR=$(mktemp -d "$([ -d /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")/checkpoint-fuzz.XXXXXX")
export CHECKPOINT_FUZZ_DIR
trap 'rm -rf "$CHECKPOINT_FUZZ_DIR"' EXIT

[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo fuzz list)
seconds=20
[ -z "$minutes" ] || seconds=$((minutes * 60 / ${#targets[@]} + 1))

say "building ${#targets[@]} targets"
cargo fuzz build
[ -z "$build" ] || exit 0
failed=()
for target in "${targets[@]}"; do
  say "$target, $seconds s"
  mkdir -p "fuzz/corpus/$target"
  # A hang lasts longer than a busy machine stops for.
  cargo fuzz run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
    -max_total_time="$seconds" -max_len=65536 -timeout=20 -rss_limit_mb=1024 -malloc_limit_mb=256 \
    -print_final_stats=1 -verbosity=0 2>&1 | tee "$CHECKPOINT_FUZZ_DIR/$target.log" || failed+=("$target")
done
[ ${#failed[@]} != 0 ] || exit 0

# At the end once more, so that whoever has the end of the log alone can repeat it.
for target in "${failed[@]}"; do
  grep -aE "panicked at|ERROR: |SUMMARY: " -A 1 "$CHECKPOINT_FUZZ_DIR/$target.log" | cut -c 1-300 | head -n 20
  for artifact in "fuzz/artifacts/$target"/*; do
    [ ! -f "$artifact" ] || { echo "$artifact, base64:"; head -c 3000 "$artifact" | base64 -w 120; }
  done
done
echo "findings in: ${failed[*]}" >&2
exit 1

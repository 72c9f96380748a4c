#!/usr/bin/env bash
# Tests the Rust example against a build tree: killed and resumed, and taking turns with the C one.
# usage: run.sh [TREE]    (TREE: has train-checkpoint; build/release by default)
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD tree=$(cd "${1:-build/release}" && pwd)
train_c=$(find "$tree" -type f -name train-checkpoint -perm -u+x | head -n 1)
[ -n "$train_c" ] || { echo "no train-checkpoint in $tree" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The build that cargo's tests use.
cargo build --locked --quiet --example train
train=${CARGO_TARGET_DIR:-target}/debug/examples/train
examples/c/resume.sh "$train" "$root/tests/data/guide_slots"

"$train_c" "$work/whole" 50 >"$work/expected"
for die in 23 37; do
  { "$train_c" "$work/c-$die" 50 "$die" || true; } >/dev/null 2>&1
  "$train" "$work/c-$die" 50 >/dev/null
  { "$train" "$work/rust-$die" 50 "$die" || true; } >/dev/null 2>&1
  "$train_c" "$work/rust-$die" 50 >/dev/null
  for file in ckpt-5.index ckpt-5.data-00000-of-00001; do
    cmp "$work/whole/$file" "$work/c-$die/$file"
    cmp "$work/whole/$file" "$work/rust-$die/$file"
  done
done
"$train" "$work/whole-rust" 50 | diff "$work/expected" -
echo "C and Rust: the same files, and the same bits when they take turns"

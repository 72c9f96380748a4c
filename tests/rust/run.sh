#!/usr/bin/env bash
# Tests the Rust examples against a build tree: training, killed and resumed, and taking turns with
# the C one; and a server that follows it.
# usage: run.sh [TREE]    (TREE: has train-checkpoint; build/release by default)
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD tree=$(cd "${1:-build/release}" && pwd)
train_c=$(find "$tree" -type f -name train-checkpoint -perm -u+x | head -n 1)
[ -n "$train_c" ] || { echo "no train-checkpoint in $tree" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The build that cargo's tests use.
cargo build --locked --quiet --features derive --examples
examples=${CARGO_TARGET_DIR:-target}/debug/examples
train=$examples/train
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
# A server with four threads: it has the model of the checkpoint that there is, then of each new
# one.
"$train" "$work/served" 10 >/dev/null
"$examples/serve" "$work/served" 4 2 >"$work/answers" &
server=$!
for step in 20 30; do
  until [ "$(tail -n 1 "$work/answers")" = "step $((step - 10))" ]; do
    kill -0 "$server" || { echo "the server ended before step $step"; exit 1; }
    sleep 0.05
  done
  "$train" "$work/served" "$step" >/dev/null
done
wait "$server"
grep -E '^[0-9]+ requests, the last with step 30: ' "$work/answers"
"$examples/serve" "$root/tests/data/guide" 1 0 >"$work/answers" # TensorFlow's
grep -q '^step 50$' "$work/answers"

echo "C and Rust: the same files, and the same bits when they take turns"

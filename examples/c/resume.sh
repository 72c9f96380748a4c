#!/usr/bin/env bash
# Training that is killed and resumed ends with the same bits as training that is not; and it goes
# on from TensorFlow's checkpoint.
# usage: resume.sh TRAIN-CHECKPOINT GUIDE    (GUIDE: a directory of checkpoints that the guide's
# program wrote)
set -euo pipefail
train=$1 guide=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

weights() { grep -E '^(kernel|bias) '; }

"$train" "$work/whole" 50 | weights >"$work/expected"
for die in 1 9 10 11 37 50; do
  { "$train" "$work/killed-$die" 50 "$die"; } >"$work/output" 2>&1 && { echo "it was not killed in step $die"; exit 1; }
  "$train" "$work/killed-$die" 50 | weights | diff "$work/expected" - \
    || { echo "other bits after it was killed in step $die"; exit 1; }
done
# again and again, in any step
for die in 13 21 22 35 49; do { "$train" "$work/often" 50 "$die"; } >/dev/null 2>&1 || true; done
"$train" "$work/often" 50 | weights | diff "$work/expected" -

# ten times more, at random moments: a run long enough for that is looked for first
steps=100 elapsed=0
while [ "$elapsed" -lt 1500 ] && [ "$steps" -lt 1000000 ]; do
  steps=$((steps * 2)) begun=${EPOCHREALTIME/./}
  rm -rf "$work/whole"
  "$train" "$work/whole" "$steps" | weights >"$work/expected"
  elapsed=$(((${EPOCHREALTIME/./} - begun) / 1000))
done
killed=0
for _ in 1 2 3 4 5 6 7 8 9 10; do
  "$train" "$work/random" "$steps" >/dev/null &
  sleep "$(printf '0.%03d' $((RANDOM % (elapsed / 8) % 1000)))"
  kill -9 $! 2>/dev/null && killed=$((killed + 1))
  wait $! 2>/dev/null || true
done
[ "$killed" -ge 5 ] || { echo "killed $killed times only"; exit 1; }
"$train" "$work/random" "$steps" | weights | diff "$work/expected" - || { echo "other bits after it was killed $killed times"; exit 1; }
echo "killed $killed times in $steps steps: the same bits"

cp -r "$guide" "$work/guide"
"$train" "$work/guide" 60 | tee "$work/output"
grep -q '^from step 50 of .*/guide/ckpt-5$' "$work/output"
grep -q '^step 60: loss 0\.' "$work/output" || grep -q '^step 60: loss 1\.' "$work/output"

#!/usr/bin/env bash
# Training that is told to end, again and again, loses no step, and ends with the same bits as
# training that is not; without the time to save, it goes on from the checkpoint before.
# usage: preempt.sh PREEMPT-CHECKPOINT
set -euo pipefail
program=$1 steps=8000
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$1"; cat "$work/output"; exit 1; }

# run DIRECTORY SECONDS STEPS [GRACE]: starts it and, after so long, sends SIGTERM; gives its exit
# code.
run() {
  local code=0 pid
  rm -f "$work/output"
  "$program" "$1" "${@:3}" >"$work/output" 2>&1 &
  pid=$!
  until [ -s "$work/output" ]; do sleep 0.01; done    # its handlers are there
  sleep "$2"
  kill -TERM $pid 2>/dev/null || true
  wait $pid || code=$?
  return $code
}

"$program" "$work/whole" $steps | tail -n 1 >"$work/expected"

times=0 last=0
for _ in 1 2 3 4 5 6 7 8; do
  code=0
  run "$work/often" 0.01 $steps || code=$?
  grep -qx "from step $last" "$work/output" || fail "it does not go on from step $last"
  [ $code = 75 ] || break
  times=$((times + 1))
  last=$(sed -n 's/^saved step //p' "$work/output")
done
[ $times -ge 3 ] || fail "it was told to end $times times only, and ended with $code"
[ $code = 0 ] || "$program" "$work/often" $steps >"$work/output"
tail -n 1 "$work/output" | diff "$work/expected" - || fail "other bits after it was told to end $times times"

# No time at all: what was there before stays, and nothing else.
# (The signal mostly comes while a save is published, where syncing is slow; then once more.)
mkdir "$work/late"
for _ in {1..200}; do
  code=0
  run "$work/late" 0.03 1000000000 0 || code=$?
  [ $code = 75 ] || break
done
[ $code = 76 ] || fail "it ended with $code without time"
last=$(sed -n 's/^no time to save step //p' "$work/output")
leftovers=$(find "$work/late" -name '.ckpt-tmp-*')
[ -z "$leftovers" ] || fail "left behind: $leftovers"
run "$work/late" 0 1000000000 || true
before=$(((last - 1) / 100 * 100))                     # that of a hundredth step was cancelled
grep -qx "from step $before" "$work/output" || fail "it does not go on from the checkpoint before step $last"
echo "told to end $times times: the same bits"

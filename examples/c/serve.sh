#!/usr/bin/env bash
# A server answers while a trainer saves: every answer is of one checkpoint, the last one is served,
# what is broken for a while does no harm, and threads, memory, files and maps do not grow.
# usage: serve.sh SERVE-CHECKPOINT TRAINER
set -euo pipefail
serve=$1 trainer=$2
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill -9 $server 2>/dev/null || true; rm -rf "$work"' EXIT
fail() { echo "$1"; cat "$work/output"; exit 1; }

# until_said TEXT: waits until a line of the server begins so.
until_said() {
  local end=$((SECONDS + 60))
  until grep -q "^$1" "$work/output"; do
    kill -0 $server 2>/dev/null || fail "the server has ended before it said: $1"
    [ $SECONDS -lt $end ] || fail "the server does not say: $1"
    sleep 0.01
  done
}
# What the server has: threads, KiB of memory, open files, mapped files.
threads() { sed -n 's/^Threads:[ \t]*//p' /proc/$server/status; }
memory() { sed -n 's/^VmRSS:[ \t]*\([0-9]*\) kB/\1/p' /proc/$server/status; }
files() { find /proc/$server/fd -mindepth 1 | wc -l; }
maps() { grep -c "$work" /proc/$server/maps || true; }

# Nothing to serve: it waits as long as it was told to, or until it is told to end.
: >"$work/output"
code=0
"$serve" "$work/none" 0.1 >"$work/output" 2>&1 || code=$?
[ $code = 1 ] && grep -q 'no checkpoint in .*/none after 0.1 seconds' "$work/output" ||
  fail "without a checkpoint it ends with $code"

"$serve" "$work/run" >"$work/output" 2>&1 &
server=$!
"$trainer" "$work/run" 1 20 2>/dev/null
until_said "serves step 20"
before="$(threads) threads" memory=$(memory) files=$(files)
"$trainer" "$work/run" 21 120
until_said "serves step 120"
[ "$(threads) threads" = "$before" ] || fail "it had $before and has $(threads)"
[ "$(memory)" -lt $((memory + 8192)) ] || fail "it had $memory KiB of memory and has $(memory)"
[ "$(files)" -le $((files + 5)) ] || fail "it had $files open files and has $(files)"
[ "$(maps)" -le 2 ] || fail "it has $(maps) mapped files"
kept=$(find "$work/run" -name 'ckpt-*.index' | wc -l)   # two, and those in use when the last was saved
[ "$kept" -le 10 ] || fail "it keeps $kept checkpoints from being removed"

# The state file is broken for a moment.
cp "$work/run/checkpoint" "$work/good"
echo nonsense >"$work/run/checkpoint"
sleep 0.3
cp "$work/good" "$work/run/checkpoint"
"$trainer" "$work/run" 121 125
until_said "serves step 125"

# The state file cannot be read.
mv "$work/run/checkpoint" "$work/good"
mkdir "$work/run/checkpoint"
until_said "waits for a better state file: .*/run/checkpoint"
rmdir "$work/run/checkpoint"
mv "$work/good" "$work/run/checkpoint"
"$trainer" "$work/run" 126 127
until_said "serves step 127"

# A checkpoint is broken: it serves the one before, and the next.
cp "$work/run/checkpoint" "$work/good"
latest=$(find "$work/run" -name 'ckpt-127.index')
cp "$latest" "$work/run/broken.index"
head -c 1000 "${latest%.index}.data-00000-of-00001" >"$work/run/broken.data-00000-of-00001"
echo 'model_checkpoint_path: "broken"' >"$work/run/checkpoint"
until_said "cannot load the latest: .*broken"
cp "$work/good" "$work/run/checkpoint"
"$trainer" "$work/run" 128 130
until_said "serves step 130"

kill -TERM $server
code=0
wait $server || code=$?
server=
[ $code = 0 ] || fail "told to end, it ends with $code"
last=$(tail -n 1 "$work/output")
[[ "$last" =~ ^([0-9]+)\ requests,\ ([0-9]+)\ checkpoints,\ 0\ torn,\ the\ last\ of\ step\ 130$ ]] || fail "at the end: $last"
[ "${BASH_REMATCH[1]}" -ge 100 ] && [ "${BASH_REMATCH[2]}" -ge 6 ] || fail "that was too little: $last"
echo "$last"

# Told to end before there is anything to serve.
"$serve" "$work/none" >"$work/output" 2>&1 &
server=$!
sleep 0.2
kill -TERM $server
wait $server || fail "told to end while it waits, it fails"
server=

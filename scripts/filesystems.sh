#!/usr/bin/env bash
# What the tool does on file systems that cannot lock or sync directories: `scripts/filesystems.sh
# [CKPT]`. strace makes the system calls fail. Nothing in scripts/test.sh runs this.
set -euo pipefail
cd "$(dirname "$0")/.."
ckpt=$(realpath "${1:-build/release/bin/ckpt}")
data=$(realpath tests/data)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() { echo "scripts/filesystems.sh: $*" >&2; exit 1; }
# without CALL ERROR ARGUMENTS...: the tool, where this call fails with this error; of fcntl only
# on the file of locks.
without() {
  local call=$1 error=$2 only=()
  shift 2
  [[ $call != fcntl* ]] || only=(-P "$work/run/.ckpt-lock")
  strace -f -qqq -o /dev/null "${only[@]}" -e trace="$call" -e inject="$call:error=$error" "$ckpt" "$@"
}
# A directory with three managed checkpoints.
run() {
  rm -rf run
  for number in 1 2 3; do "$ckpt" copy "$data/saver_v2/model.ckpt-3" "run/ckpt-$number" >/dev/null; done
  {
    echo 'model_checkpoint_path: "ckpt-3"'
    for number in 1 2 3; do echo "all_model_checkpoint_paths: \"ckpt-$number\""; done
    for number in 1 2 3; do echo "all_model_checkpoint_timestamps: $number.0"; done
    echo 'last_preserved_timestamp: 0.5'
  } >run/checkpoint
}

for error in ENOSYS ENOLCK EOPNOTSUPP EINVAL; do
  echo "==> no locks of byte ranges, $error: flock takes their place"
  run
  without fcntl $error copy run/ckpt-3 run/copy 2>said || fail "copy without fcntl, $error: $(cat said)"
  grep -q flock said || fail "nothing was said: $(cat said)"
  echo "==> no locks at all, $error"
  without fcntl,flock $error copy run/ckpt-3 run/other 2>said || fail "copy without locks, $error: $(cat said)"
  grep -q "not kept out" said || fail "nothing was said: $(cat said)"
  ! without fcntl,flock $error copy run/ckpt-3 run/third --lock required 2>said || fail "a lock was not required"
  without fcntl,flock $error copy run/ckpt-3 run/third --lock none 2>said || fail "copy --lock none: $(cat said)"
  [ ! -s said ] || fail "something was said: $(cat said)"
  without fcntl,flock $error gc run --keep 1 >/dev/null 2>said || fail "gc without locks, $error: $(cat said)"
  [ ! -e run/ckpt-1.index ] || fail "gc without locks, $error, removed nothing: $(cat said)"
done

echo "==> indexes cannot be locked, as on NFS when they are not open for writing"
run
without flock EBADF gc run --keep 1 >/dev/null 2>said || fail "gc: $(cat said)"
[ ! -e run/ckpt-1.index ] || fail "nothing was removed"
run
without flock EIO gc run --keep 1 >printed 2>said || fail "gc: $(cat said)"
[ -e run/ckpt-1.index ] || fail "what may be in use was removed"
grep -q "cannot be determined" said || fail "nothing was said: $(cat said)"

for error in EINVAL EOPNOTSUPP; do
  echo "==> directories cannot be synced, $error"
  run
  without fsync $error copy run/ckpt-3 other/x 2>said || fail "copy: $(cat said)"
  grep -q "cannot sync the directory" said || fail "nothing was said: $(cat said)"
  ! without fsync $error copy run/ckpt-3 other/y --lock required 2>said || fail "a sync was not required"
done
echo "all went as it should"

#!/usr/bin/env bash
# Ranks over MPI: four save, three go on, one restores all, TensorFlow restores and compares; a rank
# and the first one are killed in the middle of a save, and one does not come: the checkpoint before
# stays, and the next start goes on from it. Needs Open MPI (openmpi-bin, libopenmpi-dev) and a
# Python with TensorFlow.
# usage: tests/mpi/run.sh [--build] TREE    (--build: compiles, runs nothing; TREE: has
# lib/libcheckpoint.so; PYTHON: the interpreter, python by default)
set -euo pipefail
build=
if [ "${1:-}" = --build ]; then build=1; shift; fi
cd "$(dirname "$0")/../.."
tree=$(cd "$1" && pwd)
command -v mpirun >/dev/null && command -v mpicc >/dev/null || { echo "missing: Open MPI (openmpi-bin libopenmpi-dev)" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mpicc -std=gnu11 -O2 -Wall -Wextra -Werror -Iinclude -Iexamples/mpi examples/mpi/train.c -o "$work/train" \
  "-L$tree/lib" -lcheckpoint "-Wl,-rpath,$tree/lib"
[ -z "$build" ] || exit 0

# More ranks than processors, in the spelling that Open MPI 4 and 5 share. A rank that waits yields.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none
train() { timeout 300 mpirun --map-by :OVERSUBSCRIBE -n "$1" "$work/train" "${@:2}"; }
fail() { echo "tests/mpi/run.sh: $*" >&2; exit 1; }
no_leftovers() { [ -z "$(find "$1" -name '.ckpt-tmp-*')" ] || fail "left in $1: $(ls "$1")"; }

echo "==> what one rank comes to without a stop"
train 1 "$work/alone" 60 | tee "$work/out"
expected=$(grep '^step 60' "$work/out")
values() { "${PYTHON:-python}" tests/mpi/values.py "$@"; }

echo "==> four save, three go on, one restores all"
train 4 "$work/many" 20
train 3 "$work/many" 40 | tee "$work/out"
grep -q '^3 ranks, from step 20$' "$work/out" || fail "three ranks did not go on from step 20"
train 1 "$work/many" 60 | tee "$work/out"
grep -q '^1 ranks, from step 40$' "$work/out" || fail "one rank did not go on from step 40"
grep -qxF "$expected" "$work/out" || fail "other values: expected $expected"
values "$work/many" "$work/alone" 60
no_leftovers "$work/many"

# lost HOW RANK: saved at 10 and 20; in the save at 30 a rank is lost; the next start goes on from
# 20.
lost() {
  local how=$1 rank=$2 directory="$work/$1-$2"
  echo "==> rank $rank: $how"
  if train 4 "$directory" 60 "$how" "$rank" 30 >"$work/out" 2>&1; then fail "the save at 30 succeeded without rank $rank"; fi
  values "$directory" 20
  if [ "$how" = never ] && [ "$rank" != 0 ]; then
    grep -q "rank $rank did not take part" "$work/out" || { cat "$work/out"; fail "rank $rank was not named"; }
  fi
  train 3 "$directory" 60 | tee "$work/out"
  grep -q '^3 ranks, from step 20$' "$work/out" || fail "the next start did not go on from step 20"
  values "$directory" "$work/alone" 60
  no_leftovers "$directory"
}
lost save 2
lost save 0
lost never 3
echo "all as it should be"

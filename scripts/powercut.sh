#!/usr/bin/env bash
# Cuts the power under a program that writes checkpoints, and fills a file system under it:
# `scripts/powercut.sh [CUTS]`, 20 by default. Needs root and loop devices; where it cannot have
# them it says so, and fails if CKPT_POWERCUT_REQUIRED is set. With --build in place of CUTS only
# the program is built.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh

cannot() {
  printf 'power cuts: cannot be made here: %s\n' "$*"
  [ -z "${CKPT_POWERCUT_REQUIRED:-}" ] || exit 1
  exit 0
}

[ "$(id -u)" = 0 ] || [ "${1:-}" = --build ] || cannot "not root"
setup_debian build-essential ca-certificates curl e2fsprogs mount
setup_rust
if [ "${1:-}" = --build ]; then
  cargo test --locked --test powercut --no-run
  exit
fi
PATH=$PATH:/usr/sbin:/sbin
[ -e /dev/loop-control ] || cannot "no loop devices"
has mkfs.ext4 || cannot "no mkfs.ext4"

scratch=$(mktemp -d)
cleanup() {
  umount -q "$scratch/disk" "$scratch/small" 2>/dev/null || true
  rm -rf --one-file-system "$scratch"
}
trap cleanup EXIT

mkdir "$scratch/disk" "$scratch/small"
truncate -s 256M "$scratch/image"
mkfs.ext4 -q "$scratch/image"
mount -o loop "$scratch/image" "$scratch/disk" 2>/dev/null || cannot "mounting a loop device is not allowed"
mount -t tmpfs -o size=2m tmpfs "$scratch/small"

CKPT_POWERCUT=$scratch CKPT_POWERCUTS=${1:-20} cargo test --locked --test powercut

#!/usr/bin/env bash
# Kills managers and writers in a directory of another file system, such as a mount of NFS:
# `scripts/nfs.sh MOUNT [ROUNDS]`. Nothing in scripts/test.sh runs this.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] && [ -d "$1" ] || { echo "usage: scripts/nfs.sh MOUNT [ROUNDS]" >&2; exit 2; }
directory=$(cd "$1" && pwd)
echo "==> $directory is $(stat -f -c %T "$directory")"
CKPT_KILL_DIRECTORY=$directory CKPT_KILL_ROUNDS=${2:-100} cargo test --locked -p libcheckpoint --test manager_kills

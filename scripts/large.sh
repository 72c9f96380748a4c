#!/usr/bin/env bash
# Tensors and data files of more than 4 GiB, both ways with TensorFlow: `scripts/large.sh`. Two
# minutes, 16 GiB of memory, 12 GiB of disk.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh

setup_release_and_python
work=$(mktemp -d -p "${TMPDIR:-/var/tmp}")
trap 'rm -rf "$work"' EXIT
CKPT_LIB=$PWD/build/release/lib/libcheckpoint.so python tests/interop/large.py "$work"

#!/usr/bin/env bash
# Has TensorFlow and the library run the same random scenarios, many of them: `scripts/scenarios.sh
# [--count 100000] [--seed S] [--jobs J] [--keep-going]`. See tests/scenarios/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh

setup_release_and_python
CKPT_LIB=$PWD/build/release/lib/libcheckpoint.so exec python tests/scenarios/replay.py --count 100000 "$@"

#!/usr/bin/env bash
# Has TensorFlow and the library run the same random scenarios, many of them: `scripts/scenarios.sh [--count 100000] [--seed S] [--jobs J] [--keep-going]`.
# See tests/scenarios/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh

setup_debian build-essential ca-certificates cmake curl ninja-build python3 python3-venv
setup_rust
setup_python

cmake --preset release >/dev/null
cmake --build --preset release
CKPT_LIB=$PWD/build/release/lib/libcheckpoint.so exec python tests/scenarios/replay.py --count 100000 "$@"

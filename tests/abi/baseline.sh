#!/usr/bin/env bash
# Writes down the C ABI of a release: header, symbols, and the program that must go on working.
# usage: baseline.sh OUT_DIR LIBRARY HEADER
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=tests/abi/common.sh
. "$here/common.sh"
out=$1 library=$2 header=$3

mkdir -p "$out"
cp "$header" "$out/checkpoint.h"
cp "$here/client.c" "$out/client.c"
symbols "$library" >"$out/symbols.txt"

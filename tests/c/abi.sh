#!/usr/bin/env bash
# The shared library exports exactly the functions of symbols.txt, has its SONAME, and is small.
# usage: abi.sh LIBRARY SONAME SYMBOLS.TXT [--size]
# --size: at most 2.5 MiB when stripped; for release builds.
set -euo pipefail
library=$1 soname=$2 symbols=$3

nm -D --defined-only "$library" | awk '{ print $NF }' | LC_ALL=C sort | diff -u "$symbols" - \
  || { echo "exported symbols differ from $symbols (above: - listed, + exported)"; exit 1; }
! grep -v '^ckpt_' "$symbols" || { echo "not a ckpt_ symbol (above)"; exit 1; }

found=$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
[ "$found" = "$soname" ] || { echo "SONAME: expected $soname, found $found"; exit 1; }

if [ "${4-}" = --size ]; then
  stripped=$(mktemp)
  trap 'rm -f "$stripped"' EXIT
  strip -o "$stripped" "$library"
  size=$(stat -c %s "$stripped")
  echo "stripped: $size bytes, $(wc -l <"$symbols") functions"
  [ "$size" -le $((5 * 1024 * 1024 / 2)) ] || { echo "stripped library is larger than 2.5 MiB: $size"; exit 1; }
fi

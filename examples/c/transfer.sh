#!/usr/bin/env bash
# What the program says of each value is what docs/transfer.md shows, and only the base's own files
# stay where it is.
# usage: transfer.sh TRANSFER-CHECKPOINT BASE PAGE
set -euo pipefail
program=$1 base=$2 page=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$base" "$work/base"
"$program" "$work/base" "$work/new" >"$work/output"
# The tables alone: no titles, no empty lines.
grep -vE ':$|^$|^saved as ' "$work/output" >"$work/tables"
sed -n '/^```text$/,/^```$/p' "$page" | grep -v '^```' | diff - "$work/tables"
[ "$(tail -n 1 "$work/output")" = "saved as ckpt-1" ]
[ -s "$work/new/ckpt-1.index" ]
diff -r "$base" "$work/base"

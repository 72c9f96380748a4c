#!/usr/bin/env bash
# Compares the C ABI of a library and its header with a baseline. The ABI may only grow.
# usage: check.sh BASELINE_DIR LIBRARY HEADER
#
# Symbols, SONAME, constants and type names are compared as text. The release library has no debug
# information, so signatures and layouts are compared by abidiff on two stub libraries, each
# compiled from one of the two headers. Last, a program compiled against the baseline runs with the
# library.
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=tests/abi/common.sh
. "$here/common.sh"
baseline=$1 library=$2 header=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/old" "$scratch/new"

problems=0
problem() { problems=$((problems + 1)); echo "abi: $*"; }

# missing WHAT OLD NEW: reports the lines of OLD that are not in NEW.
missing() {
  local line
  while read -r line; do problem "$1 is gone or changed: $line"; done < <(LC_ALL=C comm -23 "$2" "$3")
}

symbols "$library" | LC_ALL=C sort >"$scratch/new/symbols"
LC_ALL=C sort "$baseline/symbols.txt" >"$scratch/old/symbols"
missing "symbol" "$scratch/old/symbols" "$scratch/new/symbols"
for kind in constants typedefs; do
  "$kind" "$baseline/checkpoint.h" >"$scratch/old/$kind"
  "$kind" "$header" >"$scratch/new/$kind"
  [ -s "$scratch/old/$kind" ] || problem "the baseline's header has no $kind"
  missing "one of the $kind" "$scratch/old/$kind" "$scratch/new/$kind"
done

soname=$(sed -n 's/^SONAME //p' "$baseline/symbols.txt")
stub_library "$baseline/checkpoint.h" "$soname" "$scratch/old/$soname"
stub_library "$header" "$soname" "$scratch/new/$soname"
symbols "$scratch/old/$soname" | diff -u "$baseline/symbols.txt" - || problem "the baseline's header and symbols differ (above)"
symbols "$scratch/new/$soname" | LC_ALL=C sort >"$scratch/new/declared"
missing "exported: a function that the header declares" "$scratch/new/declared" "$scratch/new/symbols"
abidiff --no-added-syms --harmless "$scratch/old/$soname" "$scratch/new/$soname" \
  || problem "the header changes functions or types (above)"

# As an old program was built: the linker sees the baseline, the loader the new library.
"${CC:-cc}" -std=c99 -Wall -Wextra -Werror -Wno-deprecated-declarations -I"$baseline" "$baseline/client.c" "$scratch/old/$soname" \
  -o "$scratch/client"
mkdir "$scratch/lib" "$scratch/data"
cp "$library" "$scratch/lib/$soname"
LD_BIND_NOW=1 LD_LIBRARY_PATH=$scratch/lib "$scratch/client" "$scratch/data" || problem "a program built against the baseline fails"
# Programs are also compiled anew.
"${CC:-cc}" -std=c99 -Wall -Wextra -Werror -Wno-deprecated-declarations -I"$(dirname "$header")" -fsyntax-only "$baseline/client.c" \
  || problem "a program written against the baseline does not compile"

[ "$problems" = 0 ] || { echo "abi: $problems problems against $baseline"; exit 1; }
echo "abi: $(wc -l <"$scratch/old/symbols") symbols and $(wc -l <"$scratch/old/constants") constants of the baseline stand"

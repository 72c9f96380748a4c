# shellcheck shell=bash
# What baseline.sh and check.sh both need to know of a library and a header.

# symbols LIBRARY: its SONAME, then the functions that it exports.
symbols() {
  echo "SONAME $(readelf -d "$1" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')"
  nm -D --defined-only "$1" | awk '{ print $NF }' | LC_ALL=C sort
}

# constants HEADER: `NAME VALUE` of each object-like macro, `NAME(` of each function-like one. Not
# those that every release changes.
constants() {
  "${CC:-cc}" -dM -E -x c "$1" | sed -nE 's/^#define (CKPT_\w+\()[^)]*\).*/\1/p; s/^#define (CKPT_\w+) (.*)/\1 \2/p' \
    | grep -v '^CKPT_VERSION_' | LC_ALL=C sort
}

# typedefs HEADER: the names of all types.
typedefs() {
  sed '/^ *\/\//d' "$1" | tr '\n' ' ' | sed 's/{[^}]*}//g; s/;/;\n/g' | grep -oE '^ *typedef .*' \
    | sed -E 's/.*\(\*(ckpt_\w+)\)\(.*/\1/; s/.*\b(ckpt_\w+);$/\1/' | LC_ALL=C sort
}

# stub_library HEADER SONAME OUTPUT: a library with the functions that the header declares, which do
# nothing, and debug information on their types.
stub_library() {
  # A declaration is one or more lines that begin at the first column with a type and end with ");".
  sed -E '/^ *\/\//d; /^[^ #t].*\bckpt_\w+\(|^[^ #]\w+ ckpt_\w+\(/,/;$/ s/;$/ { __builtin_trap(); }/' "$1" \
    | "${CC:-cc}" -x c -g -O0 -w -fPIC -shared -fno-eliminate-unused-debug-types -Wl,-soname,"$2" -o "$3" -
}

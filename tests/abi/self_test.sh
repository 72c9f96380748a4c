#!/usr/bin/env bash
# check.sh finds what it is for: against a throw-away baseline the present build passes, and each
# change that breaks programs is reported.
# usage: self_test.sh LIBRARY HEADER
set -euo pipefail
here=$(dirname "$0")
library=$1 header=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0

"$here/baseline.sh" "$scratch/now" "$library" "$header"
"$here/check.sh" "$scratch/now" "$library" "$header"
passed=$((passed + 1))

# change WHAT FILE EXPRESSION...: a baseline that differs from the present build; the expression
# must match something.
change() {
  local what=$1 file=$2
  shift 2
  rm -rf "$scratch/then"
  cp -r "$scratch/now" "$scratch/then"
  sed -i -E "$@" "$scratch/then/$file"
  ! cmp -s "$scratch/now/$file" "$scratch/then/$file" || { echo "self-test: $what: the header has changed, adapt this test"; exit 1; }
}

# reported MESSAGE: check.sh must fail and say so. What it compares is the other way round: the
# baseline is the changed one.
reported() {
  if "$here/check.sh" "$scratch/then" "$library" "$header" >"$scratch/out" 2>&1 || ! grep -q "$1" "$scratch/out"; then
    cat "$scratch/out"
    echo "self-test: not reported: $1"
    exit 1
  fi
  passed=$((passed + 1))
}

change 'a function was removed from the library' symbols.txt '$ackpt_zebra'
reported 'symbol is gone or changed: ckpt_zebra'
change 'the SONAME changed' symbols.txt '1s/$/9/'
reported 'symbol is gone or changed: SONAME'
change 'a function was removed from the header' checkpoint.h 's/^uint64_t ckpt_live_handles\(void\);/&\nvoid ckpt_zebra(void);/'
reported "'function void ckpt_zebra()'"
change 'a constant changed' checkpoint.h 's/^(#define CKPT_MAX_RANK) .*/\1 255/'
reported 'constants is gone or changed: CKPT_MAX_RANK 255'
change 'a constant was removed' checkpoint.h 's/^#define CKPT_MAX_RANK .*/&\n#define CKPT_MIN_RANK 0/'
reported 'constants is gone or changed: CKPT_MIN_RANK 0'
change 'a type was removed' checkpoint.h 's/^typedef struct ckpt_writer ckpt_writer;/&\ntypedef struct ckpt_zebra ckpt_zebra;/'
reported 'typedefs is gone or changed: ckpt_zebra'
change "a parameter's type changed" checkpoint.h 's/^(const char \*ckpt_code_name)\(ckpt_code code\)/\1(int64_t code)/'
reported 'ckpt_code_name(int64_t)'
change 'a parameter lost its const' checkpoint.h 's/^(void ckpt_error_free)\(ckpt_error \*/\1(const ckpt_error */'
reported 'ckpt_error_free'
change 'a parameter was added' checkpoint.h 's/^(const char \*ckpt_version)\(void\)/\1(int style)/'
reported 'ckpt_version(int)'
change 'a return type changed' checkpoint.h 's/^uint64_t (ckpt_live_handles)/uint32_t \1/'
reported 'return type changed'
change "a callback's type changed" checkpoint.h 's/(\(\*ckpt_progress_callback\)\(void \*user_data, uint64_t done, )uint64_t/\1uint32_t/'
reported 'ckpt_progress_callback'
change 'a field was added to a structure' checkpoint.h '/^typedef struct \{/,/ckpt_bytes;/ s/^    size_t len;//'
reported 'ckpt_bytes'
change 'a field changed' checkpoint.h '/^typedef struct \{/,/ckpt_bytes;/ s/size_t len;/uint32_t len;/'
reported 'ckpt_bytes'
change 'what an old program does' client.c 's/CKPT_CODE_NOT_FOUND/CKPT_CODE_INTERNAL/'
reported 'a program built against the baseline fails'

# The ABI may grow.
change 'a function and a constant were added' checkpoint.h '/^const char \*ckpt_version\(void\);/d; /^#define CKPT_MAX_RANK/d'
sed -i '/^ckpt_version$/d' "$scratch/then/symbols.txt"
"$here/check.sh" "$scratch/then" "$library" "$header"
passed=$((passed + 1))

# A function that is deprecated stays, and compilers warn of its use.
mkdir "$scratch/next"
sed 's/^const char \*ckpt_version(void);/CKPT_DEPRECATED("use CKPT_VERSION_MAJOR")\n&/' "$header" >"$scratch/next/checkpoint.h"
"$here/check.sh" "$scratch/now" "$library" "$scratch/next/checkpoint.h"
printf '#include <checkpoint.h>\nint main(void) { return *ckpt_version(); }\n' >"$scratch/use.c"
"${CC:-cc}" -fsyntax-only -Werror -I"$scratch/now" "$scratch/use.c"
! "${CC:-cc}" -fsyntax-only -Werror -I"$scratch/next" "$scratch/use.c" 2>"$scratch/out"
grep -q 'use CKPT_VERSION_MAJOR' "$scratch/out"
passed=$((passed + 1))

echo "$passed passed, 0 failed"

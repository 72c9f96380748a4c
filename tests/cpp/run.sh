#!/usr/bin/env bash
# Tests the C++ binding against a build tree or an installed prefix: compiled strictly as C++17 with
# sanitizers and as C++20, its example killed and resumed, its documented programs compared. Needs
# GoogleTest and python3; installs nothing.
# usage: run.sh [--build] [TREE]    (--build: compiles, runs nothing; TREE: has
# lib/libcheckpoint.so, build/release by default)
set -euo pipefail
build=
if [ "${1:-}" = --build ]; then build=1; shift; fi
cd "$(dirname "$0")/../.."
tree=$(cd "${1:-build/release}" && pwd)
headers=(-Ibindings/cpp/include -Iinclude)
[ ! -f "$tree/include/checkpoint.hpp" ] || headers=("-I$tree/include")
[ -f "$tree/lib/libcheckpoint.so" ] || { echo "no lib/libcheckpoint.so in $tree" >&2; exit 2; }
echo '#include <gtest/gtest.h>' | c++ -std=c++17 -E -x c++ - >/dev/null 2>&1 || { echo "missing: GoogleTest (libgtest-dev)" >&2; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
strict=(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror "${headers[@]}")
link=("-L$tree/lib" -lcheckpoint "-Wl,-rpath,$tree/lib" -lpthread)

# at_once COMMAND...: runs one command for each line of stdin, as many at once as there are
# processors.
at_once() { xargs -P "$(nproc)" -I{} bash -c "$*"; }

say "each header alone, in every standard"
export COMPILE="${strict[*]}"
compilers=(g++)
! command -v clang++ >/dev/null || compilers+=(clang++)
for compiler in "${compilers[@]}"; do
  for standard in c++17 c++20 c++2b; do
    find bindings/cpp/include -name '*.hpp' -printf "$compiler -std=$standard %P\n"
  done
done | at_once 'read -r compiler standard header <<<"{}"; $compiler $standard $COMPILE -fsyntax-only -x c++ - <<<"#include <$header>"'

say "the tests"
export LINK="${link[*]}" WORK=$work
export SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all -D_GLIBCXX_ASSERTIONS"
for program in conformance conformance_runs binding background snippets; do
  echo "$program 17-asan -std=c++17 -g $SANITIZE"
  echo "$program 20 -std=c++20 -g"
done | at_once 'read -r program variant flags <<<"{}"
  c++ $flags $COMPILE tests/cpp/$program.cpp -o $WORK/$program-$variant -lgtest -lgtest_main $LINK'
[ -z "$build" ] || exit 0
status=0
for program in "$work"/*-17-asan "$work"/*-20; do
  say "$(basename "$program")"
  UBSAN_OPTIONS=print_stacktrace=1 "$program" --gtest_brief=1 || status=1
done

say "the example: killed and resumed, and going on from what C wrote"
c++ -std=c++17 -O2 "${strict[@]}" examples/cpp/train.cpp -o "$work/train-cpp" "${link[@]}"
cc -std=c11 -O2 "${headers[@]}" examples/c/train.c -o "$work/train-c" "${link[@]}" -lm
examples/c/resume.sh "$work/train-cpp" tests/data/guide_slots >/dev/null || { echo "examples/c/resume.sh fails with C++"; status=1; }
"$work/train-c" "$work/whole" 50 >"$work/expected"
for die in 23 37; do
  { "$work/train-c" "$work/c-$die" 50 "$die" || true; } >/dev/null 2>&1
  "$work/train-cpp" "$work/c-$die" 50 >/dev/null
  { "$work/train-cpp" "$work/cpp-$die" 50 "$die" || true; } >/dev/null 2>&1
  "$work/train-c" "$work/cpp-$die" 50 >/dev/null
  for file in ckpt-5.index ckpt-5.data-00000-of-00001; do
    cmp "$work/whole/$file" "$work/c-$die/$file" || status=1
    cmp "$work/whole/$file" "$work/cpp-$die/$file" || status=1
  done
done

say "the cost of the binding"
c++ -std=c++17 -O2 "${strict[@]}" benches/binding.cpp -o "$work/cost" "${link[@]}"
"$work/cost"

say "the programs of docs/cpp.md are those of tests/cpp/snippets.cpp"
python3 tests/snippets.py docs/cpp.md -- tests/cpp/snippets.cpp || status=1

[ "$status" = 0 ] && say "C++: all passed"
exit "$status"

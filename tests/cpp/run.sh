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

say "each header alone; all of them in every standard, without exceptions, and as Windows has it"
export COMPILE="${strict[*]}"
compilers=(g++)
! command -v clang++ >/dev/null || compilers+=(clang++)
# What libstdc++ lacks as soon as clang plays MSVC; in C++20 it does not compile at all then.
export MSVC="-fms-extensions -fms-compatibility -fms-compatibility-version=19.30 -w"
for type in BOOL CHAR WCHAR_T SHORT INT LONG LLONG POINTER CHAR16_T CHAR32_T; do MSVC+=" -D__GCC_ATOMIC_${type}_LOCK_FREE=2"; done
MSVC+=" -D__GCC_ATOMIC_TEST_AND_SET_TRUEVAL=1"
for compiler in "${compilers[@]}"; do
  for standard in c++17 c++20 c++2b; do
    if [ "$compiler $standard" = "g++ c++17" ]; then
      find bindings/cpp/include -name '*.hpp' -printf "$compiler %P -std=$standard\n"
    else
      echo "$compiler checkpoint.hpp -std=$standard"
    fi
    echo "$compiler checkpoint.hpp -std=$standard -fno-exceptions -fno-rtti"
    [ "$compiler" != clang++ ] || echo "$compiler checkpoint.hpp -std=$standard -fms-extensions"
  done
  [ "$compiler" != clang++ ] || echo "$compiler checkpoint.hpp -std=c++17 $MSVC"
done | at_once 'read -r compiler header flags <<<"{}"; $compiler $COMPILE $flags -fsyntax-only -x c++ - <<<"#include <$header>"'

say "what cannot be tracked is refused in one sentence"
# A member and a part of the sentence.
while IFS='|' read -r member sentence; do
  for compiler in "${compilers[@]}"; do
    program="#include <checkpoint.hpp>
      #include <map>
      enum class mode { on };
      struct plain { float x; CHECKPOINT_MEMBERS(x) };
      struct program : checkpoint::module { $member; program() { track(\"x\", x); } };"
    if said=$($compiler -std=c++17 "${headers[@]}" -fsyntax-only -x c++ - <<<"$program" 2>&1); then
      echo "$compiler compiles a module that tracks $member" >&2; exit 1
    fi
    if [ "$(grep -c 'error:' <<<"$said")" != 1 ] || [ "$(wc -l <<<"$said")" -gt 25 ] || ! grep -q "checkpoint: .*$sentence" <<<"$said"; then
      printf '%s says of a module that tracks %s\n%s\n' "$compiler" "$member" "$said" >&2; exit 1
    fi
  done
done <<'END'
mode x|an enumeration is no element
mode x[2]|an enumeration is no element
std::vector<mode> x|this type is no element
std::vector<bool> x|std::vector<bool> has no elements in memory
float *x|a pointer does not say how many
std::string x|a string is no tensor
const char *x|a string is no tensor
std::vector<std::string> x|this type is no element
std::vector<std::vector<float>> x|this type is no element
std::map<int, int> x|this type is no element
std::vector<plain> x|a std::vector moves its structs
END

say "the tests"
export LINK="${link[*]}" WORK=$work
export SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all -D_GLIBCXX_ASSERTIONS"
for program in conformance conformance_runs binding background memory load tracking snippets; do
  echo "$program 17-asan -std=c++17 -g $SANITIZE"
  echo "$program 20 -std=c++20 -g"
done | at_once 'read -r program variant flags <<<"{}"
  c++ $flags $COMPILE tests/cpp/$program.cpp -o $WORK/$program-$variant -lgtest -lgtest_main $LINK'

say "units of both standards, with and without exceptions, in one program"
units="$work/units"
mkdir "$units"
for flags in "main -std=c++20" "cpp17 -std=c++17" "no_exceptions -std=c++17 -fno-exceptions -fno-rtti"; do echo "$flags"; done |
  at_once 'read -r unit flags <<<"{}"; c++ $flags -g $COMPILE -c tests/cpp/units/$unit.cpp -o $WORK/units/$unit.o'
c++ "$units"/*.o -o "$units/program" "${link[@]}"
[ -z "$build" ] || exit 0
status=0
mkdir "$units/directory"
"$units/program" "$units/directory" || status=1
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

say "the programs of the guides"
cc -std=c11 -O2 "${headers[@]}" tests/c/trainer.c -o "$work/trainer" "${link[@]}"
for name in keras serve transfer preempt workers; do
  c++ -std=c++17 -O2 "${strict[@]}" examples/cpp/$name.cpp -o "$work/example-$name" "${link[@]}"
done
[ "$("$work/example-keras" tests/data/tf_keras_net)" = "467.40 473.34" ] || { echo "other numbers than TensorFlow's"; status=1; }
examples/c/serve.sh "$work/example-serve" "$work/trainer" || { echo "examples/c/serve.sh fails with C++"; status=1; }
examples/c/transfer.sh "$work/example-transfer" tests/data/tf_keras_net docs/transfer.md ||
  { echo "examples/c/transfer.sh fails with C++"; status=1; }
examples/c/preempt.sh "$work/example-preempt" || { echo "examples/c/preempt.sh fails with C++"; status=1; }
[ "$("$work/example-workers" "$work/workers")" = "4 workers, 0 failed" ] || { echo "the forked workers fail"; status=1; }

say "the cost of the binding"
c++ -std=c++17 -O2 "${strict[@]}" benches/binding.cpp -o "$work/cost" "${link[@]}"
"$work/cost"

say "the programs of the pages are those of tests/cpp/snippets.cpp and of the examples"
python3 tests/snippets.py docs/{cpp,keras,serving,transfer,processes}.md -- tests/cpp/snippets.cpp \
  examples/cpp/{keras,serve,transfer,preempt}.cpp || status=1

[ "$status" = 0 ] && say "C++: all passed"
exit "$status"

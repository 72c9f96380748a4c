#!/usr/bin/env bash
# The C# binding with a .NET SDK, 10 or newer, that is on the PATH: builds and analyses it for every
# framework, without a warning; runs its tests; publishes an application as a single file, trimmed,
# and compiled ahead of time, and runs it where other libraries lie in wait; and packs it.
# Where there is no such SDK it says what is left out, and ends with the code 77.
# usage: dotnet.sh [--build] [TREE]    (--build: runs nothing that it builds; TREE: has
# lib/libcheckpoint.so, build/release by default)
set -euo pipefail
build=
if [ "${1:-}" = --build ]; then build=1; shift; fi
cd "$(dirname "$0")/.."
version=$(dotnet --version 2>/dev/null || true)
if [ -z "$version" ] || [ "${version%%.*}" -lt 10 ]; then
  echo "left out: building, analysing, testing, publishing and packing the C# binding (no .NET SDK >= 10 on the PATH; found: ${version:-none})"
  exit 77
fi
tree=$(cd "${1:-build/release}" && pwd)
[ -f "$tree/lib/libcheckpoint.so" ] || { echo "no lib/libcheckpoint.so in $tree" >&2; exit 2; }
case $(uname -m) in x86_64) rid=linux-x64 ;; aarch64) rid=linux-arm64 ;; *) echo "no runtime identifier for $(uname -m)" >&2; exit 2 ;; esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1
say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
status=0
failed() { echo "$*"; status=1; }

settings=(-c Release --artifacts-path "$work/artifacts")
if [ -n "${NUGET_FALLBACK_PACKAGES:-}" ]; then # the packages are there: no registry is asked
  echo '<configuration><packageSources><clear/></packageSources></configuration>' >"$work/nuget.config"
  settings+=("-p:RestoreConfigFile=$work/nuget.config")
fi
# sdk COMMAND PROJECT [ARGUMENT...]: says what it has to say if it fails.
sdk() { dotnet "$1" "$2" "${settings[@]}" "${@:3}" >"$work/log" 2>&1 || { cat "$work/log"; return 1; }; }

say "building and analysing for every framework"
sdk build bindings/csharp/Checkpoint.csproj
sdk build tests/csharp/Tests.csproj
for as in single trimmed aot; do
  say "publishing: $as"
  PUBLISHED_AS=$as PUBLISHED_RID=$rid sdk publish tests/csharp/published/Published.csproj -o "$work/$as"
done

say "packing"
mkdir -p "$work/natives/runtimes/$rid/native"
cp -L "$tree/lib/libcheckpoint.so" "$work/natives/runtimes/$rid/native/"
sdk pack bindings/csharp/Checkpoint.csproj -o "$work/package" "-p:Natives=$work/natives/"
python3 -m zipfile -l "$work"/package/LibCheckpoint.*.nupkg >"$work/contents"
for file in lib/{netstandard2.0,net8.0,net10.0}/LibCheckpoint.{dll,xml} "runtimes/$rid/native/libcheckpoint.so" README.md; do
  grep -q "^$file " "$work/contents" || failed "the package has not $file"
done
python3 -m zipfile -l "$work"/package/LibCheckpoint.*.snupkg >"$work/contents"
for framework in netstandard2.0 net8.0 net10.0; do
  grep -q "^lib/$framework/LibCheckpoint.pdb " "$work/contents" || failed "the package of symbols has none for $framework"
done
if [ -n "$build" ]; then exit "$status"; fi

for stress in "" --stress; do
  say "the tests on .NET $version $stress"
  # shellcheck disable=SC2086  # no argument rather than an empty one
  LD_LIBRARY_PATH=$tree/lib dotnet "$work"/artifacts/bin/Tests/release/tests.dll "$PWD/tests/data" $stress || status=1
done

# A directory with what must not be loaded: under each name that a search may come to, one that says
# so.
mkdir -p "$work/trap/runtimes/$rid/native"
cc -shared -fPIC tests/csharp/planted.c -o "$work/planted.so"
for name in libcheckpoint.so libcheckpoint.so.0 checkpoint checkpoint.so "runtimes/$rid/native/libcheckpoint.so"; do
  cp "$work/planted.so" "$work/trap/$name"
done
# in_trap NAME ARGUMENT...: what the application says that was published so.
# shellcheck disable=SC2016  # the inner shell, which has the last word on signals, expands
in_trap() { (cd "$work/trap" && env -u LD_LIBRARY_PATH sh -c '"$@"; true' sh "$work/$1/published" "${@:2}" 2>&1); }

for as in single trimmed aot; do
  say "an application ($as) loads nothing from the directory that it is started in"
  output=$(in_trap "$as" "$work/run-$as")
  grep -q DllNotFoundException <<<"$output" || failed "without a library it says: $output"
  ! grep -q planted <<<"$output" || failed "$output"
  mkdir -p "$work/$as/runtimes/$rid/native" "$work/$as/runtimes/${rid/linux-/linux-musl-}/native"
  cp "$work/planted.so" "$work/$as/runtimes/${rid/linux-/linux-musl-}/native/libcheckpoint.so" # this machine has glibc
  ln -s "$tree/lib/libcheckpoint.so" "$work/$as/runtimes/$rid/native/"

  say "… finds the library under runtimes/ beside it, and tracks all members or says which it cannot"
  in_trap "$as" "$work/run-$as" >"$work/output"
  diff "tests/csharp/published/expected" <(grep -v refused "$work/output") || failed "(above: expected and found)"
  refused=3
  [ "$as" != single ] || refused=2 # nothing was trimmed, and a class needs no interface
  [ "$(grep -c '^refused' "$work/output")" = "$refused" ] || failed "other refusals: $(cat "$work/output")"

  say "… and beside it; its own resolver comes before"
  mv "$work/$as/runtimes/$rid/native/libcheckpoint.so" "$work/$as/"
  in_trap "$as" "$work/run-$as" | grep -qx "the end" || failed "the library beside the application is not found"
  mv "$work/$as/libcheckpoint.so" "$work/elsewhere-$as"
  output=$(in_trap "$as" --resolver "$work/elsewhere-$as")
  grep -q "resolver is asked for checkpoint" <<<"$output" && grep -qx "the end" <<<"$output" || failed "with a resolver it says: $output"
done

[ "$status" = 0 ] && say "C# with the SDK: all passed"
exit "$status"

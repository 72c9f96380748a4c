#!/usr/bin/env bash
# The C# binding: compiled strictly for Mono and for .NET Core, tested on both, with and without a
# garbage collector that never rests; the training example, killed and resumed, and taking turns
# with C's; and what the binding costs. Needs mono, mcs and the Python package dotnetcore2, which
# has the runtime; installs nothing.
# usage: run.sh [--build] [TREE]    (--build: compiles, runs nothing; TREE: has
# lib/libcheckpoint.so, build/release by default)
set -euo pipefail
build=
if [ "${1:-}" = --build ]; then build=1; shift; fi
cd "$(dirname "$0")/../.."
tree=$(cd "${1:-build/release}" && pwd)
[ -f "$tree/lib/libcheckpoint.so" ] || { echo "no lib/libcheckpoint.so in $tree" >&2; exit 2; }
for tool in mcs mono; do command -v $tool >/dev/null || { echo "missing: $tool (mono-mcs, mono-runtime)" >&2; exit 2; }; done
net=$(python3 -c 'import importlib.util as u; print(u.find_spec("dotnetcore2").submodule_search_locations[0] + "/bin")' 2>/dev/null) \
  || { echo "missing: dotnetcore2 (pip install -r scripts/requirements.txt)" >&2; exit 2; }
framework=$(echo "$net"/shared/Microsoft.NETCore.App/*)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work
say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }

say "the versions agree, and what netstandard2.0 lacks is not used"
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
grep -q "<Version>$version</Version>" bindings/csharp/Checkpoint.csproj || { echo "bindings/csharp/Checkpoint.csproj has not version $version"; exit 1; }
# Mono's library has members that netstandard2.0 has not, and mcs does not tell.
mapfile -t common < <(grep -L '^#if NET8_0_OR_GREATER$' bindings/csharp/*.cs)
! grep -nE 'PtrToStringUTF8|StringToCoTaskMemUTF8|HashCode\.|IAsync|CollectionsMarshal|MathF|string\.Create|\.TryAdd\(|UnixEpoch|\bIndex\b|\bRange\b|Array\.Fill' \
  "${common[@]}" || { echo "(above: not in netstandard2.0)"; exit 1; }

say "compiling"
mkdir "$work/mono" "$work/core"
strict=(-langversion:7.2 -unsafe -warn:4 -warnaserror -debug-)
for_mono=(-d:NETSTANDARD2_0 -r:System.Numerics.dll -r:System.Core.dll -r:System.dll)
for_core=(-nostdlib -noconfig -nowarn:1702 -d:NETCOREAPP -d:NETCOREAPP3_0_OR_GREATER) # 1702: an assembly that mcs takes for another of the same name
for name in Private.CoreLib Runtime Runtime.Extensions Runtime.InteropServices Runtime.InteropServices.RuntimeInformation Runtime.Numerics \
  Memory Collections ComponentModel.Primitives Console Diagnostics.Process IO.FileSystem Linq Threading Threading.Tasks.Parallel; do
  for_core+=("-r:$framework/System.$name.dll")
done
# compile RUNTIME OUTPUT SOURCE...
compile() {
  local references=("${for_mono[@]}")
  [ "$1" = mono ] || references=("${for_core[@]}")
  case $2 in *.dll) references+=(-target:library) ;; *) references+=("-r:$work/$1/LibCheckpoint.dll") ;; esac
  mcs "${strict[@]}" "${references[@]}" "-out:$work/$1/$2" "${@:3}"
}
for runtime in mono core; do
  # With -doc a public member without documentation is an error.
  compile $runtime LibCheckpoint.dll "-doc:$work/$runtime/LibCheckpoint.xml" bindings/csharp/*.cs
  compile $runtime tests.exe tests/csharp/{Testing,Conformance,Arguments,Binding,Ranks,Snippets,Streams,Tasks,Values,Waiting}.cs
  compile $runtime train.exe examples/csharp/Train.cs
  compile $runtime cost.exe tests/csharp/Cost.cs
  compile $runtime abandon.exe tests/csharp/Abandon.cs
done
[ -z "$build" ] || exit 0
cat >"$work/core.json" <<'END'
{ "runtimeOptions": { "tfm": "netcoreapp3.1", "framework": { "name": "Microsoft.NETCore.App", "version": "3.1.0" },
  "configProperties": { "System.Globalization.Invariant": true } } }
END
for program in tests train cost abandon; do cp "$work/core.json" "$work/core/$program.runtimeconfig.json"; done
for program in tests train cost abandon; do
  printf '#!/bin/sh\nexec mono %s/mono/%s.exe "$@"\n' "$work" $program >"$work/mono/$program"
  printf '#!/bin/sh\nexec %s/dotnet %s/core/%s.exe "$@"\n' "$net" "$work" $program >"$work/core/$program"
  chmod +x "$work/mono/$program" "$work/core/$program"
done
export LD_LIBRARY_PATH=$tree/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

status=0
for runtime in mono core; do
  for stress in "" --stress; do
    say "the tests on $runtime $stress"
    # shellcheck disable=SC2086  # no argument rather than an empty one
    "$work/$runtime/tests" "$PWD/tests/data" $stress || status=1
  done
  say "a program on $runtime that disposes of nothing ends as any other"
  output=$("$work/$runtime/abandon" "$work/abandoned-$runtime") || { echo "exit code $?"; status=1; }
  [ "$output" = "the end" ] || { echo "it says: $output"; status=1; }
done
say "the tests on mono, with a collection at every so many allocations"
MONO_GC_DEBUG=collect-before-allocs=100 "$work/mono/tests" "$PWD/tests/data" || status=1

say "on core the native library is found under runtimes/ beside the assembly, and by its version"
mkdir -p "$work/core/runtimes/linux-x64/native"
[ "$(uname -m)" = x86_64 ] || mv "$work/core/runtimes/linux-x64" "$work/core/runtimes/linux-arm64"
cp -L "$tree/lib/libcheckpoint.so" "$work"/core/runtimes/*/native/
env -u LD_LIBRARY_PATH "$work/core/abandon" "$work/abandoned-runtimes" | grep -qx "the end" || { echo "it is not found"; status=1; }
rm -r "$work/core/runtimes"
mkdir "$work/runtime-only" # as a package without development files installs it
cp -L "$tree/lib/libcheckpoint.so" "$work/runtime-only/libcheckpoint.so.${version%%.*}"
LD_LIBRARY_PATH=$work/runtime-only "$work/core/abandon" "$work/abandoned-versioned" | grep -qx "the end" || { echo "it is not found by its version"; status=1; }

say "nothing is loaded from the directory that a program is started in"
mkdir -p "$work/trap/runtimes/linux-x64/native" "$work/trap/runtimes/linux-arm64/native"
cc -shared -fPIC tests/csharp/planted.c -o "$work/planted.so"
for name in libcheckpoint.so "libcheckpoint.so.${version%%.*}" checkpoint checkpoint.so runtimes/linux-{x64,arm64}/native/libcheckpoint.so; do
  cp "$work/planted.so" "$work/trap/$name"
done
for runtime in mono core; do
  output=$(cd "$work/trap" && env -u LD_LIBRARY_PATH "$work/$runtime/abandon" "$work/abandoned-trap-$runtime" 2>&1) && { echo "$runtime has found a library"; status=1; }
  grep -q DllNotFoundException <<<"$output" && ! grep -q planted <<<"$output" || { echo "$runtime says: $output"; status=1; }
done

say "the example: killed and resumed, and taking turns with what C wrote"
cc -std=c11 -O2 -Iinclude examples/c/train.c -o "$work/train-c" "-L$tree/lib" -lcheckpoint -lm
examples/c/resume.sh "$work/mono/train" tests/data/guide_slots >/dev/null || { echo "examples/c/resume.sh fails with C#"; status=1; }
"$work/train-c" "$work/whole" 50 | grep -E '^(kernel|bias) ' >"$work/expected"
for runtime in mono core; do
  for die in 23 37; do
    { "$work/train-c" "$work/c-$runtime-$die" 50 $die || true; } >/dev/null 2>&1
    "$work/$runtime/train" "$work/c-$runtime-$die" 50 >"$work/output"
    grep -q "^from step $((die / 10 * 10)) of " "$work/output" || { echo "C# on $runtime does not go on from C's checkpoint"; status=1; }
    grep -E '^(kernel|bias) ' "$work/output" | diff "$work/expected" - || { echo "other bits than C's"; status=1; }
    { "$work/$runtime/train" "$work/$runtime-$die" 50 $die || true; } >/dev/null 2>&1
    "$work/train-c" "$work/$runtime-$die" 50 >"$work/output"
    grep -q "^from step $((die / 10 * 10)) of " "$work/output" || { echo "C does not go on from the checkpoint of C# on $runtime"; status=1; }
    grep -E '^(kernel|bias) ' "$work/output" | diff "$work/expected" - || { echo "other bits than C's"; status=1; }
  done
  "$work/$runtime/train" "$work/whole-$runtime" 50 >/dev/null
  for other in "c-$runtime-23" "$runtime-37" "whole-$runtime"; do
    for file in ckpt-5.index ckpt-5.data-00000-of-00001; do cmp "$work/whole/$file" "$work/$other/$file" || status=1; done
  done
done

say "the cost of the binding"
for runtime in mono core; do
  cc -std=c11 -O2 -Wall -Werror -shared -fPIC -Iinclude tests/csharp/cost.c -o "$work/$runtime/libcost.so" "-L$tree/lib" -lcheckpoint
  printf '%s: ' $runtime
  LD_LIBRARY_PATH=$work/$runtime:$LD_LIBRARY_PATH "$work/$runtime/cost" || status=1
done

[ "$status" = 0 ] && say "C#: all passed"
exit "$status"

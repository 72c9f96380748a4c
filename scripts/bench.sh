#!/usr/bin/env bash
# Runs the benchmarks and prints their table: `scripts/bench.sh [--write] [--keep] [--tries N]`.
# --write keeps the table in benches/RESULTS.md unless a figure is void, --keep the 2 GiB of files
# in build/bench for the next run, --tries says how often a figure is measured again while other
# processes are busy. PYTHON=... names a Python that has what tests/interop/requirements.txt lists;
# without it, scripts/test.sh's own is used.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh

keep=
options=()
while [ $# -gt 0 ]; do
  case $1 in
    --keep) keep=1; shift ;;
    --write) options+=(--write); shift ;;
    --tries) options+=(--tries "${2:?--tries needs a number}"); shift 2 ;;
    *) echo "usage: scripts/bench.sh [--write] [--keep] [--tries N]" >&2; exit 2 ;;
  esac
done

setup_debian binutils build-essential ca-certificates curl git mono-mcs mono-runtime pkgconf python3 python3-venv
setup_rust
setup_go
if [ -z "${PYTHON:-}" ]; then
  setup_python
  PYTHON=$VENV/bin/python
fi

bench=build/bench
programs=$bench/bin
data=$bench/data
mkdir -p "$programs"

say "building the library and the programs that measure it"
cargo build --release --locked --package libcheckpoint-c
built=${CARGO_TARGET_DIR:-target}/release
cp "$built/libcheckpoint.so" "$programs/libcheckpoint.so.0"
strip -o "$programs/stripped.so" "$built/libcheckpoint.so"
compile() { cc -O2 -std=c11 -Wall -Wextra -pedantic -Werror -Iinclude "$@"; }
# shellcheck disable=SC2016  # $ORIGIN is for the loader
for name in measure writing programs stall ranks one_tensor one_pread; do
  compile -o "$programs/$name" "benches/$name.c" "$programs/libcheckpoint.so.0" '-Wl,--as-needed,-rpath,$ORIGIN'
done
# The linker warns of functions in Rust's own library that look up hosts and users; nothing here
# calls them.
compile -static -o "$programs/one_tensor_static" benches/one_tensor.c "$built/libcheckpoint.a" \
  -lpthread -lm -ldl -lgcc_eh 2>/dev/null

# What the bindings cost, beside C in the same process.
c++ -O2 -std=c++17 -Wall -Wextra -Werror -Iinclude -Ibindings/cpp/include benches/binding.cpp -o "$programs/cost-cpp" \
  "$programs/libcheckpoint.so.0" '-Wl,-rpath,$ORIGIN'
ln -sf libcheckpoint.so.0 "$programs/libcheckpoint.so"
printf '%s\n' 'Name: checkpoint' 'Description: the build tree' 'Version: 0' "Cflags: -I$PWD/include" \
  "Libs: -L$PWD/$programs -lcheckpoint -Wl,-rpath,$PWD/$programs" >"$programs/checkpoint.pc"
(cd tests/go && PKG_CONFIG_PATH=$OLDPWD/$programs CGO_LDFLAGS_ALLOW='-Wl,-rpath,.*' go build -tags checkpoint_system -o "$OLDPWD/$programs/cost-go" ./cost)
compile -shared -fPIC tests/csharp/cost.c -o "$programs/libcost.so" "$programs/libcheckpoint.so.0" '-Wl,-rpath,$ORIGIN'
mcs -optimize -unsafe -langversion:7.2 -d:NETSTANDARD2_0 -r:System.Numerics.dll -r:System.Core.dll "-out:$programs/cost.exe" \
  bindings/csharp/*.cs tests/csharp/Cost.cs
printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec mono %s/cost.exe\n' "$PWD/$programs" "$PWD/$programs" >"$programs/cost-cs"
chmod +x "$programs/cost-cs"

[ -n "$keep" ] || trap 'rm -rf "$data"' EXIT
if [ ! -f "$data/made" ]; then
  say "making the checkpoints"
  mkdir -p "$data"
  "$PYTHON" benches/make.py "$data"
  touch "$data/made"
fi

say "measuring"
"$PYTHON" benches/run.py --programs "$programs" --data "$data" "${options[@]}"

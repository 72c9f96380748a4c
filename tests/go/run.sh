#!/usr/bin/env bash
# The Go binding: formatted, vetted, tested with the race detector, a collector that never rests and
# every check that cgo has; the serving example, under requests; the training example, which goes on
# from C's checkpoints and C from its, with the same bits; and what the binding costs.
# usage: tests/go/run.sh [--build] BUILD-TREE    (--build: compiles, runs no test; BUILD-TREE: one
# of CMake's, with lib/libcheckpoint.so and the examples)
set -euo pipefail
build=
if [ "${1:-}" = --build ]; then build=1; shift; fi
tree=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The build tree has no .pc file, which says where things were installed.
printf '%s\n' 'Name: checkpoint' 'Description: the build tree' 'Version: 0' "Cflags: -I$root/include" \
  "Libs: -L$tree/lib -lcheckpoint" >"$work/checkpoint.pc"
export PKG_CONFIG_PATH=$work LD_LIBRARY_PATH=$tree/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} GOFLAGS="-mod=mod -tags=checkpoint_system" GOTOOLCHAIN=local

unformatted=$(gofmt -l bindings/go examples/go tests/go)
[ -z "$unformatted" ] || { echo "not formatted by gofmt: $unformatted"; exit 1; }
for module in bindings/go examples/go tests/go; do (cd "$module" && go vet ./...); done

cd bindings/go
if [ -n "$build" ]; then
  go test -run '^$' -race ./...
  (cd "$root/examples/go" && go test -run '^$' -race ./...)
  exit
fi
go test -count=1 ./...
GOGC=1 go test -count=1 -race ./...
GOEXPERIMENT=cgocheck2 go test -count=1 ./...
cd "$root"
# A server that loads new checkpoints while another process saves them.
(cd examples/go && go test -count=1 ./... && GOGC=1 go test -count=1 -race ./...)

(cd examples/go && go build -o "$work/train" ./train)
train_c=$(find "$tree" -type f -name train-checkpoint -perm -u+x | head -n 1)
[ -n "$train_c" ] || { echo "no train-checkpoint in $tree"; exit 1; }
examples/c/resume.sh "$work/train" "$root/tests/data/guide_slots"

weights() { grep -E '^(kernel|bias) '; }
"$train_c" "$work/whole" 50 | weights >"$work/expected"
"$work/train" "$work/whole-go" 50 >/dev/null
for file in ckpt-5.index ckpt-5.data-00000-of-00001; do cmp "$work/whole/$file" "$work/whole-go/$file"; done
# handed from one to the other, killed in between
"$train_c" "$work/both" 50 17 >/dev/null 2>&1 || true
"$work/train" "$work/both" 50 34 >/dev/null 2>&1 || true
"$train_c" "$work/both" 50 45 >/dev/null 2>&1 || true
"$work/train" "$work/both" 50 >"$work/output"
grep -q '^from step 40 of ' "$work/output"
weights <"$work/output" | diff "$work/expected" - || { echo "other bits than C's"; exit 1; }
echo "C and Go: the same files, and the same bits when they take turns"

(cd tests/go && go run ./cost)

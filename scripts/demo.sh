#!/usr/bin/env bash
# Installs what is missing, builds, reads checkpoints that TensorFlow wrote, and writes one: from C,
# and with the tool.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh

setup_debian build-essential ca-certificates cmake curl ninja-build
setup_rust

say "building the library, the tool and the C examples"
cmake --preset release >/dev/null
cmake --build --preset release --target checkpoint_cargo checkpoint_tool read-checkpoint write-checkpoint train-checkpoint

tell() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() { printf '\033[36m$ %s\033[0m\n' "$*"; "$@"; }

PATH=$PWD/build/release/bin:$PATH
cd tests/data

tell "A training run of TensorFlow left this directory. What is in it?"
show ls guide
show ckpt info guide

tell "Every tensor of its newest checkpoint:"
show ckpt ls guide

tell "The values of one of them, and a part of them:"
show ckpt cat guide/ckpt-5 net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE
show ckpt cat guide/ckpt-5 net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE --slice :,1:3

tell "The objects of the program that saved it:"
show ckpt graph guide/ckpt-5

tell "A variable that TensorFlow cut into pieces over nine files reads as one:"
show ckpt ls wide/w-1
show ckpt cat wide/w-1 d/.ATTRIBUTES/VARIABLE_VALUE --slice 1:3,:,:

tell "Is the checkpoint whole? Every checksum:"
show ckpt verify guide/ckpt-5

tell "The same from C (examples/c/read.c):"
show read-checkpoint guide/ckpt-5 net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE

tell "A checkpoint written from C, without TensorFlow (examples/c/write.c). TensorFlow reads it too:"
written=$(mktemp -d)
trap 'rm -rf "$written"' EXIT
show write-checkpoint "$written/model"
show ls "$written"
show ckpt ls "$written/model"
show ckpt cat "$written/model" net/kernel
show ckpt verify "$written/model"

tell "A training loop in C (examples/c/train.c) saves every ten steps. Undisturbed:"
show train-checkpoint "$written/whole" 50 | tee "$written/expected"

tell "Killed in step 37, and started again: it goes on where it saved last, and ends with the same bits."
show train-checkpoint "$written/killed" 50 37 || true
show train-checkpoint "$written/killed" 50 | tee "$written/found"
diff <(tail -n 2 "$written/expected") <(tail -n 2 "$written/found")

tell "The same program goes on from the checkpoint of TensorFlow's training run:"
cp -r guide_slots "$written/guide"
show train-checkpoint "$written/guide" 60
show ckpt ls "$written/guide"

tell "Next: README.md for the ten lines that do this in your program, scripts/test.sh for the tests."

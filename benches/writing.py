"""Writes tensors by raw write(2), TensorFlow and safetensors by turns. usage: writing.py TURNS DIR COUNT SIZE

Prints a line of seconds for each turn. None of them syncs. TensorFlow is given tensors that it has already, safetensors arrays.
"""
import os
import pathlib
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import safetensors.numpy
import tensorflow as tf

CHUNK = 8 << 20


def raw(path, memory):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    at = 0
    while at < len(memory):
        at += os.write(fd, memory[at : at + CHUNK])
    os.close(fd)


def main(turns, directory, count, size):
    values = np.random.default_rng(1).random((count, size // 4), dtype=np.float32)
    keys = [f"v/{i}/.ATTRIBUTES/VARIABLE_VALUE" for i in range(count)]
    arrays = dict(zip(keys, values))
    tensors, slices = [tf.constant(value) for value in values], [""] * count
    memory = memoryview(values).cast("B")
    path = f"{directory}/written"

    def by_tensorflow():
        tf.raw_ops.SaveV2(prefix=path, tensor_names=keys, shape_and_slices=slices, tensors=tensors)

    writers = [lambda: raw(path, memory), by_tensorflow, lambda: safetensors.numpy.save_file(arrays, path)]
    for turn in range(-1, turns):  # the first warms up
        seconds = []
        for write in writers:
            start = time.perf_counter()
            write()
            seconds.append(time.perf_counter() - start)
            for written in pathlib.Path(directory).iterdir():
                written.unlink()
            os.sync()
        if turn >= 0:
            print(*seconds, flush=True)


main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))

"""Tensors and data files of more than 4 GiB, both ways with TensorFlow. usage: large.py DIRECTORY    (scripts/large.sh starts it)

Needs 16 GiB of memory and 12 GiB of disk.
"""
import ctypes
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import tensorflow as tf

from ckpt import CONSTANTS, LIB, Reader, call, made, numbers

ROWS, COLUMNS = 1_150_000, 1024  # int32: 4.7 GB
SMALL = np.arange(1000, dtype=np.float64)
INT32, DOUBLE = CONSTANTS["CKPT_DTYPE_INT32"], CONSTANTS["CKPT_DTYPE_DOUBLE"]


def large_value():
    value = np.arange(ROWS * COLUMNS, dtype=np.uint32)
    value *= np.uint32(2654435761)
    return value.view(np.int32).reshape(ROWS, COLUMNS)


def pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def write(prefix, large, **options):
    handle = LIB.ckpt_write_options_new()
    call("ckpt_write_options_set_durability", handle, CONSTANTS["CKPT_DURABILITY_NONE"])
    for name, value in options.items():
        call(f"ckpt_write_options_set_{name}", handle, value)
    writer = made("ckpt_writer_new", os.fsencode(prefix), handle)
    for key, dtype, array in ((b"large", INT32, large), (b"small", DOUBLE, SMALL)):
        call("ckpt_writer_add", writer, key, len(key), dtype, numbers(array.shape), array.ndim, pointer(array), array.nbytes)
    call("ckpt_writer_finish", writer)
    LIB.ckpt_writer_free(writer)
    LIB.ckpt_write_options_free(handle)


def tensorflow_reads(prefix, large):
    reader = tf.train.load_checkpoint(prefix)
    assert (reader.get_tensor("small") == SMALL).all()
    assert (reader.get_tensor("large") == large).all()


def we_read(prefix, large):
    reader = Reader(prefix)
    tensor = reader.find(b"large")
    assert (tensor.shape, tensor.bytes) == (large.shape, large.nbytes)
    found = np.empty_like(large)
    call("ckpt_reader_read", reader.handle, tensor.handle, None, pointer(found), found.nbytes)
    assert (found == large).all()
    last = reader.read_slice(tensor, [(ROWS - 2, 2), (1000, 24)])
    assert last == large[-2:, 1000:].tobytes()
    assert reader.read(reader.find(b"small")) == SMALL.tobytes()


def verified(prefix):
    verification = made("ckpt_verify", os.fsencode(prefix), None)
    count = LIB.ckpt_verification_problem_count(verification)
    LIB.ckpt_verification_free(verification)
    assert count == 0


def program(large):
    """A checkpoint of a graph with one variable, in place."""
    graph = ctypes.c_void_p(LIB.ckpt_graph_new())
    nodes = [ctypes.c_uint64(), ctypes.c_uint64()]
    call("ckpt_graph_add_object", graph, None, ctypes.byref(nodes[0]))
    call("ckpt_graph_add_borrowed", graph, INT32, numbers(large.shape), 2, pointer(large), large.nbytes, None, None, None, ctypes.byref(nodes[1]))
    call("ckpt_graph_track", graph, nodes[0], b"large", 5, nodes[1])
    checkpoint = made("ckpt_checkpoint_new", graph, nodes[0])
    LIB.ckpt_graph_free(graph)
    return checkpoint


def saved_and_restored(prefix, large):
    checkpoint = program(large)
    write_options, options = LIB.ckpt_write_options_new(), LIB.ckpt_save_options_new()
    call("ckpt_write_options_set_durability", write_options, CONSTANTS["CKPT_DURABILITY_NONE"])
    call("ckpt_save_options_set_write_options", options, write_options)
    path = made("ckpt_checkpoint_save", checkpoint, os.fsencode(prefix), options)
    first, last = large[0].copy(), large[-1].copy()
    large[0], large[-1] = 0, 0
    status = made("ckpt_checkpoint_restore", checkpoint, bytes(LIB.ckpt_string_bytes(path)), None)
    call("ckpt_status_assert_consumed", status)
    assert (large[0] == first).all() and (large[-1] == last).all() and first.any() and last.any()
    LIB.ckpt_status_free(status)
    LIB.ckpt_string_free(path)
    LIB.ckpt_checkpoint_free(checkpoint)
    LIB.ckpt_save_options_free(options)
    LIB.ckpt_write_options_free(write_options)


def clean(directory):
    for name in os.listdir(directory):
        os.unlink(os.path.join(directory, name))


def main(directory):
    large = large_value()
    prefix = os.path.join(directory, "large")
    print(f"one tensor of {large.nbytes:,} bytes")

    def step(what, *calls):
        start = time.monotonic()
        for function, *arguments in calls:
            function(*arguments)
        print(f"{time.monotonic() - start:6.1f} s  {what}", flush=True)

    step("written into one file, read and verified", (write, prefix, large), (we_read, prefix, large), (verified, prefix))
    step("read by TensorFlow", (tensorflow_reads, prefix, large))
    clean(directory)
    write(prefix, large, max_shard_size=1 << 30)
    files = [name for name in os.listdir(directory) if ".data-" in name]
    assert len(files) >= 5 and all(os.path.getsize(os.path.join(directory, name)) <= 1 << 30 for name in files), files
    step(f"cut into {len(files)} files of 1 GiB at most, read", (we_read, prefix, large))
    step("read by TensorFlow", (tensorflow_reads, prefix, large))
    clean(directory)
    step("written by TensorFlow", (lambda: tf.raw_ops.SaveV2(prefix=prefix, tensor_names=["large", "small"], shape_and_slices=["", ""],
                                                            tensors=[large, SMALL]),))
    step("read and verified", (we_read, prefix, large), (verified, prefix))
    clean(directory)
    step("saved and restored as a program's variable", (saved_and_restored, prefix, large))
    clean(directory)


if __name__ == "__main__":
    main(sys.argv[1])

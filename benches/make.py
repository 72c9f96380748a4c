"""Makes what is measured: usage: make.py DIR

    small, small.safetensors    20 000 tensors of 1 KiB, by TensorFlow and by safetensors
    large                       64 tensors of 16 MiB, by TensorFlow
    hundred_thousand, million   so many tensors of 1 KiB, all zeros, their data a hole in the file
"""
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import safetensors.numpy
import tensorflow as tf
from tensorflow.core.protobuf import tensor_bundle_pb2

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests/interop"))
import make_foreign

SMALL = 20_000
KIB = 256  # float32 values


def key(i):
    return f"v/{i}/.ATTRIBUTES/VARIABLE_VALUE"


def by_tensorflow(prefix, tensors):
    slices = [""] * len(tensors)
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=list(tensors), shape_and_slices=slices, tensors=list(tensors.values()))


def by_hand(prefix, count):
    """TensorFlow's SaveV2 takes a time that grows with the square of the count: too long for a million."""
    header = tensor_bundle_pb2.BundleHeaderProto(num_shards=1)
    header.version.producer = 1
    checksum = make_foreign.mask(make_foreign.crc32c(bytes(4 * KIB)))
    entry = tensor_bundle_pb2.BundleEntryProto(dtype=tf.float32.as_datatype_enum, size=4 * KIB, crc32c=checksum)
    entry.shape.dim.add(size=KIB)
    records = [(b"", header.SerializeToString())]
    for at, name in enumerate(sorted(key(i).encode() for i in range(count))):
        entry.offset = at * 4 * KIB
        records.append((name, entry.SerializeToString()))
    make_foreign.table(prefix + ".index", records, make_foreign.Layout())
    with open(prefix + ".data-00000-of-00001", "wb") as data:
        data.truncate(count * 4 * KIB)


def main(directory):
    rng = np.random.default_rng(1)
    small = {key(i): rng.random(KIB, dtype=np.float32) for i in range(SMALL)}
    by_tensorflow(f"{directory}/small", small)
    safetensors.numpy.save_file(small, f"{directory}/small.safetensors")
    by_tensorflow(f"{directory}/large", {key(i): rng.random(KIB << 14, dtype=np.float32) for i in range(64)})
    by_hand(f"{directory}/hundred_thousand", 100_000)
    by_hand(f"{directory}/million", 1_000_000)


main(*sys.argv[1:])

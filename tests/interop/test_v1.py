"""V1 files by TensorFlow's own ops and its Saver; RestoreV2 reads of them what tf.train.load_checkpoint declines."""
import os

import numpy as np
import pytest
import tensorflow as tf

import draw
import witness
from test_slices import check_slices, constant
from test_values import ODD_KEYS

tf1 = tf.compat.v1


def save(path, written, boxes=None):
    """SaveSlices of {key: array}; in boxes {key: [box]} where given."""
    cuts = [(k, v, b) for k, v in written.items() for b in (boxes or {}).get(k, [None])]
    tf.raw_ops.SaveSlices(filename=path, tensor_names=[k for k, _, _ in cuts],
                          shapes_and_slices=[draw.spec(v.shape, b) if b else "" for _, v, b in cuts],
                          data=[constant(draw.cut(v, b) if b else np.asarray(v)) for _, v, b in cuts])


@pytest.mark.parametrize("dtype", draw.V1)
def test_dtype(rng, prefix, dtype):
    written = {f"{i}": draw.value(rng, dtype, s) for i, s in enumerate(draw.SHAPES + [draw.shape(rng, rank) for rank in range(8)])}
    save(prefix, written)
    witness.agree(prefix, written)


@pytest.mark.parametrize("dtype", draw.V1)
def test_partitioned(rng, prefix, dtype):
    wholes = {f"{rank}/{i}": draw.value(rng, dtype, draw.shape(rng, rank, 300)) for rank in range(1, 9) for i in range(2)}
    save(prefix, wholes, {k: draw.partition(rng, v.shape, int(rng.integers(0, 9))) for k, v in wholes.items()})
    witness.agree(prefix, wholes)
    check_slices(rng, prefix, wholes, wholes if dtype in draw.ASSEMBLED else ())


def test_strings(prefix):
    written = {"a": np.array(draw.STRINGS, object), "b": np.array(b"\0", object), "c": np.array([b"x" * 100000], object)}
    save(prefix, written)
    witness.agree(prefix, written)


def test_odd_keys(rng, prefix):
    written = {k: draw.value(rng, "int32", draw.shape(rng)) for k in ODD_KEYS}
    save(prefix, written)
    witness.agree(prefix, written)


def test_keys_in_several_blocks(rng, prefix):
    written = {f"model/block_{i % 7}/unit_{i}/weights": rng.standard_normal(1500) for i in range(60)}
    save(prefix, written)
    assert os.path.getsize(prefix) > 2 << 18
    witness.agree(prefix, written)


def test_files_of_several_workers(rng, prefix):
    whole = draw.value(rng, "float32", (9, 4))
    boxes = draw.partition(rng, whole.shape, 5)
    written = {"table": whole}
    for i in range(3):
        own = {f"own{i}": draw.value(rng, draw.V1[i], draw.shape(rng))}
        written |= own
        save(f"{prefix}-{i:05d}-of-00003", own | {"table": whole}, {"table": boxes[i::3]})
    witness.agree(f"{prefix}-?????-of-00003", written)


# -------------------------------------------------------------------------------------------- Saver

KINDS = {"V1": tf1.train.SaverDef.V1, "V2": tf1.train.SaverDef.V2}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sharded", [False, True], ids=["single", "sharded"])
def test_saver(rng, prefix, kind, sharded):
    dtypes = ["float32", "float16", "float64", "int64", "bool", "uint8", "int8", "complex64", "complex128", "string"]
    written = {f"scope/{d}": draw.finite(rng, d, draw.shape(rng)) for d in dtypes}
    table, whole = draw.finite(rng, "float16", (8, 4)), draw.finite(rng, "float32", (11, 3))
    with tf.Graph().as_default():
        for name, value in written.items():
            tf1.get_variable(name, initializer=constant(np.asarray(value)), use_resource=False)
        with tf1.variable_scope("embed", partitioner=tf1.fixed_size_partitioner(3, axis=0)):
            tf1.get_variable("half", shape=table.shape, dtype=tf.float16, initializer=numbers(table), use_resource=False)
        with tf1.variable_scope("embed", partitioner=tf1.fixed_size_partitioner(4, axis=0)):
            tf1.get_variable("float", shape=whole.shape, initializer=numbers(whole))
        saver = tf1.train.Saver(write_version=KINDS[kind], sharded=sharded)
        with tf1.Session() as session:
            session.run(tf1.global_variables_initializer())
            path = saver.save(session, prefix, global_step=7, write_meta_graph=False)
    assert ("?????" in path) == (sharded and kind == "V1")
    written |= {"embed/half": table, "embed/float": whole}
    beyond = ["float16"] if kind == "V2" else []
    witness.agree(path, written, beyond=beyond)
    witness.agree(os.path.dirname(prefix), written, prefix=path, beyond=beyond)


def numbers(whole):
    """An initializer that gives each partition its part of an array."""
    def initializer(shape, dtype=None, partition_info=None):
        return tf.constant(draw.cut(whole, list(zip(partition_info.var_offset, shape))), dtype)
    return initializer

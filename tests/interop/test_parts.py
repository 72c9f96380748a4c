"""Variables that are parts of tensors: TensorFlow's partitioned ones in our cuts, and ours in TensorFlow's."""
import ctypes
import os

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.distribute.sharded_variable import ShardedVariable

import ckpt
import draw
import witness
from program import Checkpoint, Options, Program, names_of, nodes_of

ROUNDS = range(4)


def parts_of(rng, array, cuts=6):
    """Boxes that make up an array, and what is in each."""
    return [(box, np.ascontiguousarray(draw.cut(array, box))) for box in draw.partition(rng, array.shape, cuts)]


def check_cuts(rng, path, name, whole, load):
    """Parts of a tensor, in cuts of ours, and the whole of it, hold what they should when `load` has restored them."""
    for box, value in parts_of(rng, whole) + [([(0, -1)] * whole.ndim, whole)]:
        program = Program()
        node = program.part(np.zeros_like(value), whole.shape, box, name)
        load(program, node, path)
        assert np.array_equal(program.value(node), value), box


def read_under(key):
    """Restores an object graph in which the variable is `key` of the root."""
    def load(program, node, path):
        Checkpoint(program, program.object(**{key: node})).read(path).assert_consumed()
    return load


def restore_named(program, node, path):
    saver = ckpt.made("ckpt_saver_new", program.handle, names_of(["table"]), nodes_of([node]), 1, None)
    ckpt.LIB.ckpt_report_free(ckpt.made("ckpt_saver_restore", saver, os.fsencode(path), None))
    ckpt.LIB.ckpt_saver_free(saver)


def save_named(rng, prefix, whole):
    """Saves an array as the parts of several workers, by name, and merges them."""
    sections = []
    for number, (box, value) in enumerate(parts_of(rng, whole)):
        program = Program()
        node = program.part(value, whole.shape, box)
        saver = ckpt.made("ckpt_saver_new", program.handle, names_of(["table"]), nodes_of([node]), 1, None)
        path = ckpt.made("ckpt_saver_save", saver, os.fsencode(f"{prefix}-{number}"), None)
        sections.append(bytes(ckpt.LIB.ckpt_string_bytes(path)).decode())
        ckpt.LIB.ckpt_string_free(path)
        ckpt.LIB.ckpt_saver_free(saver)
    ckpt.merge(prefix, sections)


def table(rng, dtype="float32", rows=None):
    return draw.finite(rng, dtype, (rows or int(rng.integers(2, 40)), int(rng.integers(1, 20))))


@pytest.mark.parametrize("round", ROUNDS)
def test_sharded_variables_in_other_cuts(rng, prefix, round):
    """Of a parameter server: cut along the first axis, under one key of the object graph."""
    whole = table(rng)
    cuts = np.sort(rng.integers(1, len(whole), size=int(rng.integers(1, 4)))) if len(whole) > 1 else []
    rows = [tf.Variable(part) for part in np.split(whole, sorted(set(map(int, cuts))))]
    path = tf.train.Checkpoint(table=ShardedVariable(rows)).write(prefix)
    check_cuts(rng, path, "", whole, read_under("table"))


@pytest.mark.parametrize("round", ROUNDS)
def test_partitioned_variables_of_a_graph_in_other_cuts(rng, prefix, round):
    """What `get_variable` with a partitioner makes, saved by a `Saver`: slices under one name."""
    whole = table(rng, rows=int(rng.integers(8, 30)))
    count = int(rng.integers(2, 5))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        made = tf.compat.v1.get_variable("table", shape=whole.shape, use_resource=bool(round % 2),
                                         partitioner=tf.compat.v1.fixed_size_partitioner(count))
        assert len(list(made)) == count
        for part in made:
            where = part._get_save_slice_info()
            value = draw.cut(whole, list(zip(where.var_offset, where.var_shape)))
            session.run(tf.compat.v1.assign(part, value))
        path = tf.compat.v1.train.Saver().save(session, prefix)
    check_cuts(rng, path, "table", whole, restore_named)
    check_cuts(rng, path, "table", whole, lambda program, node, path: Checkpoint(program, program.object(x=node)).read(path))


@pytest.mark.parametrize("round", ROUNDS)
@pytest.mark.parametrize("dtype", ["float32", "int64", "bfloat16", "bool"])
def test_slices_of_save_v2_in_other_cuts(rng, prefix, dtype, round):
    whole = draw.value(rng, dtype, draw.shape(rng, int(rng.integers(1, 5)), 300))
    boxes = draw.partition(rng, whole.shape, int(rng.integers(0, 9)))
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=["table"] * len(boxes), shape_and_slices=[draw.spec(whole.shape, b) for b in boxes],
                      tensors=[tf.constant(draw.cut(whole, b)) for b in boxes])
    for box in draw.partition(rng, whole.shape, 6):
        value = np.ascontiguousarray(draw.cut(whole, box))
        program = Program()
        node = program.part(np.zeros_like(value), whole.shape, box)
        restore_named(program, node, prefix)
        assert program.value(node).tobytes() == value.tobytes(), box


@pytest.mark.parametrize("round", ROUNDS)
def test_parts_are_slices_to_tensorflow(rng, prefix, round):
    """Random slices of what our workers saved, and all of it, as TensorFlow reads them."""
    whole = table(rng)
    save_named(rng, prefix, whole)
    boxes = [draw.box(rng, whole.shape) for _ in range(8)] + [[(0, -1)] * whole.ndim]
    values = witness.restore(prefix, ["table"] * len(boxes), [tf.float32] * len(boxes), [draw.spec(whole.shape, b) for b in boxes])
    for box, value in zip(boxes, values):
        assert np.array_equal(value.numpy(), draw.cut(whole, box)), box
    assert np.array_equal(tf.train.load_variable(prefix, "table"), whole)


@pytest.mark.parametrize("round", ROUNDS)
def test_parts_are_restored_into_partitioned_variables(rng, prefix, round):
    whole = table(rng, rows=int(rng.integers(8, 30)))
    save_named(rng, prefix, whole)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        made = tf.compat.v1.get_variable("table", shape=whole.shape, partitioner=tf.compat.v1.fixed_size_partitioner(3, 0))
        tf.compat.v1.train.Saver().restore(session, prefix)
        assert np.array_equal(session.run(tf.convert_to_tensor(made)), whole)


def test_a_part_of_an_object_graph_is_restored_into_sharded_variables(rng, prefix):
    """Cut by us, at most 64 bytes in each data file, and by TensorFlow elsewhere."""
    whole = table(rng, rows=17)
    program = Program()
    checkpoint = Checkpoint(program, program.object(table=program.variable(whole)))
    files = Options("write", durability=ckpt.CONSTANTS["CKPT_DURABILITY_NONE"], max_shard_size=ctypes.c_uint64(64))
    save = Options("save").set("write_options", files.handle)
    ckpt.LIB.ckpt_string_free(ckpt.made("ckpt_checkpoint_write", checkpoint.handle, os.fsencode(prefix), save.handle))
    rows = [tf.Variable(tf.zeros((n, whole.shape[1]))) for n in (5, 9, 3)]
    tf.train.Checkpoint(table=ShardedVariable(rows)).read(prefix).assert_consumed()
    assert np.array_equal(np.concatenate([row.numpy() for row in rows]), whole)

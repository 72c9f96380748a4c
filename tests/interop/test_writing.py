"""TensorFlow reads what we write, byte for byte what it would have written; sections of either are merged by the other."""
import os

import numpy as np
import pytest
import tensorflow as tf

import ckpt
import draw
import witness
from test_slices import constant, save_parts
from test_values import ODD_KEYS, merge, save, tensor_list


def number(array):
    return tf.as_dtype(tf.string if array.dtype == object else array.dtype).as_datatype_enum


def write(prefix, written, boxes=None, **options):
    """Writes {key: array} with our writer; in boxes {key: [box]} where they are given."""
    writer = ckpt.Writer(prefix, **options)
    for key, value in written.items():
        array = np.asarray(value)
        name = key if isinstance(key, bytes) else key.encode()
        if boxes and key in boxes:
            for box in boxes[key]:
                writer.add(name, number(array), array.shape, witness.flat(draw.cut(array, box)), box)
        else:
            writer.add(name, number(array), array.shape, witness.flat(array))
    writer.finish()


def shard_count(prefix):
    reader = ckpt.Reader(prefix)
    return ckpt.LIB.ckpt_reader_shard_count(reader.handle)


def contents(prefix):
    """{suffix: bytes} of the files of a checkpoint."""
    folder, base = os.path.split(prefix)
    names = [n for n in os.listdir(folder) if n.startswith(base + ".")]
    found = {}
    for name in names:
        with open(os.path.join(folder, name), "rb") as f:
            found[name[len(base):]] = f.read()
    return found


def same_files(found, wanted):
    """Fails with the name of what differs, without the megabytes in it."""
    assert sorted(found) == sorted(wanted)
    differing = [n for n in wanted if found[n] != wanted[n]]
    assert not differing, [(n, len(found[n]), len(wanted[n])) for n in differing]


def loaded(prefix, written):
    """tf.train.load_checkpoint, tensor by tensor, sees what was written."""
    reader = tf.train.load_checkpoint(prefix)
    assert sorted(reader.get_variable_to_shape_map()) == sorted(written)
    for key, value in written.items():
        array = np.asarray(value)
        found = reader.get_tensor(key)
        assert witness.flat(np.asarray(found, object) if array.dtype == object else found) == witness.flat(array), key
        assert np.shape(found) == array.shape, key


# ------------------------------------------------------------------------------------ whole tensors


@pytest.mark.parametrize("dtype", draw.DTYPES)
def test_dtype(rng, prefix, dtype):
    """Scalars and empty tensors among them; the files are TensorFlow's own."""
    shapes = draw.SHAPES + [draw.shape(rng, rank) for rank in range(8)]
    written = {f"{i}": draw.value(rng, dtype, s) for i, s in enumerate(shapes)}
    write(prefix, written)
    witness.agree(prefix, written)
    loaded(prefix, written)
    save(prefix + "-theirs", written)
    same_files(contents(prefix), contents(prefix + "-theirs"))


@pytest.mark.parametrize("options", [{}, {"shards": 1}, {"shards": 2}, {"shards": 7, "threads": 3}, {"alignment": 64}, {"alignment": 42, "shards": 3}])
def test_all_dtypes(rng, prefix, options):
    written = {f"{d}/{i}": draw.value(rng, d, draw.shape(rng)) for d in draw.DTYPES for i in range(4)}
    names = list(written)
    written = {names[i]: written[names[i]] for i in rng.permutation(len(names))}
    write(prefix, written, **options)
    witness.agree(prefix, written)
    loaded(prefix, written)
    tensors = ckpt.Reader(prefix).tensors()
    assert shard_count(prefix) == options.get("shards", 1) == len(contents(prefix)) - 1
    assert not [t.key for t in tensors if t.offset % options.get("alignment", 1)]
    if options in ({}, {"shards": 1}):
        save(prefix + "-theirs", written)
        same_files(contents(prefix), contents(prefix + "-theirs"))


@pytest.mark.parametrize("durability", ["FULL", "DATA", "NONE"])
def test_durability(rng, prefix, durability):
    written = {d: draw.value(rng, d, draw.shape(rng)) for d in draw.DTYPES}
    write(prefix, written, durability=durability, shards=2)
    witness.agree(prefix, written)


def test_special_floats(prefix):
    bits = {"float16": [0x7C00, 0xFC00, 0x7E01, 0x8000, 0x0001], "float32": [0x7F800000, 0xFF800000, 0x7FC12345, 0x7F800001, 0x80000000, 1],
            "float64": [0x7FF0000000000000, 0xFFF8000000000001, 1 << 63, 1]}
    written = {d: np.array(b, f"uint{d[5:]}").view(d) for d, b in bits.items()}
    write(prefix, written)
    witness.agree(prefix, written)


@pytest.mark.parametrize("strings", [
    [b""], [b"", b"", b""], [b"\0"], [b"a\0", b"\0b", b"\0\0"], draw.STRINGS, [b"x" * n for n in (127, 128, 16383, 16384, 2097151, 2097152)],
], ids=range(6))
def test_strings(prefix, strings):
    written = {"vector": np.array(strings, object), "column": np.array(strings, object)[:, None], "scalar": np.array(strings[-1], object),
               "none": np.empty((3, 0), object)}
    write(prefix, written)
    witness.agree(prefix, written)
    loaded(prefix, written)
    save(prefix + "-theirs", written)
    same_files(contents(prefix), contents(prefix + "-theirs"))


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "complex64", "bfloat16", "string"])
def test_variants(rng, prefix, dtype):
    """Serialized elements of TensorFlow's become tensor lists again."""
    lists = [tensor_list(rng, dtype) for _ in range(6)]
    optional = tf.raw_ops.OptionalFromValue(components=[tf.constant(3.)])
    tensors = {"one": lists[0], "many": tf.reshape(tf.stack(lists), [2, 3]), "optional": optional, "none": tf.stack(lists)[:0]}
    writer = ckpt.Writer(prefix)
    for key, tensor in tensors.items():
        writer.add(key.encode(), tf.variant.as_datatype_enum, tuple(tensor.shape), witness.variants(tensor))
    writer.finish()
    witness.agree(prefix)
    one, many = witness.restore(prefix, ["one", "many"], [tf.variant] * 2)
    for found, wanted in zip([one, *tf.unstack(tf.reshape(many, [6]))], [lists[0], *lists]):
        stack = lambda v: tf.raw_ops.TensorListStack(input_handle=v, element_shape=[2, 3], element_dtype=tf.as_dtype(dtype))
        assert witness.flat(stack(found).numpy()) == witness.flat(stack(wanted).numpy())
    tf.raw_ops.SaveV2(prefix=prefix + "-theirs", tensor_names=list(tensors), shape_and_slices=[""] * 4, tensors=list(tensors.values()))
    same_files(contents(prefix), contents(prefix + "-theirs"))


@pytest.mark.parametrize("threads", [1, 4])
def test_large_tensors(rng, prefix, threads):
    """In pieces, by several threads, also from a callback; the same bytes whatever the threads."""
    written = {"large": rng.standard_normal((1 << 22) + 3), "small": np.int8(1), "other": rng.standard_normal((1000, 1001)).astype(np.float32),
               "asked": rng.integers(0, 1 << 62, (300, 3001))}
    writer = ckpt.Writer(prefix, threads=threads)
    for key, value in written.items():
        array = np.asarray(value)
        add = writer.add_read if key == "asked" else writer.add
        add(key.encode(), number(array), array.shape, witness.flat(array))
    writer.finish()
    witness.agree(prefix, written)
    save(prefix + "-theirs", written)
    same_files(contents(prefix), contents(prefix + "-theirs"))


# --------------------------------------------------------------------------------------------- keys


def test_odd_keys(rng, prefix):
    written = {k: draw.value(rng, "int32", draw.shape(rng)) for k in ODD_KEYS if "\0" not in k}
    write(prefix, written)
    witness.agree(prefix, written)
    save(prefix + "-theirs", written)
    same_files(contents(prefix), contents(prefix + "-theirs"))


def test_keys_that_are_not_text(prefix):
    written = {k: np.float32(i) for i, k in enumerate([b"\xff", b"\xfe\xff", b"a\xc3", b"\xed\xa0\x80"])}
    write(prefix, written)
    assert [float(t) for t in witness.restore(prefix, list(written), [tf.float32] * len(written))] == list(written.values())
    witness.same(witness.ours(prefix), witness.expected(written))


def test_keys_with_a_nul_are_refused(prefix):
    """TensorFlow writes them; in C they are a length that is one too large."""
    with pytest.raises(ckpt.CheckpointError, match="must not contain NUL"):
        write(prefix, {"a\0b": np.float32(1)})


@pytest.mark.parametrize("shards", [1, 5])
def test_20000_keys(rng, prefix, shards):
    """An index of several blocks, cut where TensorFlow cuts it."""
    names = [f"model/block_{i % 97}/unit_{i}/weights/.ATTRIBUTES/VARIABLE_VALUE" for i in rng.permutation(20000)]
    written = {n: np.int64(v) for n, v in zip(names, rng.integers(0, 1 << 62, 20000))}
    write(prefix, written, shards=shards)
    assert os.path.getsize(prefix + ".index") > 4 << 18
    witness.agree(prefix, written)
    if shards == 1:
        save(prefix + "-theirs", written)
        same_files(contents(prefix), contents(prefix + "-theirs"))


def test_a_key_longer_than_two_blocks(prefix):
    written = {"a": np.int32(1), "b" * 600000: np.int32(2), "c": np.int32(3)}
    write(prefix, written)
    witness.agree(prefix, written)
    save(prefix + "-theirs", written)
    same_files(contents(prefix), contents(prefix + "-theirs"))


# ------------------------------------------------------------------------------------------- slices


def restore_slices(rng, prefix, wholes, keys):
    """Random slices of `keys` by RestoreV2, which puts them together from what is stored."""
    for key in keys:
        whole = wholes[key]
        boxes = [draw.box(rng, whole.shape) for _ in range(8)] + [[(0, -1)] * whole.ndim]
        values = witness.restore(prefix, [key] * len(boxes), [constant(whole).dtype] * len(boxes), [draw.spec(whole.shape, b) for b in boxes])
        for box, value in zip(boxes, values):
            assert witness.flat(value.numpy()) == witness.flat(draw.cut(whole, box)), (key, box)


@pytest.mark.parametrize("dtype", draw.DTYPES)
def test_slices(rng, prefix, dtype):
    """Of what TensorFlow cannot put together it reads each slice as it was written."""
    wholes = {f"{rank}/{i}": draw.value(rng, dtype, draw.shape(rng, rank, 300)) for rank in range(1, 9) for i in range(2)}
    boxes = {k: draw.partition(rng, v.shape, int(rng.integers(0, 9))) for k, v in wholes.items()}
    full = lambda box, shape: [(0, -1) if n == d and rng.random() < 0.5 else (s, n) for (s, n), d in zip(box, shape)]
    boxes = {k: [full(box, wholes[k].shape) for box in v] for k, v in boxes.items()}
    write(prefix, wholes, boxes)
    witness.agree(prefix, wholes, beyond=draw.NOT_ASSEMBLED)
    restore_slices(rng, prefix, wholes, wholes if dtype in draw.ASSEMBLED else ())
    for key, whole in wholes.items():
        specs = [draw.spec(whole.shape, box) for box in boxes[key]]
        values = witness.restore(prefix, [key] * len(specs), [tf.as_dtype(dtype)] * len(specs), specs)
        for box, value in zip(boxes[key], values):
            assert witness.flat(value.numpy()) == witness.flat(draw.cut(whole, box)), (key, box)
    save_parts(prefix + "-theirs", wholes, boxes)
    same_files(contents(prefix), contents(prefix + "-theirs"))


def test_slices_over_data_files(rng, prefix):
    wholes = {d: draw.value(rng, d, draw.shape(rng, 3, 600)) for d in draw.DTYPES}
    boxes = {k: draw.partition(rng, v.shape, 8) for k, v in wholes.items()}
    write(prefix, wholes, boxes, shards=4)
    witness.agree(prefix, wholes, beyond=draw.NOT_ASSEMBLED)
    restore_slices(rng, prefix, wholes, draw.ASSEMBLED)


@pytest.mark.parametrize("size", [50, 200, 600, 1 << 20])
def test_max_shard_size(rng, prefix, size):
    """What TensorFlow can put together is cut; it reads all of it."""
    written = {f"{d}/{i}": draw.value(rng, d, draw.shape(rng, i, 500)) for d in draw.NUMERIC for i in range(1, 10)}
    written |= {"words": np.array([b"x", rng.bytes(900), b""], object), "empty": np.zeros((0, 3), np.float32), "scalar": np.float64(1)}
    write(prefix, written, max_shard_size=size)
    witness.agree(prefix, written)
    assert any(t.slices() for t in ckpt.Reader(prefix).tensors()) == (size < 1 << 20)
    assert shard_count(prefix) == len(contents(prefix)) - 1


# 13 GB of memory, 5 GB of disk: asked for with CKPT_LARGE=1, else the same with less.
LARGE = 1 << 29 if os.environ.get("CKPT_LARGE") else 1 << 21


@pytest.mark.parametrize("options", [{}, {"shards": 3}, {"max_shard_size": LARGE << 2}], ids=str)
def test_a_large_tensor(prefix, options):
    value = np.arange(LARGE + 5, dtype=np.float64)
    writer = ckpt.Writer(prefix, **options)
    writer.add_read(b"large", number(value), value.shape, memoryview(value).cast("B"))
    writer.add(b"after", number(np.int32(7)), (), b"\7\0\0\0")
    writer.finish()
    large, after = witness.restore(prefix, ["large", "after"], [tf.float64, tf.int32])
    assert np.array_equal(large.numpy(), value) and after.numpy() == 7


# ------------------------------------------------------------------------------- restoring programs


def test_saver(rng, prefix):
    """tf.compat.v1.train.Saver restores by name, partitioned variables included."""
    written = {f"net/{d}": draw.finite(rng, d, draw.shape(rng, 2)) for d in ["float32", "float64", "int32", "int64", "bfloat16", "complex64"]}
    written |= {"scope/table": draw.finite(rng, "float32", (12, 5)), "words": draw.value(rng, "string", (4,)), "step": np.int64(7)}
    write(prefix, written, {"scope/table": draw.partition(rng, (12, 5), 3)}, shards=2)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables = {k: tf.compat.v1.Variable(tf.zeros(v.shape, constant(v).dtype) if v.dtype != object else tf.constant("", shape=v.shape))
                     for k, v in ((k, np.asarray(v)) for k, v in written.items())}
        partitioned = tf.compat.v1.get_variable("part", [12, 5], partitioner=tf.compat.v1.fixed_size_partitioner(4))
        tf.compat.v1.train.Saver(variables).restore(session, prefix)
        for key, value in written.items():
            assert witness.flat(session.run(variables[key])) == witness.flat(np.asarray(value)), key
        tf.compat.v1.train.Saver({"scope/table": list(partitioned)}).restore(session, prefix)
        assert witness.flat(session.run(partitioned.as_tensor())) == witness.flat(written["scope/table"])


def test_checkpoint_of_names(rng, prefix):
    """tf.train.Checkpoint reads a checkpoint without an object graph by the names of the variables."""
    values = {f"v{i}": draw.finite(rng, "float32", draw.shape(rng)) for i in range(5)}
    write(prefix, values)
    variables = {k: tf.Variable(tf.zeros(v.shape), name=k) for k, v in values.items()}
    tf.train.Checkpoint(**variables).restore(prefix).assert_existing_objects_matched()
    for key, value in values.items():
        assert witness.flat(variables[key].numpy()) == witness.flat(value)


def test_a_copy_of_an_object_based_checkpoint(rng, prefix):
    """With its graph tensor taken over, it restores like the original."""
    make = lambda: tf.train.Checkpoint(net=tf.Module(), words=tf.Variable(draw.value(rng, "string", (3,)), dtype=tf.string),
                                       kernel=tf.Variable(draw.finite(rng, "float32", (5, 7))), step=tf.Variable(rng.integers(99)))
    first, second = make(), make()
    path = first.save(prefix + "-theirs")
    reader = ckpt.Reader(path)
    tensors = sorted(reader.tensors(), key=lambda t: t.offset)
    writer = ckpt.Writer(prefix)
    for t in tensors:
        writer.add(t.key, tf.as_dtype(t.dtype).as_datatype_enum, t.shape, reader.read(t))
    writer.finish()
    same_files(contents(prefix), contents(path))
    second.restore(prefix).assert_consumed()
    assert [witness.flat(v.numpy()) for v in (second.kernel, second.words, second.step, second.save_counter)] \
        == [witness.flat(v.numpy()) for v in (first.kernel, first.words, first.step, first.save_counter)]


def test_over_a_checkpoint_of_tensorflows(rng, prefix):
    """Published at a prefix that exists, ours or theirs: the new one alone is there."""
    for round in range(6):
        written = {"x": draw.value(rng, "float32", (3, 4)), "words": draw.value(rng, "string", (2,))}
        (save if round % 3 == 1 else write)(prefix, written)
        if round % 3 != 1:
            witness.agree(prefix, written)
            assert len(contents(prefix)) == 1 + shard_count(prefix)
        theirs = witness.restore(prefix, ["x"], [tf.float32])[0]
        assert witness.flat(theirs.numpy()) == witness.flat(written["x"])


# ------------------------------------------------------------------------------------------ merging


def sections(rng, prefix, count, ours):
    """What `count` workers write, by our writer or by TensorFlow's; each holds some slices of the same tensors."""
    wholes = {d: draw.value(rng, d, draw.shape(rng, int(rng.integers(1, 5)), 600)) for d in draw.DTYPES}
    boxes = {k: draw.partition(rng, v.shape, 8) for k, v in wholes.items()}
    written, paths = dict(wholes), []
    for i in range(count):
        own = {f"own{i}/{d}": draw.value(rng, d, draw.shape(rng)) for d in draw.DTYPES[i::count]}
        mine = {k: v[i::count] for k, v in boxes.items() if v[i::count]}
        paths.append(f"{prefix}_temp/part-{i:05d}-of-{count:05d}")
        if ours(i):
            write(paths[-1], own | {k: wholes[k] for k in mine}, mine)
        else:
            os.makedirs(os.path.dirname(paths[-1]), exist_ok=True)
            names = [*own] + [k for k in mine for _ in mine[k]]
            specs = [""] * len(own) + [draw.spec(wholes[k].shape, b) for k in mine for b in mine[k]]
            values = [constant(v) for v in own.values()] + [constant(draw.cut(wholes[k], b)) for k in mine for b in mine[k]]
            tf.raw_ops.SaveV2(prefix=paths[-1], tensor_names=names, shape_and_slices=specs, tensors=values)
        written |= own
    return written, wholes, paths


@pytest.mark.parametrize("merger, writer", [("theirs", "ours"), ("theirs", "mixed"), ("ours", "theirs"), ("ours", "ours"), ("ours", "mixed")])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_merge(rng, prefix, merger, writer, count):
    written, wholes, paths = sections(rng, prefix, count, lambda i: writer == "ours" or writer == "mixed" and i % 2 == 0)
    (ckpt.merge if merger == "ours" else merge)(prefix, paths)
    # TensorFlow removes the directory if it is empty, and does not know the file of locks.
    left = os.listdir(prefix + "_temp") if os.path.exists(prefix + "_temp") else None
    assert left == ([".ckpt-lock"] if merger == "theirs" else None)
    witness.agree(prefix, written, beyond=draw.NOT_ASSEMBLED)
    restore_slices(rng, prefix, wholes, draw.ASSEMBLED)


def test_both_merge_to_the_same_files(rng, prefix):
    """Where each section has one data file, as TensorFlow's have."""
    written, _, paths = sections(rng, prefix, 3, lambda i: i == 1)
    ckpt.merge(prefix, paths, keep_inputs=True)
    mine = contents(prefix)
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=paths, destination_prefix=prefix + "-theirs", delete_old_dirs=False)
    same_files(mine, contents(prefix + "-theirs"))
    witness.agree(prefix, written, beyond=draw.NOT_ASSEMBLED)


def test_merging_sections_of_several_data_files(rng, prefix):
    written = {}
    paths = [f"{prefix}_temp/part-{i:05d}-of-00002" for i in range(2)]
    for i, path in enumerate(paths):
        own = {f"{i}/{d}": draw.value(rng, d, draw.shape(rng)) for d in draw.DTYPES}
        write(path, own, shards=3)
        written |= own
    ckpt.merge(prefix, paths)
    witness.agree(prefix, written)
    assert shard_count(prefix) > 2


def test_a_section_missing(rng, prefix):
    written = {d: draw.value(rng, d, draw.shape(rng)) for d in draw.DTYPES}
    write(prefix + "_temp/part-00000-of-00002", written)
    paths = [f"{prefix}_temp/part-{i:05d}-of-00002" for i in range(2)]
    with pytest.raises(ckpt.CheckpointError, match="^NOT_FOUND: .*part-00001"):
        ckpt.merge(prefix, paths)
    ckpt.merge(prefix, paths, allow_missing=True)
    witness.agree(prefix, written)


@pytest.mark.parametrize("what", ["twice", "slices overlap", "dtypes differ", "shapes differ"])
def test_sections_that_do_not_fit_together(prefix, what):
    """TensorFlow refuses the first two, and aborts the process at the others."""
    paths = [f"{prefix}_temp/part-{i:05d}-of-00002" for i in range(2)]
    first, second = np.arange(12, dtype=np.float32).reshape(6, 2), np.arange(12, dtype=np.float32).reshape(6, 2)
    boxes = [[(0, 3), (0, -1)]], [[(3, 3), (0, -1)]]
    if what == "twice":
        boxes = None, None
    elif what == "slices overlap":
        boxes = [[(0, 3), (0, -1)]], [[(2, 3), (0, -1)]]
    elif what == "dtypes differ":
        second = second.astype(np.int32)
    else:
        second = np.zeros((7, 2), np.float32)
    for path, value, cut in zip(paths, (first, second), boxes):
        write(path, {"t": value}, cut and {"t": cut})
    before = {p: contents(p) for p in paths}
    with pytest.raises(ckpt.CheckpointError, match="^INVALID_ARGUMENT"):
        ckpt.merge(prefix, paths)
    assert {p: contents(p) for p in paths} == before and not contents(prefix)

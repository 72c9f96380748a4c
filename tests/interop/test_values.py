"""Whole tensors of V2 checkpoints: every dtype, any shape, any key, any number of data files."""
import os

import numpy as np
import pytest
import tensorflow as tf

import ckpt
import draw
import witness

# What has no AssignVariableOp kernel goes to disk by SaveV2 alone.
NO_VARIABLE = ["qint16", "quint16", "float8_e4m3fnuz", "float8_e4m3b11fnuz", "float8_e5m2fnuz"]


def save(prefix, written, specs=None):
    names = list(written)
    tensors = [tf.constant(v, tf.string if v.dtype == object else v.dtype) for v in map(np.asarray, written.values())]
    os.makedirs(os.path.dirname(prefix), exist_ok=True)
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=tf.constant(names, tf.string), shape_and_slices=specs or [""] * len(names), tensors=tensors)


def merge(prefix, parts):
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=parts, destination_prefix=prefix, delete_old_dirs=True)


@pytest.mark.parametrize("dtype", draw.DTYPES)
def test_dtype(rng, prefix, dtype):
    shapes = draw.SHAPES + [draw.shape(rng, rank) for rank in range(8)]
    written = {f"{i}": draw.value(rng, dtype, s) for i, s in enumerate(shapes)}
    save(prefix, written)
    witness.agree(prefix, written)


def test_all_dtypes_in_one_file(rng, prefix):
    written = {f"{d}/{i}": draw.value(rng, d, draw.shape(rng)) for d in draw.DTYPES for i in range(3)}
    names = list(written)
    save(prefix, {names[i]: written[names[i]] for i in rng.permutation(len(names))})
    witness.agree(prefix, written)


@pytest.mark.parametrize("method", ["write", "save"])
def test_variables(rng, prefix, method):
    values = {d: draw.value(rng, d, draw.shape(rng)) for d in draw.DTYPES if d not in NO_VARIABLE}
    variables = {d: tf.Variable(tf.constant(v, tf.as_dtype(d))) for d, v in values.items()}
    path = getattr(tf.train.Checkpoint(**variables), method)(prefix)
    found = witness.agree(path, {f"{d}/.ATTRIBUTES/VARIABLE_VALUE": v for d, v in values.items()})
    assert (b"save_counter/.ATTRIBUTES/VARIABLE_VALUE" in found) == (method == "save")


def test_special_floats(prefix):
    bits = {"float16": [0x7C00, 0xFC00, 0x7E01, 0x8000, 0x0001], "float32": [0x7F800000, 0xFF800000, 0x7FC12345, 0x7F800001, 0x80000000, 1],
            "float64": [0x7FF0000000000000, 0xFFF8000000000001, 1 << 63, 1]}
    written = {d: np.array(b, f"uint{d[5:]}").view(d) for d, b in bits.items()}
    save(prefix, written)
    witness.agree(prefix, written)


@pytest.mark.parametrize("strings", [
    [b""], [b"", b"", b""], [b"\0"], [b"a\0", b"\0b", b"\0\0"], draw.STRINGS, [b"x" * n for n in (127, 128, 16383, 16384, 2097151, 2097152)],
], ids=range(6))
def test_strings(prefix, strings):
    written = {"vector": np.array(strings, object), "column": np.array(strings, object)[:, None], "scalar": np.array(strings[-1], object)}
    save(prefix, written)
    witness.agree(prefix, written)


def test_a_large_tensor(rng, prefix):
    """Read by several threads, and checked in pieces."""
    written = {"large": rng.standard_normal((1 << 22) + 3), "small": np.int8(1), "other": rng.standard_normal((1000, 1001)).astype(np.float32)}
    save(prefix, written)
    witness.agree(prefix, written)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_many_at_once(rng, prefix, threads):
    written = {f"{i:03d}": draw.value(rng, draw.NUMERIC[i % len(draw.NUMERIC)], draw.shape(rng, size=3000)) for i in range(100)}
    save(prefix, written)
    reader = ckpt.Reader(prefix)
    tensors = [reader.find(f"{i:03d}".encode()) for i in rng.permutation(100)]
    values = reader.read_many(tensors, threads)
    witness.same({t.key: (t.dtype, t.shape, v) for t, v in zip(tensors, values)}, witness.expected(written))


def test_views(rng, prefix):
    """Mapped, not read; at whatever address TensorFlow packed them."""
    written = {f"{d}/{i}": draw.value(rng, d, draw.shape(rng, i)) for d in draw.NUMERIC for i in range(4)} | {"empty": np.zeros((0, 2), np.float32)}
    save(prefix, written)
    reader = ckpt.Reader(prefix)
    for tensor in reader.tensors():
        view, alignment = reader.view(tensor)
        assert view == witness.flat(written[tensor.key.decode()]), tensor.key
        assert tensor.offset % min(alignment, 4096) == 0 or not view


# --------------------------------------------------------------------------------------------- keys

ODD_KEYS = ["a", "a/", "/", "//a", ".", "..", " ", "a b", "a:0", "a\nb", "a\tb", '"', "'", "\\", "%d", "%s%n", "[x]", "*", "?",
            "\u00e9", "\u4e16\u754c", "\U0001f980", "e\u0301", "\x01", "\x7f", "a\x01", "_CHECKPOINTABLE",
            "k" * 127, "k" * 128, "k" * 20000, "A", "aa", "a\u0000b", "\uffff"]


def test_odd_keys(rng, prefix):
    written = {k: draw.value(rng, "int32", draw.shape(rng)) for k in ODD_KEYS}
    save(prefix, written)
    witness.agree(prefix, written)
    reader = ckpt.Reader(prefix)
    for key in ODD_KEYS:
        assert reader.has(key.encode()) and reader.find(key.encode()).key == key.encode()
        assert not reader.has(key.encode() + b"\0"), key
    assert not reader.has(b"")


def test_keys_that_are_not_text(prefix):
    """TensorFlow's Python cannot list them; its restoring op can read them."""
    written = {k: np.float32(i) for i, k in enumerate([b"\xff", b"\xfe\0\xff", b"a\xc3", b"\0", b"\0\0", b"\xed\xa0\x80"])}
    save(prefix, written)
    theirs = witness.restore(prefix, list(written), [tf.float32] * len(written))
    assert [float(t) for t in theirs] == list(written.values())
    witness.same(witness.ours(prefix), witness.expected(written))
    assert ckpt.Reader(prefix).debug_string() == tf.train.load_checkpoint(prefix).debug_string()


def test_a_missing_key(prefix):
    save(prefix, {"net/l1/kernel": np.float32(1), "net/l2/kernel": np.float32(2)})
    reader = ckpt.Reader(prefix)
    with pytest.raises(ckpt.CheckpointError, match="^NOT_FOUND: .*net/l3/kernel"):
        reader.find(b"net/l3/kernel")
    assert not reader.has(b"net/l3/kernel")


def test_keys_in_several_blocks(rng, prefix):
    names = [f"model/block_{i % 97}/unit_{i}/weights/.ATTRIBUTES/VARIABLE_VALUE" for i in range(12000)]
    numbers = rng.integers(0, 1 << 62, 12000)
    written = {n: np.int64(v) for n, v in zip(names, numbers)}
    save(prefix, written)
    assert os.path.getsize(prefix + ".index") > 2 << 18
    witness.agree(prefix, written)


def test_a_key_longer_than_two_blocks(prefix):
    written = {"a": np.int32(1), "b" * 600000: np.int32(2), "c": np.int32(3)}
    save(prefix, written)
    witness.agree(prefix, written)


# ------------------------------------------------------------------------------------------- shards


@pytest.mark.parametrize("parts", [1, 2, 11])
def test_merged_parts(rng, prefix, parts):
    written, pieces = {}, []
    for i in range(parts):
        own = {f"{draw.DTYPES[int(rng.integers(len(draw.DTYPES)))]}/{i}/{j}": None for j in range(6)}
        own = {k: draw.value(rng, k.split("/")[0], draw.shape(rng)) for k in own}
        pieces.append(f"{prefix}_temp/part-{i:05d}-of-{parts:05d}")
        save(pieces[-1], own)
        written |= own
    merge(prefix, pieces)
    found = witness.agree(prefix, written)
    assert {t.shard for t in ckpt.Reader(prefix).tensors()} == set(range(parts)) and len(found) == 6 * parts


def test_a_part_not_yet_merged(rng, prefix):
    written = {"only": draw.value(rng, "float32", (3, 4)), "words": draw.value(rng, "string", (5,))}
    save(prefix + "_temp/part-00001-of-00003", written)
    witness.agree(prefix + "_temp/part-00001-of-00003", written)


@pytest.mark.parametrize("size", [200, 600, 1 << 16])
def test_largest_shard_policy(rng, prefix, size):
    """No row is longer than a shard: TensorFlow's partitioner would not end."""
    dtypes = ["float32", "float64", "int8", "int64", "bool", "bfloat16"]
    values = {d: draw.value(rng, d, tuple(rng.integers(3, 20, 2).tolist())) for d in dtypes}
    values |= {"words": np.array([rng.bytes(9), b"", b"x"], object), "scalar": np.float32(1)}
    root = tf.train.Checkpoint(**{k: tf.Variable(v, dtype=tf.string if v.dtype == object else None) for k, v in values.items()})
    policy = tf.train.experimental.MaxShardSizePolicy(max_shard_size=size)
    path = root.save(prefix, options=tf.train.CheckpointOptions(experimental_sharding_callback=policy))
    witness.agree(path, {f"{k}/.ATTRIBUTES/VARIABLE_VALUE": v for k, v in values.items()})
    reader = ckpt.Reader(path)
    assert any(t.slices() for t in reader.tensors()) == (size < 1 << 16)


# ----------------------------------------------------------------------------------------- variants


def tensor_list(rng, dtype):
    count = int(rng.integers(0, 5))
    items = tf.constant(draw.value(rng, dtype, (count, 2, 3)), tf.as_dtype(dtype))
    return tf.raw_ops.TensorListFromTensor(tensor=items, element_shape=tf.constant([2, 3]))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8", "bool", "complex64", "float16", "bfloat16", "string"])
def test_variants(rng, prefix, dtype):
    """As TensorFlow serializes them after reading, element by element."""
    lists = [tensor_list(rng, dtype) for _ in range(6)]
    nested = tf.raw_ops.TensorListFromTensor(tensor=tf.stack(lists[:2]), element_shape=tf.constant([], tf.int32))
    reserved = tf.raw_ops.TensorListReserve(element_shape=tf.constant(-1), num_elements=tf.constant(3), element_dtype=tf.as_dtype(dtype))
    optional = tf.raw_ops.OptionalFromValue(components=[tf.constant(3.)])
    tensors = {"one": lists[0], "many": tf.reshape(tf.stack(lists), [2, 3]), "nested": nested, "reserved": reserved, "optional": optional,
               "number": tf.constant(7)}
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=list(tensors), shape_and_slices=[""] * len(tensors), tensors=list(tensors.values()))
    found = witness.agree(prefix)
    assert {k.decode(): v[1] for k, v in found.items()} == {k: tuple(v.shape) for k, v in tensors.items()}


# ------------------------------------------------------------------------------------------ opening


def test_every_way_to_name_a_checkpoint(rng, tmp_path):
    values = {"w": tf.Variable(draw.value(rng, "float32", (3, 4))), "words": tf.Variable(draw.value(rng, "string", (2,)), dtype=tf.string)}
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(**values), str(tmp_path), max_to_keep=2)
    path = [manager.save() for _ in range(3)][-1]
    for way in [path, path + ".index", path + ".data-00000-of-00001", str(tmp_path), str(tmp_path) + "/"]:
        witness.agree(way, prefix=path)


def test_a_saved_model(rng, tmp_path):
    module = tf.Module()
    module.w = tf.Variable(draw.value(rng, "float32", (3, 4)))
    tf.saved_model.save(module, str(tmp_path / "model"))
    witness.agree(str(tmp_path / "model"), prefix=str(tmp_path / "model" / "variables" / "variables"))


@pytest.mark.parametrize("name", ["a b", "\u00e9\u4e16", "100%d", "a*", "a?b", "x.index.y", "-dash", "a[1]", "back\\slash"])
def test_odd_prefixes(rng, tmp_path, name):
    """Of the last two TensorFlow can write and not read: a copy under a plain name is its own."""
    written = {"w": draw.value(rng, "float32", (3, 4))}
    save(str(tmp_path / name), written)
    for f in os.listdir(tmp_path):
        os.link(tmp_path / f, tmp_path / f.replace(name, "plain"))
    witness.agree(str(tmp_path / name), written, prefix=str(tmp_path / "plain"))

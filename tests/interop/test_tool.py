"""`ckpt ls --json --sha256` of one checkpoint of each kind against TensorFlow's values; what `ckpt copy` and `convert` write, read by
TensorFlow, NumPy and safetensors, and what those write, converted."""
import base64
import hashlib
import json
import subprocess

import numpy as np
import pytest
import safetensors.numpy
import tensorflow as tf

import ckpt
import conversions
import draw
import test_v1
import witness
from make_foreign import Bundle, Layout, bundle
from test_graph import MODELS
from test_slices import save_parts
from test_values import merge, save

TOOL = ckpt.built("CKPT_TOOL", "ckpt")
FIELDS = {"key", "dtype", "shape", "bytes", "shard", "offset", "slices", "sha256"}


def run(*arguments):
    return subprocess.run([TOOL, *arguments], capture_output=True, timeout=60)


def digest(value):
    """Of a string tensor each element follows its length."""
    if isinstance(value, list):
        value = b"".join(len(e).to_bytes(8, "little") + e for e in value)
    return hashlib.sha256(value).hexdigest()


def listing(path, *options):
    done = run("ls", path, "--json", *options)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def key(row):
    return row["key"].encode() if "key" in row else base64.b64decode(row["key_base64"], validate=True)


def agree(path, wanted, fields=FIELDS):
    """Key, dtype, shape and digest are TensorFlow's, size and place are the file's."""
    rows = listing(path, "--sha256")
    assert [key(r) for r in rows] == sorted(wanted)
    for row in rows:
        dtype, shape, value = wanted[key(row)]
        assert row.keys() == fields
        assert (row["dtype"], tuple(row["shape"]), row["sha256"]) == (dtype, shape, digest(value)), row
        assert len(row["slices"]) == len(ckpt.Reader(path).find(key(row)).slices())
        if dtype != "string":
            assert row["bytes"] == len(value)
    return rows


def in_place(row, prefix, shards):
    """The digest of the bytes where the row says that they are."""
    with open(f"{prefix}.data-{row['shard']:05d}-of-{shards:05d}", "rb") as f:
        f.seek(row["offset"])
        return hashlib.sha256(f.read(row["bytes"])).hexdigest()


def test_v2(rng, prefix):
    pieces = []
    for i in range(3):
        pieces.append(f"{prefix}_temp/part-{i:05d}-of-00003")
        save(pieces[-1], {f"{d}/{i}": draw.value(rng, d, draw.shape(rng)) for d in draw.DTYPES[i::3]} | {f"empty/{i}": np.zeros((0, i), np.int8)})
    merge(prefix, pieces)
    for row in agree(prefix, witness.read(prefix)):
        assert row["slices"] == [] and row["shard"] in range(3)
        assert row["dtype"] == "string" or in_place(row, prefix, 3) == row["sha256"]


def test_partitioned(rng, prefix):
    wholes = {d: draw.value(rng, d, (5, 6)) for d in draw.DTYPES}
    save_parts(prefix, wholes, {k: [[(0, 2), (0, 6)], [(2, 3), (0, 6)]] for k in wholes})
    for row in agree(prefix, witness.expected(wholes)):
        assert len(row["slices"]) == 2 and row["shard"] is None and row["offset"] is None


def test_v1_file(rng, prefix):
    written = {d: draw.value(rng, d, draw.shape(rng)) for d in draw.V1}
    test_v1.save(prefix, written)
    agree(prefix, witness.read(prefix))


def test_big_endian_and_snappy(rng, prefix):
    written = {d.encode(): draw.value(rng, d, draw.shape(rng, size=30)) for d in draw.ASSEMBLED + ["string"] if d not in ("int4", "uint4")}
    bundle(prefix, written, Bundle(big_endian=True, layout=Layout(200, 3, ("data", "index"))))
    agree(prefix, witness.read(prefix))


@pytest.mark.parametrize("kind", MODELS)
def test_model(rng, prefix, kind):
    path = tf.train.Checkpoint(model=MODELS[kind](rng)).save(prefix)
    agree(path, witness.read(path))


def test_keys_that_are_not_text(prefix):
    written = {b"\xff\0k": np.float32(1), b"\xc3": np.float32(2)}
    save(prefix, written)
    agree(prefix, witness.expected(written), FIELDS - {"key"} | {"key_base64"})


def test_a_filter(rng, prefix):
    written = {k: draw.value(rng, "float32", (2,)) for k in ["net/l1/kernel", "net/l1/bias", "net/l2/kernel", "step"]}
    save(prefix, written)
    assert [r["key"] for r in listing(prefix, "--filter", "*kernel")] == ["net/l1/kernel", "net/l2/kernel"]
    assert [r["key"] for r in listing(prefix)] == sorted(written)


def test_exit_codes(rng, prefix):
    save(prefix, {"a": np.float32(1)})
    assert run("verify", prefix).returncode == 0
    with open(prefix + ".data-00000-of-00001", "r+b") as f:
        f.write(b"\1")
    assert run("verify", prefix).returncode == 1
    assert run("ls", prefix, "--json", "--sha256").returncode == 1
    assert run("ls", prefix + "-none").returncode == 1
    assert run("ls").returncode == 2
    assert run("nonsense").returncode == 2


SAFE = ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "bfloat16", "float32", "float64", "complex64"]


def done(*arguments):
    finished = run(*arguments)
    assert finished.returncode == 0, finished.stderr.decode()


def same(found, written):
    """Key by key the same shape and bytes; NumPy reads bfloat16 from its own files as void."""
    assert sorted(found) == sorted(written)
    for k, value in written.items():
        assert (found[k].shape, found[k].tobytes()) == (np.shape(value), np.asarray(value).tobytes()), k


def test_copies_are_read_by_tensorflow(rng, prefix):
    written = {d: draw.value(rng, d, draw.shape(rng)) for d in draw.DTYPES}
    save(prefix, written)
    done("copy", prefix, prefix + "-copy", "--max-shard", "1kB")
    # Some types that are stored in slices TensorFlow cannot read whole; those must not have been
    # cut.
    assert {k: v[2] for k, v in witness.read(prefix + "-copy").items()} == {k: v[2] for k, v in witness.read(prefix).items()}


def test_a_v1_checkpoint_becomes_v2(rng, prefix):
    written = {d: draw.value(rng, d, draw.shape(rng)) for d in draw.V1}
    test_v1.save(prefix, written)
    before = witness.read(prefix)
    done("copy", prefix, prefix + "-copy")
    assert witness.read(prefix + "-copy") == before


def test_a_copied_model_is_restored(prefix):
    def model():
        return tf.train.Checkpoint(v=tf.Variable([1.0, 2.0]), w=[tf.Variable(3), tf.Variable(b"s")])

    saved = model()
    saved.v.assign([4.0, 5.0])
    saved.w[0].assign(6)
    path = saved.save(prefix)
    done("copy", path, prefix + "-copy")
    restored = model()
    restored.restore(prefix + "-copy").assert_consumed()
    assert (restored.v.numpy().tolist(), int(restored.w[0])) == ([4.0, 5.0], 6)


@pytest.mark.parametrize("to", ["float16", "bfloat16", "float64", "float32"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "float32"])
def test_casts_are_those_of_tensorflow(rng, prefix, dtype, to):
    if dtype == to:
        return
    value = draw.value(rng, dtype, (5000,))  # any bit pattern
    with np.errstate(all="ignore"):
        value = np.concatenate([value, *(n.astype(value.dtype) for n in [np.linspace(-70000, 70000, 2001), np.logspace(-9, 5, 999)])])
        value = value[~np.isnan(value)]
    save(prefix, {"a": value})
    done("copy", prefix, prefix + "-cast", "--cast", f"{dtype}={to}")
    wanted = conversions.cast(value, to)
    assert tf.train.load_checkpoint(prefix + "-cast").get_tensor("a").tobytes() == wanted.tobytes()


def test_safetensors_are_read_and_written(rng, prefix):
    written = {f"{d}/{i}": np.asarray(draw.value(rng, d, draw.shape(rng))) for d in SAFE for i in range(3)}
    save(prefix, written)
    done("convert", prefix, prefix + ".safetensors")
    same(safetensors.numpy.load_file(prefix + ".safetensors"), written)
    safetensors.numpy.save_file(written, prefix + ".theirs.safetensors")
    with open(prefix + ".safetensors", "rb") as ours, open(prefix + ".theirs.safetensors", "rb") as theirs:
        assert ours.read() == theirs.read()
    done("convert", prefix + ".theirs.safetensors", prefix + "-back")
    assert witness.read(prefix + "-back") == witness.read(prefix)


@pytest.mark.parametrize("savez", [np.savez, np.savez_compressed])
def test_npz_files_are_read_and_written(rng, prefix, savez):
    written = {f"{d}/{i}": np.asarray(draw.value(rng, d, draw.shape(rng))) for d in [*SAFE, "complex128"] for i in range(3)}
    save(prefix, written | {"s": np.array([b"a", b"", b"\0b"], object)})
    done("convert", prefix, prefix + ".npz")
    with np.load(prefix + ".npz") as found:
        same(dict(found), written | {"s": np.array([b"a", b"", b"\0b"])})
    savez(prefix + ".theirs.npz", s=np.array([b"a", b"", b"\0b"]), **{k: np.array(v, order="F") for k, v in written.items()})
    done("convert", prefix + ".theirs.npz", prefix + "-back")
    assert witness.read(prefix + "-back") == witness.read(prefix)

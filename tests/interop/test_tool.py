"""`ckpt ls --json --sha256` of one checkpoint of each kind against TensorFlow's values."""
import base64
import hashlib
import json
import subprocess

import numpy as np
import pytest
import tensorflow as tf

import ckpt
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

"""What TensorFlow reads but never writes: here it is the witness of our reader, and our writer of these files is the witness of none."""
import numpy as np
import pytest
import tensorflow as tf

import ckpt
import draw
import make_foreign
import witness
from make_foreign import V1, Bundle, Layout, Parts, bundle, v1

# One byte each, yet TensorFlow declines to read them from a bundle of the other byte order.
DECLINED = [d for d in draw.NUMERIC if d.startswith("float8") or d in ("int4", "uint4", "int2", "uint2", "float4_e2m1fn")]


def drawn(rng, dtypes, size=24):
    """{key: array}, per dtype one of each odd shape and of a few random ones."""
    return {f"{d}/{i}": draw.value(rng, d, s) for d in dtypes
            for i, s in enumerate(draw.SHAPES + [draw.shape(rng, size=size) for _ in range(3)])}


def parts(rng, dtype, shape, cuts=4):
    """A whole array and the same in parts, of which one side of a cut may be whole dimensions."""
    whole = draw.value(rng, dtype, shape)
    boxes = [[(0, -1) if length == d else (s, length) for (s, length), d in zip(box, shape)] for box in draw.partition(rng, shape, cuts)]
    return whole, Parts(shape, [(box, draw.cut(whole, box)) for box in boxes])


def encoded(tensors):
    return {k.encode(): v for k, v in tensors.items()}


def test_big_endian(rng, prefix):
    written = drawn(rng, draw.DTYPES)
    bundle(prefix, encoded(written), Bundle(big_endian=True))
    witness.agree(prefix, written, beyond=DECLINED)


def test_big_endian_partitioned(rng, prefix):
    written, stored = {}, {}
    for dtype in draw.DTYPES:
        written[dtype], stored[dtype] = parts(rng, dtype, (5, 6))
    bundle(prefix, encoded(stored), Bundle(big_endian=True, shards=3))
    witness.agree(prefix, written, beyond=DECLINED + draw.NOT_ASSEMBLED)


@pytest.mark.parametrize("snappy", [(), ("data",), ("index",), ("data", "index")], ids=lambda s: "+".join(s) or "plain")
@pytest.mark.parametrize("block_size, restart", [(64, 1), (700, 2), (1 << 18, 16), (5000, 1000)])
def test_blocks(rng, prefix, snappy, block_size, restart):
    written = {f"layer_{i % 7}/kernel/{i:05d}/.ATTRIBUTES/VARIABLE_VALUE": draw.value(rng, "float32", draw.shape(rng, size=9)) for i in range(250)}
    blocks = bundle(prefix, encoded(written), Bundle(layout=Layout(block_size, restart, snappy)))
    assert (blocks > 1) == (block_size < 1 << 18)
    witness.agree(prefix, written)


def test_snappy_of_large_blocks(rng, prefix):
    """Long matches, near and far."""
    stem = "/".join(rng.bytes(300).hex() for _ in range(40))
    written = {f"{stem[:int(rng.integers(1, len(stem)))]}/{i}": np.int32(i) for i in range(60)}
    assert bundle(prefix, encoded(written), Bundle(layout=Layout(1 << 18, 1, ("data", "index")))) > 1
    witness.agree(prefix, written)


@pytest.mark.parametrize("how", [
    Bundle(producer=None), Bundle(producer=0), Bundle(producer=999), Bundle(shards=5), Bundle(align=64), Bundle(align=42, shards=2),
    Bundle(gap=b"between tensors"), Bundle(unknown=b"\xf2\x07\x03new\xf8\x07\x01"), Bundle(named_dims=True), Bundle(explicit_full=True),
], ids=lambda h: ",".join(f"{k}={v}"[:24] for k, v in vars(h).items() if v != getattr(Bundle(), k)))
def test_choices_of_a_writer(rng, prefix, how):
    written = drawn(rng, ["float32", "complex128", "bool", "string"])
    stored = dict(written)
    for name, shape in [("cube", (3, 4, 5)), ("rows", (12,))]:
        written[name], stored[name] = parts(rng, "int16", shape)
    names = list(stored)
    bundle(prefix, {names[i].encode(): stored[names[i]] for i in rng.permutation(len(names))}, how)
    witness.agree(prefix, written)


@pytest.mark.parametrize("values", ["packed", "unpacked", "pieces"])
@pytest.mark.parametrize("snappy", [(), ("data", "index")], ids=["plain", "snappy"])
def test_v1(rng, prefix, values, snappy):
    """With two dtypes that V1 readers know and no V1 writer ever wrote."""
    dtypes = draw.V1 + ["uint32", "uint64"]
    written = drawn(rng, dtypes)
    stored = dict(written)
    for dtype in dtypes:
        written[dtype], stored[dtype] = parts(rng, dtype, (4, 7))
    assert v1(prefix, encoded(stored), V1(values, layout=Layout(600, 3, snappy))) > 1
    witness.agree(prefix, written)


def test_v1_without_version(rng, prefix):
    written = drawn(rng, ["float32", "string"])
    v1(prefix, encoded(written), V1(producer=None))
    witness.agree(prefix, written)


def test_v1_parts_in_several_files(rng, prefix):
    whole, stored = parts(rng, "float16", (6, 6))
    for i, part in enumerate(stored.parts):
        v1(f"{prefix}-{i:05d}-of-{len(stored.parts):05d}", {b"table": Parts((6, 6), [part]), b"own%d" % i: np.int32(i)}, V1())
    written = {"table": whole} | {f"own{i}": np.int32(i) for i in range(len(stored.parts))}
    witness.agree(f"{prefix}-?????-of-{len(stored.parts):05d}", written)


@pytest.mark.parametrize("dtype, number", [("uint8", 300), ("uint8", -1), ("int8", 128), ("int16", -40000), ("uint16", 1 << 16), ("quint8", 256)])
def test_v1_value_out_of_range_is_refused(prefix, monkeypatch, dtype, number):
    """TensorFlow cuts it to size."""
    value = np.zeros(1, tf.as_dtype(dtype).as_numpy_dtype)
    monkeypatch.setattr(make_foreign, "_values", lambda array, style: make_foreign._field(7, make_foreign.varint(number % (1 << 64))))
    v1(prefix, {b"t": value}, V1())
    witness.restore(prefix, ["t"], [tf.as_dtype(dtype)])
    reader = ckpt.Reader(prefix)
    with pytest.raises(ckpt.CheckpointError, match='^DATA_LOSS: .*"t"'):
        reader.read(reader.find(b"t"))

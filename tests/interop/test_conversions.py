"""Values in another dtype, as TensorFlow and ml_dtypes make them: all values of the small types, many of the others."""
import ctypes
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import ckpt
import conversions
from conversions import COMPLEX, FLOATS

KINDS = {"exact": "CKPT_CONVERSION_EXACT", "fitting": "CKPT_CONVERSION_EXACT", "lossy": "CKPT_CONVERSION_LOSSY"}


def number(name):
    spelling = {"float32": "FLOAT", "float64": "DOUBLE", "float16": "HALF"}.get(name, name.upper())
    return ckpt.CONSTANTS["CKPT_DTYPE_" + spelling]


def converted(value, target, conversion):
    source = "bool" if value.dtype == np.bool_ else value.dtype.name
    found = np.zeros(value.shape, conversions.numpy_type(target))
    data = [array.ctypes.data_as(ctypes.c_void_p) for array in (value, found)]
    ckpt.call("ckpt_convert_values", ckpt.CONSTANTS[conversion], number(source), data[0], value.nbytes, number(target), data[1], found.nbytes)
    return found


def agree(value, target, conversion):
    """Bit by bit, but for NaNs, of which the sign counts."""
    found, wanted = converted(value, target, conversion), conversions.cast(value, target)
    part = COMPLEX.get(target, target)
    found, wanted = (array.view(conversions.numpy_type(part)) for array in (found, wanted))
    same = conversions.bits(found) == conversions.bits(wanted)
    if part in FLOATS:
        with np.errstate(invalid="ignore"):
            wide = [array.astype("f8") for array in (found, wanted)]
        signs = np.signbit(wide[0]) == np.signbit(wide[1])
        if (value.dtype.name, target) == ("float32", "bfloat16"):
            # TensorFlow drops the sign of a NaN where it converts several numbers at once, and
            # keeps it for the last few.
            signs = np.signbit(wide[0]) == np.signbit(value)
        same |= np.isnan(wide[0]) & np.isnan(wide[1]) & signs
    first = np.flatnonzero(~same)[:3]
    assert not len(first), (value.dtype.name, target, first, found[first], wanted[first])


def pairs():
    for line in Path(__file__).with_name("conversions.txt").read_text().splitlines():
        source, target, kind, *_ = line.split(" ")
        if kind != "refused":
            yield source, target, kind


def test_the_table_is_what_tensorflow_makes():
    assert Path(__file__).with_name("conversions.txt").read_text().splitlines() == list(conversions.lines())


@pytest.mark.parametrize("source", sorted({source for source, _, _ in pairs()}))
def test_values(rng, source):
    kind = conversions.numpy_type(source)
    if source in COMPLEX:
        value = rng.integers(0, 1 << 32, 20000, dtype="u4").view(kind)
    elif source == "bool":
        value = np.array([False, True])
    elif kind.itemsize <= 2:
        few = {"int2": 4, "uint2": 4, "int4": 16, "uint4": 16, "float4_e2m1fn": 16}
        value = np.arange(few.get(source, 256**kind.itemsize)).astype(f"u{kind.itemsize}").view(kind)
    else:
        value = rng.integers(0, 256, 20000 * kind.itemsize, dtype="u1").view(kind)
        if source in FLOATS:  # most bit patterns are too large or too small for small types
            with np.errstate(all="ignore"):
                near = rng.normal(size=20000) * 2.0 ** rng.integers(-30, 30, 20000)
                value = np.concatenate([value, near.astype(kind)])
    for other, target, how in pairs():
        if other == source and how != "fitting":
            agree(value, target, KINDS[how])
        elif other == source:
            low, high = conversions.integers(target)
            fitting = np.array([x for x in value if low <= int(x) <= high], kind)
            agree(fitting, target, KINDS[how])
            if len(fitting) < len(value):
                with pytest.raises(ckpt.CheckpointError, match="does not fit"):
                    converted(value, target, KINDS[how])


@pytest.mark.parametrize("source, target", [("bfloat16", "float32"), ("float16", "float64"), ("int16", "float32"), ("float64", "bfloat16")])
def test_variables_of_tensorflow_are_read_as_another_dtype(rng, prefix, source, target):
    value = tf.cast(rng.normal(size=(300, 700)) * 100, source).numpy()
    path = tf.train.Checkpoint(v=tf.Variable(value, dtype=source)).save(prefix)
    reader = ckpt.Reader(path)
    tensor = reader.find(b"v")
    options = ckpt.LIB.ckpt_read_options_new()
    try:
        ckpt.call("ckpt_read_options_set_dtype", options, number(target))
        ckpt.call("ckpt_read_options_set_conversion", options, ckpt.CONSTANTS["CKPT_CONVERSION_LOSSY"])
        found = np.zeros(value.shape, conversions.numpy_type(target))
        ckpt.call("ckpt_reader_read", reader.handle, tensor.handle, options, found.ctypes.data_as(ctypes.c_void_p), found.nbytes)
    finally:
        ckpt.LIB.ckpt_read_options_free(options)
    assert found.tobytes() == conversions.cast(value, target).tobytes()

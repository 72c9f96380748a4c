"""What numbers become in another dtype, by TensorFlow and, where it has no cast, by ml_dtypes.

`python conversions.py >conversions.txt` writes the table that tests/conversions.rs reads. The table
was made with TensorFlow 2.21.0, ml_dtypes 0.6.0 and numpy 2.4.6; test_conversions.py compares it
with the versions that are installed.

A line is `FROM TO KIND VALUE=RESULT ...`. Values are the stored bits in hexadecimal; those of
complex numbers are two with a colon between. A NaN among the results is `nan` or `-nan`. KIND is

* exact: every value of FROM has the same value in TO;
* lossy: both are floating-point numbers, and TO has not all the values of FROM;
* fitting: both are integers, and TO has not all the values of FROM. The result of a value that TO
  has not is `-`;
* refused: there are no results.
"""

import functools
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import ml_dtypes
import numpy as np
import tensorflow as tf

INTEGERS = "int2 uint2 int4 uint4 int8 uint8 int16 uint16 int32 uint32 int64 uint64".split()
SMALL = "float4_e2m1fn float8_e5m2 float8_e4m3fn float8_e4m3fnuz float8_e4m3b11fnuz float8_e5m2fnuz float16 bfloat16".split()
FLOATS = SMALL + ["float32", "float64"]
COMPLEX = {"complex64": "float32", "complex128": "float64"}
NAMES = ["bool"] + INTEGERS + FLOATS + list(COMPLEX) + ["qint8", "string", "variant"]


def numpy_type(name):
    return np.dtype(getattr(ml_dtypes, name, name))


def bits(array):
    return array.view(f"u{array.dtype.itemsize}")


def cast(array, name):
    """Casts as TensorFlow does, or else as ml_dtypes does.

    The threads of TensorFlow take subnormal numbers of float32 for zero. Those are cast by numpy.
    """
    if name in COMPLEX:
        if array.dtype.kind == "c":
            return cast(array.view(array.real.dtype), COMPLEX[name]).view(name)
        parts = cast(array, COMPLEX[name])
        return np.stack([parts, np.zeros_like(parts)], axis=1).view(name).reshape(-1)
    try:
        found = tf.cast(tf.constant(array), numpy_type(name)).numpy()
    except (tf.errors.OpError, TypeError, ValueError):
        return cast_by_numpy(array, name)
    if array.dtype in (numpy_type("bfloat16"), np.float32, np.float64):
        with np.errstate(invalid="ignore"):
            tiny = np.abs(array.astype("f8")) < 2.0**-126
        found[tiny] = cast_by_numpy(array[tiny], name)
    return found


def cast_by_numpy(array, name):
    with np.errstate(all="ignore"):
        try:
            return array.astype(numpy_type(name))
        except TypeError:
            # ml_dtypes knows no way from one of its types to the other: by one that has all values.
            return array.astype("f4" if array.dtype.itemsize < 4 else "f8").astype(numpy_type(name))


@functools.cache
def edges_of_float(name):
    info = ml_dtypes.finfo(numpy_type(name))
    numbers = [0.0, 1.0, 1.5, info.max, info.tiny, info.smallest_subnormal]
    numbers += [float(info.tiny) - float(info.smallest_subnormal), 1.0 + float(info.eps), np.inf, np.nan]
    return [sign * float(number) for number in numbers for sign in (1, -1)]


@functools.cache
def edges_between(name):
    """What lies halfway between two numbers of a type or at its limits, and just beside that."""
    info = ml_dtypes.finfo(numpy_type(name))
    eps, most, least = float(info.eps), float(info.max), float(info.smallest_subnormal)
    ulp = 2.0 ** np.floor(np.log2(most)) * eps
    halfway = [1 + eps / 2, 1 + eps * 1.5, most + ulp / 2, least / 2, least * 1.5, float(info.tiny) - least / 2]
    with np.errstate(all="ignore"):
        beside = [np.nextafter(np.float32(h), np.float32(to)) for h in halfway for to in (np.inf, 0)]
        # What rounds to halfway in float32 is not halfway.
        beside += [h * (1 + 2.0**-40) for h in halfway]
    return [float(number) for number in halfway + beside if np.isfinite(number)] + [-halfway[0], -halfway[3], 2 * most]


@functools.cache
def integers(name):
    info = ml_dtypes.iinfo(numpy_type(name))
    return int(info.min), int(info.max)


def values_of(source, target):
    """The values of a type whose conversion is asked for, without those that it has not."""
    kind = numpy_type(source)
    if source == "bool":
        return np.array([False, True])
    if source in INTEGERS:
        least, most = integers(source)
        numbers = [0, 1, -1, least, most, least + 1, most - 1, 100, -100]
        if target in INTEGERS:
            numbers += [edge + step for edge in integers(target) for step in (-1, 0, 1)]
        numbers = sorted({number for number in numbers if least <= number <= most})
        return np.array(numbers, dtype="u8" if least == 0 else "i8").astype(kind)
    if source in COMPLEX:
        parts = values_of(COMPLEX[source], COMPLEX.get(target, COMPLEX[source]))
        return np.stack([parts, parts[::-1]], axis=1).view(kind).reshape(-1)
    numbers = list(edges_of_float(source))
    if target in FLOATS and target != source:
        numbers += edges_between(target) if target in SMALL or source == "float64" else edges_of_float(target)
    with np.errstate(all="ignore"):
        found = np.array(numbers, dtype="f8").astype("f4" if source in SMALL else "f8").astype(kind)
    return bits(np.unique(bits(found))).view(kind)


def same(a, b):
    """Whether the values are the same: NaN is NaN, and zeros have signs."""
    with np.errstate(invalid="ignore"):
        a, b = (x.view(x.real.dtype).astype("f8") for x in (a, b))
    return (a == b) & (np.signbit(a) == np.signbit(b)) | np.isnan(a) & np.isnan(b)


def kind_of(source, target, values):
    """What kind of conversion it is: by what becomes of all values, or of all edges, and back."""
    if "string" in (source, target) or "variant" in (source, target) or "qint8" in (source, target):
        return "refused"
    if source in COMPLEX and target not in COMPLEX or target == "bool" or source in FLOATS and target in INTEGERS:
        return "refused"
    if source in INTEGERS and target in INTEGERS:
        (least, most), (low, high) = integers(source), integers(target)
        return "exact" if low <= least and most <= high else "fitting"
    if numpy_type(source).itemsize <= 2 and source != "bool":
        few = {"int2": 4, "uint2": 4, "int4": 16, "uint4": 16, "float4_e2m1fn": 16}
        count = few.get(source, 256 ** numpy_type(source).itemsize)
        every = np.arange(count, dtype="u4").astype(f"u{numpy_type(source).itemsize}").view(numpy_type(source))
    else:
        every = values
    if source in INTEGERS:
        # Of the wide types not all are tried; the largest odd ones would be lost.
        exact = all(np.isfinite(y) and int(x) == int(y) for x, y in zip(every, cast(every, real(target)).astype("f8")))
        return "exact" if exact else "refused"
    if source == "bool":
        return "exact"
    there = cast(every, target if source in COMPLEX else real(target))
    return "exact" if all(same(every, cast(there, source))) else "lossy"


def real(name):
    return COMPLEX.get(name, name)


def text(number, name):
    if name in COMPLEX:
        return ":".join(text(part, COMPLEX[name]) for part in (number.real, number.imag))
    if name in FLOATS and np.isnan(np.float64(number)):
        return "-nan" if np.signbit(np.float64(number)) else "nan"
    return f"{int(bits(np.array([number]))[0]):x}"


def pattern(number, name):
    if name in COMPLEX:
        return ":".join(pattern(part, COMPLEX[name]) for part in (number.real, number.imag))
    return f"{int(bits(np.array([number]))[0]):x}"


def lines():
    for source in NAMES:
        for target in NAMES:
            if source == target:
                continue
            plain = source not in ("qint8", "string", "variant")
            values = values_of(source, target) if plain else []
            kind = kind_of(source, target, values)
            if kind == "refused":
                yield f"{source} {target} refused"
                continue
            results = [text(result, target) for result in cast(values, target)]
            if kind == "fitting":
                low, high = integers(target)
                results = [result if low <= int(value) <= high else "-" for value, result in zip(values, results)]
            pairs = (f"{pattern(value, source)}={result}" for value, result in zip(values, results))
            yield " ".join([source, target, kind, *pairs])


if __name__ == "__main__":
    sys.stdout.writelines(line + "\n" for line in lines())

"""Random shapes, values, names and partitions. Values are NumPy arrays with TensorFlow's element types, any bit pattern included."""
import numpy as np
import tensorflow as tf

NUMERIC = [tf.as_dtype(n).name for n in [*range(1, 7), *range(8, 20), *range(22, 34)]]
DTYPES = NUMERIC + ["string"]
# The bits that TensorFlow uses of the one byte that each of these elements takes.
NARROW = {"bool": 1, "int4": 15, "uint4": 15, "int2": 3, "uint2": 3, "float4_e2m1fn": 15}
# What TensorFlow puts together from several slices; of the others it reads back only a slice
# exactly as it was written.
ASSEMBLED = ["float32", "float64", "int32", "uint8", "int16", "int8", "complex64", "complex128", "int64", "bool", "qint32", "quint8",
             "qint8", "bfloat16", "int4", "uint4"]
NOT_ASSEMBLED = [d for d in DTYPES if d not in ASSEMBLED]
V1 = ["float32", "float64", "int32", "uint8", "int16", "int8", "complex64", "int64", "bool", "qint8", "quint8", "qint32", "uint16",
      "complex128", "float16", "string"]

SHAPES = [(), (1,), (0,), (3, 0, 2)]
STRINGS = [b"", b"\0", b"a\0b\0", b"\xff\xfe", "h\u00e9llo \u4e16\u754c \U0001f980".encode(), b"\n\t\"'", b"x" * 127, b"y" * 128]


def shape(rng, rank=None, size=400):
    """A shape of at most `size` elements, none of its dimensions 0."""
    rank = int(rng.integers(0, 8)) if rank is None else rank
    dims = []
    for _ in range(rank):
        room = size // int(np.prod(dims, dtype=int))
        dims.append(int(rng.integers(1, max(2, min(room, 9) + 1))))
    return tuple(int(d) for d in rng.permutation(dims))


def value(rng, dtype, shape):
    count = int(np.prod(shape, dtype=int))
    if dtype == "string":
        flat = np.empty(count, object)
        for i in range(count):
            long = rng.bytes(int(rng.integers(0, 40))) if rng.random() < 0.7 else rng.bytes(int(rng.integers(0, 40000)))
            flat[i] = STRINGS[int(rng.integers(len(STRINGS)))] if rng.random() < 0.4 else long
        return flat.reshape(shape)
    np_dtype = np.dtype(tf.as_dtype(dtype).as_numpy_dtype)
    raw = rng.integers(0, 256, count * np_dtype.itemsize, np.uint8) & NARROW.get(dtype, 255)
    return raw.astype(np.uint8).view(np_dtype).reshape(shape)


def finite(rng, dtype, shape):
    """A value without the NaNs that Python's own numbers change on their way."""
    array = value(rng, dtype, shape)
    return array if array.dtype.kind not in "fc" else rng.integers(-9999, 9999, shape).astype(array.dtype) / array.dtype.type(8)


def partition(rng, shape, cuts):
    """Boxes, lists of (start, length), that make up `shape` without overlap, in random order."""
    boxes = [[(0, d) for d in shape]]
    for _ in range(cuts):
        box = boxes.pop(int(rng.integers(len(boxes))))
        wide = [i for i, (_, length) in enumerate(box) if length > 1]
        if not wide:
            boxes.append(box)
            continue
        axis = wide[int(rng.integers(len(wide)))]
        start, length = box[axis]
        cut = int(rng.integers(1, length))
        for part in ((start, cut), (start + cut, length - cut)):
            boxes.append(box[:axis] + [part] + box[axis + 1:])
    return [boxes[i] for i in rng.permutation(len(boxes))]


def box(rng, shape):
    """A box somewhere inside `shape`; a dimension taken whole has length -1 as often as not."""
    out = []
    for d in shape:
        length = int(rng.integers(1, d + 1))
        start = int(rng.integers(0, d - length + 1))
        out.append((0, -1) if length == d and rng.random() < 0.5 else (start, length))
    return out


def cut(array, box):
    """The part of an array in a box."""
    return array[tuple(slice(s, None if n == -1 else s + n) for s, n in box)]


def spec(shape, box):
    """A slice as SaveV2 and RestoreV2 take it: the full shape and the box."""
    extents = ("-" if (s, n) == (0, -1) else f"{s},{n}" for s, n in box)
    return " ".join(map(str, shape)) + " " + ":".join(extents)

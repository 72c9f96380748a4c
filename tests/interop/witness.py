"""What TensorFlow reads in a checkpoint, and the claim that our reader sees the same."""
import os

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

import ckpt


def flat(value):
    """The row-major bytes of a value, or the list of its elements where they are strings."""
    if isinstance(value, bytes):
        return [value]
    array = np.asarray(value)
    if array.dtype == object:
        return [e.encode() if isinstance(e, str) else bytes(e) for e in array.reshape(-1)]
    assert array.dtype.kind != "S", "NumPy drops trailing NULs of fixed-size strings: use an object array"
    return array.tobytes()


def varint(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number, at


def variants(tensor):
    """The serialized elements of a variant tensor."""
    proto = tensor_pb2.TensorProto.FromString(tf.io.serialize_tensor(tensor).numpy())
    content, at, lengths, out = proto.tensor_content, 0, [], []
    for _ in range(tensor.shape.num_elements()):
        length, at = varint(content, at)
        lengths.append(length)
    for length in lengths:
        out.append(content[at:at + length])
        at += length
    assert at == len(content)
    return out


def restore(prefix, names, dtypes, specs=None):
    """RestoreV2, which reads V1 files too, and there more dtypes than tf.train.load_checkpoint."""
    specs = specs or [""] * len(names)
    return tf.raw_ops.RestoreV2(prefix=prefix, tensor_names=tf.constant(names, tf.string), shape_and_slices=specs, dtypes=dtypes)


def read(prefix, keys=None):
    """{key: (dtype name, shape, flat value)} by TensorFlow. The value of what it cannot put together is None."""
    reader = tf.train.load_checkpoint(prefix)
    shapes, dtypes = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    names = sorted(shapes)
    try:
        values = restore(prefix, names, [dtypes[n] for n in names])
    except tf.errors.OpError:
        values = [one(prefix, n, dtypes[n]) for n in names]
    flatten = lambda v: None if v is None else variants(v) if v.dtype == tf.variant else flat(v.numpy())
    return {n.encode(): (dtypes[n].name, tuple(shapes[n]), flatten(v)) for n, v in zip(names, values)}


def one(prefix, name, dtype):
    try:
        return restore(prefix, [name], [dtype])[0]
    except tf.errors.OpError as e:
        if "not supported" in str(e) or "unimplemented" in str(e).lower() or "big-endian" in str(e).lower():
            return None
        raise


def expected(written):
    """The same from the values that were written: {key: array}."""
    out = {}
    for key, value in written.items():
        array = np.asarray(value)
        dtype = "string" if array.dtype == object else tf.as_dtype(array.dtype).name
        out[key if isinstance(key, bytes) else key.encode()] = (dtype, array.shape, flat(array))
    return out


def ours(path):
    """The same by our reader."""
    reader = ckpt.Reader(path)
    return {t.key: (t.dtype, t.shape, reader.read(t)) for t in reader.tensors()}


def short(entry):
    return entry if entry is None else (*entry[:2], str(entry[2])[:80])


def same(found, wanted):
    """Fails with the list of keys whose dtype, shape or value differ."""
    wrong = [f"{k[:100]!r}: expected {short(wanted.get(k))}, found {short(found.get(k))}"
             for k in sorted(found.keys() | wanted.keys()) if found.get(k) != wanted.get(k)]
    assert not wrong, "\n".join(wrong[:20])


def agree(path, written=None, prefix=None, beyond=()):
    """Claims that our reader sees in `path` what TensorFlow sees in `prefix`, that both see what was written, and that nothing is amiss.

    `written` may leave out what TensorFlow adds by itself; it must have the tensors of those dtypes that are `beyond` it.
    """
    prefix = prefix or path
    theirs = read(prefix)
    assert {v[0] for v in theirs.values() if v[2] is None} <= set(beyond), "dtypes that TensorFlow did not put together"
    wrote = expected(written or {})
    whole = {k: wrote[k] if v[2] is None else v for k, v in theirs.items()}
    same({k: whole.get(k) for k in wrote}, wrote)
    found = ours(path)
    assert list(found) == sorted(found)
    same(found, whole)
    many_at_once(path, found)
    assert not ckpt.verify(path)
    debug_string(path, prefix)
    return found


def many_at_once(path, found):
    reader = ckpt.Reader(path)
    tensors = [t for t in reader.tensors() if t.element_size]
    assert reader.read_many(tensors, 3) == [found[t.key][2] for t in tensors]


def debug_string(path, prefix):
    """TensorFlow lists a V1 file in no order; of a sliced V2 tensor it shows the keys of its slices, where we do not follow."""
    reader, theirs = ckpt.Reader(path), tf.train.load_checkpoint(prefix).debug_string()
    if not os.path.exists(prefix + ".index"):
        assert sorted(reader.debug_string().split(b"\n")) == sorted(theirs.split(b"\n"))
    elif not any(t.slices() for t in reader.tensors()):
        assert reader.debug_string() == theirs

"""Writes checkpoints that TensorFlow reads but never writes: big-endian, snappy, many small blocks, other protobuf encodings.

usage: make_foreign.py OUT_DIR [SEED]
"""
import dataclasses
import struct
import sys

import cramjam
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_slice_pb2
from tensorflow.core.protobuf import tensor_bundle_pb2
from tensorflow.core.util import saved_tensor_slice_pb2

MAGIC = bytes.fromhex("57fb808b247547db")

# --------------------------------------------------------------------------------------- primitives


def _crc_table():
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        yield n


CRC_TABLE = tuple(_crc_table())


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def mask(crc):
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def num_increasing(n):
    size = (n.bit_length() + 7) // 8
    return bytes([size]) + n.to_bytes(size, "big")


def signed_increasing(n):
    """OrderedCode's signed number: as many leading ones as bytes, xored into the two's complement."""
    size = (max(n, ~n).bit_length() + 1 + 6) // 7
    header = (0xFFFF << 16 - size & 0xFFFF) << 8 * size >> 16 if size > 1 else 0x80
    return (n % (1 << 8 * size) ^ header).to_bytes(size, "big")


def slice_key(name, box):
    """EncodeTensorNameSlice; a whole dimension is (0, -1)."""
    escaped = b"".join({0: b"\0\xff", 255: b"\xff\0"}.get(c, bytes([c])) for c in name)
    numbers = b"".join(signed_increasing(n) for extent in box for n in extent)
    return b"\0" + escaped + b"\0\1" + num_increasing(len(box)) + numbers


# -------------------------------------------------------------------------------------------- table


@dataclasses.dataclass
class Layout:
    """How a table is cut into blocks, and which of them snappy packs: "data", "index"."""
    block_size: int = 262144
    restart: int = 16
    snappy: tuple = ()


def table(path, records, layout):
    """Writes sorted (key, value) records; counts the data blocks."""
    blocks, group, size = [], [], 0
    for key, value in records:
        group.append((key, value))
        size += len(key) + len(value) + 3
        if size >= layout.block_size:
            blocks.append(group)
            group, size = [], 0
    blocks += [group] if group else []
    with open(path, "wb") as f:
        handles = [(g[-1][0], _put(f, _block(g, layout.restart), "data" in layout.snappy)) for g in blocks]
        metaindex = _put(f, _block([], 1), False)
        index = _put(f, _block(handles, 1), "index" in layout.snappy)
        f.write((metaindex + index).ljust(40, b"\0") + MAGIC)
    return len(blocks)


def _block(entries, restart):
    out, restarts, last = bytearray(), [], b""
    for i, (key, value) in enumerate(entries):
        shared = 0
        if i % restart == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    restarts = restarts or [0]
    return bytes(out) + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def _put(f, block, snappy):
    """Writes a block and its trailer; its handle."""
    at = f.tell()
    kind = b"\1" if snappy else b"\0"
    block = bytes(cramjam.snappy.compress_raw(block)) if snappy else block
    f.write(block + kind + struct.pack("<I", mask(crc32c(block + kind))))
    return varint(at) + varint(len(block))


# ------------------------------------------------------------------------------------------- bundle


@dataclasses.dataclass
class Parts:
    """A partitioned tensor: its full shape, and (box, array) pairs."""
    shape: tuple
    parts: list

    @property
    def dtype(self):
        return np.asarray(self.parts[0][1]).dtype


@dataclasses.dataclass
class Bundle:
    """What a bundle's writer may choose."""
    big_endian: bool = False
    producer: int | None = 1    # None: a bundle of before 2016, without version
    shards: int = 1
    align: int = 1
    gap: bytes = b""            # before every payload
    unknown: bytes = b""        # after every entry: fields that no reader knows
    named_dims: bool = False
    explicit_full: bool = False  # writes a whole dimension's length of -1
    layout: Layout = dataclasses.field(default_factory=Layout)


def bundle(prefix, tensors, how):
    """Writes {name: array or Parts}; counts the data blocks of its index."""
    files = [open(f"{prefix}.data-{i:05d}-of-{how.shards:05d}", "wb") for i in range(how.shards)]
    entries = {}

    def store(key, array):
        shard = len(entries) % how.shards
        entry = _entry(array, array.shape, how)
        payload, entry.crc32c = _payload(array, how.big_endian)
        entry.shard_id, entry.offset, entry.size = shard, files[shard].tell() + len(how.gap), len(payload)
        files[shard].write(how.gap + payload)
        files[shard].write(b"\0" * (-files[shard].tell() % how.align))
        entries[key] = entry

    for name, value in tensors.items():
        if isinstance(value, Parts):
            entries[name] = _entry(value, value.shape, how)
            for box, array in value.parts:
                entries[name].slices.append(_slice(box, how.explicit_full))
                store(slice_key(name, box), array)
        else:
            store(name, np.asarray(value))
    for f in files:
        f.close()
    header = tensor_bundle_pb2.BundleHeaderProto(num_shards=how.shards, endianness=int(how.big_endian))
    if how.producer is not None:
        header.version.producer = how.producer
    records = [(b"", header.SerializeToString())]
    records += [(k, e.SerializeToString() + how.unknown) for k, e in sorted(entries.items())]
    return table(prefix + ".index", records, how.layout)


def _entry(value, shape, how):
    entry = tensor_bundle_pb2.BundleEntryProto(dtype=_dtype(value))
    entry.shape.SetInParent()
    for i, d in enumerate(shape):
        entry.shape.dim.add(size=d, name=f"axis{i}" if how.named_dims else "")
    return entry


def _dtype(value):
    return tf.string.as_datatype_enum if value.dtype == object else tf.as_dtype(value.dtype).as_datatype_enum


def _slice(box, explicit_full=False):
    out = tensor_slice_pb2.TensorSliceProto()
    for start, length in box:
        extent = out.extent.add(start=start)
        if length != -1 or explicit_full:
            extent.length = length
    return out


def _payload(array, big_endian):
    """The stored bytes of a tensor, and their masked checksum."""
    if array.dtype == object:
        return _strings([bytes(e) for e in array.reshape(-1)], ">I" if big_endian else "<I")
    data = array.tobytes()
    if big_endian:
        width = array.dtype.itemsize // (2 if array.dtype.kind == "c" else 1)
        data = np.frombuffer(data, np.uint8).reshape(-1, width)[:, ::-1].tobytes()
    return data, mask(crc32c(data))


def _strings(elements, number):
    lengths = crc32c(b"".join(struct.pack(number, len(e)) for e in elements))
    checksum, body = struct.pack(number, mask(lengths)), b"".join(elements)
    return b"".join(varint(len(e)) for e in elements) + checksum + body, mask(crc32c(checksum + body, lengths))


# ----------------------------------------------------------------------------------------------- V1


@dataclasses.dataclass
class V1:
    """How the values of a V1 file are written: "packed", "unpacked", or "pieces", several packed runs of one field."""
    values: str = "packed"
    producer: int | None = 1
    layout: Layout = dataclasses.field(default_factory=Layout)


FIXED = {"float32": (5, "<f4"), "float64": (6, "<f8"), "complex64": (9, "<f4"), "complex128": (12, "<f8")}
VARINT = {**dict.fromkeys(["int32", "uint8", "int16", "int8", "uint16", "qint8", "quint8", "qint32"], 7), "int64": 10, "bool": 11,
          "float16": 13, "uint32": 16, "uint64": 17}
PLAIN = {"qint8": np.int8, "quint8": np.uint8, "qint32": np.int32, "float16": np.uint16}


def v1(path, tensors, how):
    """Writes {name: array or Parts} in one file; counts its data blocks."""
    meta = saved_tensor_slice_pb2.SavedTensorSlices()
    meta.meta.SetInParent()
    if how.producer is not None:
        meta.meta.versions.producer = how.producer
    records = []
    for name, value in sorted(tensors.items()):
        whole = not isinstance(value, Parts)
        value = np.asarray(value) if whole else value
        tensor = meta.meta.tensor.add(name=name, type=_dtype(value))
        tensor.shape.SetInParent()
        for d in value.shape:
            tensor.shape.dim.add(size=d)
        for box, array in [([(0, -1)] * len(value.shape), value)] if whole else value.parts:
            tensor.slice.append(_slice(box))
            records.append((slice_key(name, box), _saved_slice(name, box, array, how.values)))
    return table(path, [(b"", meta.SerializeToString())] + sorted(records), how.layout)


def _saved_slice(name, box, array, style):
    data = _values(array, style)
    inner = _field(1, name) + _field(2, _slice(box).SerializeToString()) + _field(3, data)
    return _field(2, inner)


def _field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def _values(array, style):
    """A TensorProto that has nothing but its values."""
    if array.dtype == object:
        return b"".join(_field(8, bytes(e)) for e in array.reshape(-1))
    dtype = tf.as_dtype(array.dtype).name
    if dtype in FIXED:
        number, part = FIXED[dtype]
        data = array.tobytes()
        width = np.dtype(part).itemsize
        items, wire = [data[i:i + width] for i in range(0, len(data), width)], 5 if width == 4 else 1
    else:
        number, wire = VARINT[dtype], 0
        plain = np.ascontiguousarray(array).view(PLAIN.get(dtype, array.dtype))
        items = [varint(int(n) % (1 << 64)) for n in plain.reshape(-1)]
    if style == "unpacked":
        return b"".join(varint(number << 3 | wire) + i for i in items)
    step = max(1, len(items) if style == "packed" else 3)
    return b"".join(_field(number, b"".join(items[i:i + step])) for i in range(0, len(items), step))


if __name__ == "__main__":
    import draw
    out, rng = sys.argv[1], np.random.default_rng(int(sys.argv[2]) if len(sys.argv) > 2 else 7)
    drawn = {f"{d}/{i}".encode(): draw.value(rng, d, draw.shape(rng, size=30)) for d in ["float32", "complex64", "string", "int16"] for i in range(9)}
    bundle(f"{out}/big", drawn, Bundle(big_endian=True))
    bundle(f"{out}/snappy", drawn, Bundle(layout=Layout(200, 4, ("data", "index"))))
    v1(f"{out}/v1", drawn, V1("unpacked", layout=Layout(200, 4, ("data", "index"))))

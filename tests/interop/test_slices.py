"""Partitioned tensors, and slices of any tensor, against RestoreV2 where TensorFlow can and against NumPy for every dtype."""
import numpy as np
import pytest
import tensorflow as tf

import ckpt
import draw
import witness
from test_values import merge, save

REQUESTS = 12


def constant(array):
    return tf.constant(array, tf.string if array.dtype == object else array.dtype)


def save_parts(prefix, wholes, boxes):
    """Writes {key: array} in boxes {key: [box]}."""
    names = [k for k in wholes for _ in boxes[k]]
    specs = [draw.spec(wholes[k].shape, box) for k in wholes for box in boxes[k]]
    tensors = [constant(draw.cut(wholes[k], box)) for k in wholes for box in boxes[k]]
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=names, shape_and_slices=specs, tensors=tensors)


def check_slices(rng, path, wholes, theirs_too):
    """Random slices of each tensor equal NumPy's, and TensorFlow's of the keys in `theirs_too`."""
    reader = ckpt.Reader(path)
    for key, whole in wholes.items():
        tensor = reader.find(key.encode())
        boxes = [draw.box(rng, whole.shape) for _ in range(REQUESTS)] + [[(0, -1)] * whole.ndim]
        if key in theirs_too and whole.ndim:
            dtype = tf.as_dtype(tensor.dtype)
            values = witness.restore(path, [key] * len(boxes), [dtype] * len(boxes), [draw.spec(whole.shape, b) for b in boxes])
            for box, value in zip(boxes, values):
                assert witness.flat(value.numpy()) == witness.flat(draw.cut(whole, box)), (key, box)
        for box in boxes:
            assert reader.read_slice(tensor, box) == witness.flat(draw.cut(whole, box)), (key, box)


@pytest.mark.parametrize("dtype", draw.DTYPES)
def test_partitioned(rng, prefix, dtype):
    """Up to rank 8, where TensorFlow ends."""
    wholes = {f"{rank}/{i}": draw.value(rng, dtype, draw.shape(rng, rank, 300)) for rank in range(1, 9) for i in range(2)}
    boxes = {k: draw.partition(rng, v.shape, int(rng.integers(0, 9))) for k, v in wholes.items()}
    save_parts(prefix, wholes, boxes)
    witness.agree(prefix, wholes, beyond=draw.NOT_ASSEMBLED)
    for tensor in ckpt.Reader(prefix).tensors():
        stored = [[(s, d if n == -1 else n) for (s, n), d in zip(box, tensor.shape)] for box in tensor.slices()]
        assert stored in ([], boxes[tensor.key.decode()]), tensor.key
    check_slices(rng, prefix, wholes, wholes if dtype in draw.ASSEMBLED else ())


@pytest.mark.parametrize("dtype", ["float32", "uint16", "string"])
def test_partitioned_of_a_rank_that_tensorflow_cannot_assemble(rng, prefix, dtype):
    wholes = {"t": draw.value(rng, dtype, (2, 1, 2, 3, 1, 2, 2, 1, 2, 2))}
    boxes = {"t": draw.partition(rng, wholes["t"].shape, 6)}
    save_parts(prefix, wholes, boxes)
    witness.same(witness.ours(prefix), witness.expected(wholes))
    check_slices(rng, prefix, wholes, ())
    assert not ckpt.verify(prefix)


@pytest.mark.parametrize("dtype", draw.DTYPES)
def test_slices_of_what_is_stored_whole(rng, prefix, dtype):
    wholes = {f"{rank}": draw.value(rng, dtype, draw.shape(rng, rank)) for rank in range(8)}
    save(prefix, wholes)
    check_slices(rng, prefix, wholes, wholes if dtype in draw.ASSEMBLED else ())


def test_partitioned_over_parts(rng, prefix):
    """Each worker holds some slices of the same tensors."""
    wholes = {d: draw.value(rng, d, draw.shape(rng, int(rng.integers(1, 5)), 600)) for d in draw.DTYPES}
    boxes = {k: draw.partition(rng, v.shape, 8) for k, v in wholes.items()}
    pieces = []
    for i in range(3):
        pieces.append(f"{prefix}_temp/part-{i:05d}-of-00003")
        mine = {k: boxes[k][i::3] for k in wholes}
        save(pieces[-1], {f"own{i}": np.int32(i)})
        save_parts(pieces[-1], wholes | {f"own{i}": np.array([i, i])}, mine | {f"own{i}": [[(0, 2)]]})
    merge(prefix, pieces)
    found = witness.agree(prefix, wholes, beyond=draw.NOT_ASSEMBLED)
    assert len(found) == len(wholes) + 3
    check_slices(rng, prefix, wholes, [k for k in wholes if k in draw.ASSEMBLED])


def test_our_merge_writes_the_files_of_theirs(rng, tmp_path):
    """Byte for byte: sections that share tensors from the first, the second or the last section on."""
    wholes = {f"t{i}": draw.value(rng, "float32", (6, 4)) for i in range(4)}
    boxes = {k: [[(2 * i, 2), (0, 4)] for i in range(3)] for k in wholes}
    owners = {"t0": [0, 1, 2], "t1": [1, 2, 2], "t2": [2, 2, 2], "t3": [2, 0, 1]}
    found = []
    for merged_by in ("theirs", "ours"):
        sections = []
        for section in range(3):
            mine = {k: [box for box, owner in zip(boxes[k], owners[k]) if owner == section] for k in wholes}
            sections.append(str(tmp_path / merged_by / f"section-{section}"))
            save_parts(sections[-1], {k: wholes[k] for k in wholes if mine[k]} | {f"own{section}": np.float32([1, 2])},
                       mine | {f"own{section}": [[(0, 2)]]})
        merged = tmp_path / merged_by / "merged"
        if merged_by == "theirs":
            merge(str(merged), sections)
        else:
            ckpt.merge(str(merged), sections)
        found.append({path.name: path.read_bytes() for path in merged.parent.iterdir() if path.name.startswith("merged")})
    assert len(found[0]) == 4 and found[0] == found[1]
    assert not ckpt.verify(str(merged))


def test_a_gap(rng, prefix):
    """What is there can be read; what touches the gap cannot, and both sides say so with the same code."""
    whole = draw.value(rng, "float32", (6, 4))
    save_parts(prefix, {"t": whole}, {"t": [[(0, 2), (0, 4)], [(4, 2), (0, 4)]]})
    reader = ckpt.Reader(prefix)
    tensor = reader.find(b"t")
    for start in range(5):
        box = [(start, 2), (0, -1)]
        if start in (0, 4):
            value, = witness.restore(prefix, ["t"], [tf.float32], [draw.spec((6, 4), box)])
            assert reader.read_slice(tensor, box) == witness.flat(value.numpy()) == witness.flat(draw.cut(whole, box))
        else:
            with pytest.raises(tf.errors.InvalidArgumentError):
                witness.restore(prefix, ["t"], [tf.float32], [draw.spec((6, 4), box)])
            with pytest.raises(ckpt.CheckpointError, match="^INVALID_ARGUMENT"):
                reader.read_slice(tensor, box)
    with pytest.raises(ckpt.CheckpointError, match="^INVALID_ARGUMENT"):
        reader.read(tensor)


@pytest.mark.parametrize("box", [
    [(0, 5), (0, 4)], [(6, 1), (0, 4)], [(-1, 2), (0, 4)], [(0, -2), (0, 4)], [(1 << 62, 1 << 62), (0, 4)], [(0, 1)], [(0, 1)] * 3,
])
def test_a_slice_outside(prefix, box):
    save(prefix, {"t": np.zeros((4, 4), np.float32)})
    reader = ckpt.Reader(prefix)
    with pytest.raises(ckpt.CheckpointError, match="^(INVALID_ARGUMENT|OUT_OF_RANGE)"):
        reader.read_slice(reader.find(b"t"), box)

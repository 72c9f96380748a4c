"""One flipped bit, or a missing end, anywhere in files that TensorFlow wrote."""
import os
import re

import pytest

import ckpt
import draw
import test_v1
import witness
from test_slices import save_parts
from test_values import save


def flip(path, bit):
    with open(path, "r+b") as f:
        f.seek(bit // 8)
        byte = f.read(1)[0]
        f.seek(bit // 8)
        f.write(bytes([byte ^ 1 << bit % 8]))


def lost(function, *arguments):
    with pytest.raises(ckpt.CheckpointError) as caught:
        function(*arguments)
    assert caught.value.code == "DATA_LOSS", caught.value
    return caught.value


@pytest.fixture
def files(rng, prefix):
    """A V2 checkpoint of all dtypes, some of it partitioned."""
    save(prefix + "-whole", {f"{d}/{i}": draw.value(rng, d, draw.shape(rng, i)) for d in draw.DTYPES for i in range(3)})
    wholes = {d: draw.value(rng, d, (5, 5)) for d in ["float16", "int64", "string"]}
    save_parts(prefix + "-parts", wholes, {k: [[(0, 2), (0, 5)], [(2, 3), (0, 5)]] for k in wholes})
    return prefix


def test_a_flipped_bit_in_data(rng, files):
    """Only the tensor that holds it is lost, by reading and to verify."""
    path = files + "-whole"
    data = path + ".data-00000-of-00001"
    whole = witness.ours(path)
    for bit in rng.integers(0, 8 * os.path.getsize(data), 150):
        flip(data, int(bit))
        reader = ckpt.Reader(path)
        hit = [t for t in reader.tensors() if t.bytes and t.offset <= bit // 8 < t.offset + t.bytes]
        assert len(hit) == 1
        error = lost(reader.read, hit[0])
        assert error.tensor == hit[0].key and error.file == os.fsencode(data)
        for tensor in reader.tensors():
            if tensor.key != hit[0].key:
                assert reader.read(tensor) == whole[tensor.key][2]
        assert [(p.code, p.tensor) for p in ckpt.verify(path)] == [("DATA_LOSS", hit[0].key)]
        flip(data, int(bit))
    witness.agree(path)


def test_a_flipped_bit_in_a_slice(rng, files):
    path = files + "-parts"
    data = path + ".data-00000-of-00001"
    for bit in rng.integers(0, 8 * os.path.getsize(data), 60):
        flip(data, int(bit))
        reader = ckpt.Reader(path)
        broken = [p.tensor for p in ckpt.verify(path)]
        assert len(broken) == 1
        lost(reader.read, reader.find(broken[0]))
        for tensor in reader.tensors():
            if tensor.key != broken[0]:
                reader.read(tensor)
        flip(data, int(bit))
    assert not ckpt.verify(path)


def unchanged_or_lost(path, before):
    """No damage gives another value: it is an error, or in the one block of a table that holds nothing; verify finds that too."""
    try:
        witness.same(witness.ours(path), before)
    except ckpt.CheckpointError as e:
        assert e.code == "DATA_LOSS", e
    assert [p.code for p in verdict(path)].count("DATA_LOSS") > 0


@pytest.mark.parametrize("name", ["-whole", "-parts"])
def test_a_flipped_bit_in_an_index(rng, files, name):
    index, before = files + name + ".index", witness.ours(files + name)
    for bit in rng.integers(0, 8 * os.path.getsize(index), 200):
        flip(index, int(bit))
        unchanged_or_lost(files + name, before)
        flip(index, int(bit))
    assert not ckpt.verify(files + name)


def test_a_flipped_bit_in_a_v1_file(rng, prefix):
    written = {d: draw.value(rng, d, draw.shape(rng)) for d in draw.V1} | {"table": draw.value(rng, "float16", (6, 6))}
    test_v1.save(prefix, written, {"table": draw.partition(rng, (6, 6), 4)})
    for bit in rng.integers(0, 8 * os.path.getsize(prefix), 200):
        flip(prefix, int(bit))
        unchanged_or_lost(prefix, witness.expected(written))
        flip(prefix, int(bit))
    witness.agree(prefix, written)


def verdict(path):
    """What verify finds; where it cannot even begin, that it says so is a finding too."""
    try:
        return ckpt.verify(path)
    except ckpt.CheckpointError as e:
        return [e]


@pytest.mark.parametrize("suffix", [".index", ".data-00000-of-00001"])
def test_a_missing_end(rng, files, suffix):
    file = files + "-whole" + suffix
    content = open(file, "rb").read()
    for size in {0, len(content) - 1, *rng.integers(0, len(content), 40).tolist()}:
        with open(file, "wb") as f:
            f.write(content[:size])
        with pytest.raises(ckpt.CheckpointError, match="^(DATA_LOSS|OUT_OF_RANGE)"):
            witness.ours(files + "-whole")
        assert verdict(files + "-whole")
    with open(file, "wb") as f:
        f.write(content)
    witness.agree(files + "-whole")


def test_a_missing_data_file(files):
    os.remove(files + "-whole.data-00000-of-00001")
    with pytest.raises(ckpt.CheckpointError, match="^NOT_FOUND: .*" + re.escape("-whole.data-00000-of-00001")):
        witness.ours(files + "-whole")
    assert verdict(files + "-whole")

"""Objects, containers and state restored and saved by either side: what TensorFlow saves the library restores in full, and the other way round."""
import collections

import numpy as np
import pytest
import tensorflow as tf

import draw
import program
import witness
from mirror import both_ways, same_files
from program import Checkpoint, Program


def anything(rng, rank=None):
    """A variable of any dtype that TensorFlow's variables may have."""
    dtype = ["float32", "float64", "int32", "int64", "uint8", "bool", "float16", "bfloat16", "complex64", "string"][int(rng.integers(10))]
    return tf.Variable(draw.finite(rng, dtype, draw.shape(rng, rank)))


NAMES = ["a", "b.c", "d/e", "", ".", "..", "/", "\u00e9", "x" * 300, "VARIABLE_VALUE", ".S", "0", "a b"]


def random_program(seed):
    """A program with shared objects, cycles, containers, and names that need escaping."""
    rng = np.random.default_rng(seed)
    objects = [tf.train.Checkpoint()]
    for i in range(1, 15):
        made = tf.Module()
        if rng.random() < 0.7:
            made._track_trackable(anything(rng), "v")
        if rng.random() < 0.3:
            made.listed = [anything(rng), 7, {"k": anything(rng), "/": anything(rng)}]
        if rng.random() < 0.3:
            made.mapped = {n: anything(rng) for n in ("z", "a.b")}
        if rng.random() < 0.2:
            made.pair = (anything(rng), "text", [anything(rng)])
        objects[int(rng.integers(i))]._track_trackable(made, f"{NAMES[int(rng.integers(len(NAMES)))]}{i}")
        objects.append(made)
    for i in range(8):
        parent, child = (objects[int(rng.integers(1, len(objects)))] for _ in range(2))
        parent._track_trackable(child, f"again{i}")
    return objects[0]


@pytest.mark.parametrize("case", range(6))
def test_random_programs(rng, tmp_path, case):
    seed = int(rng.integers(2**32))
    both_ways(lambda: random_program(seed), rng, tmp_path)


Point = collections.namedtuple("Point", "x y")


def containers(seed):
    rng = np.random.default_rng(seed)
    v = lambda: anything(rng)
    shared = v()
    return tf.train.Checkpoint(listed=[v(), 3, [v()], {"a": v()}, None, shared], mapped={"b/c": v(), "a": {"deep": [shared]}, "n": 1},
                               pair=(v(), 5, v()), named=Point(v(), [v()]), empty=[], nothing={})


def test_containers(rng, tmp_path):
    seed = int(rng.integers(2**32))
    mirror = both_ways(lambda: containers(seed), rng, tmp_path)
    kinds = {mirror.kind(i) for i in range(len(mirror.objects))}
    assert {"list", "tuple", "object"} <= kinds


def test_lists_that_grow(rng, prefix):
    """Elements are restored when they are appended, on either side."""
    values = [draw.finite(rng, "float32", (2,)) for _ in range(4)]
    theirs = tf.train.Checkpoint(l=[tf.Variable(v) for v in values])
    path = theirs.write(prefix)
    ours = Program()
    listed = ours.list()
    checkpoint = Checkpoint(ours, ours.object(l=listed))
    status = checkpoint.read(path)
    assert "Unresolved object" in status.fails("assert_consumed")
    for i, value in enumerate(values):
        node = ours.unset()
        ours.append(listed, node)
        assert witness.flat(ours.value(node)) == witness.flat(value)
    status.assert_consumed()

    ours.append(listed, ours.variable(np.float32([7, 8])))
    path = checkpoint.write(prefix + "-ours")
    grown = tf.train.Checkpoint(l=[])
    status = grown.read(path)
    for value in [*values, [7, 8]]:
        grown.l.append(tf.Variable([0., 0.]))
        assert witness.flat(grown.l[-1].numpy()) == witness.flat(np.float32(value))
    status.assert_consumed()


def test_lists_tuples_and_dicts_load_into_each_other(rng, prefix):
    values = [draw.finite(rng, "int64", (3,)) for _ in range(2)]
    ours = Program()
    shapes = {"list": lambda items: ours.list(items), "tuple": lambda items: ours.tuple(items),
              "dict": lambda items: ours.dict({str(i): v for i, v in enumerate(items)})}
    theirs = {"list": list, "tuple": tuple, "dict": lambda items: {str(i): v for i, v in enumerate(items)}}
    for saved in theirs:
        path = tf.train.Checkpoint(c=theirs[saved]([tf.Variable(v) for v in values])).write(f"{prefix}-{saved}")
        for loaded in shapes:
            nodes = [ours.unset(), ours.unset()]
            Checkpoint(ours, ours.object(c=shapes[loaded](nodes))).read(path).assert_consumed()
            assert [witness.flat(ours.value(n)) for n in nodes] == [witness.flat(v) for v in values]
            own = Checkpoint(ours, ours.object(c=shapes[loaded](nodes))).write(f"{prefix}-{saved}-{loaded}")
            variables = [tf.Variable(np.zeros(3, np.int64)) for _ in values]
            tf.train.Checkpoint(c=theirs[saved](variables)).read(own).assert_consumed()
            assert [witness.flat(v.numpy()) for v in variables] == [witness.flat(v) for v in values]


def test_shared_elements_are_restored_where_they_are_found_first(prefix):
    """The guide's "Lists and dictionaries": a dict binds what a list has, too; what is appended later for it is left alone."""
    theirs = tf.train.Checkpoint()
    theirs.listed = [tf.Variable(1.)]
    theirs.listed.append(tf.Variable(2.))
    theirs.mapped = {"one": theirs.listed[0]}
    theirs.mapped["two"] = theirs.listed[1]
    path = theirs.save(prefix)

    ours = Program()
    v2 = ours.variable(np.float32(0))
    checkpoint = Checkpoint(ours, ours.object(mapped=ours.dict({"two": v2})))
    status = checkpoint.restore(path)
    assert ours.value(v2) == 2
    listed = ours.list()
    ours.track(checkpoint.root, "listed", listed)
    v1, another = ours.variable(np.float32(0)), ours.variable(np.float32(0))
    ours.append(listed, v1)
    ours.append(listed, another)
    assert (ours.value(v1), ours.value(another)) == (1, 0)
    assert "not bound to values of the checkpoint" in status.fails("assert_consumed")

    # As in TensorFlow.
    v2 = tf.Variable(0.)
    restore = tf.train.Checkpoint(mapped={"two": v2})
    restore.restore(path)
    restore.listed = []
    v1, another = tf.Variable(0.), tf.Variable(0.)
    restore.listed.append(v1)
    restore.listed.append(another)
    assert (v1.numpy(), v2.numpy(), another.numpy()) == (1, 2, 0)


# ---------------------------------------------------------------------------------------- root mode


def rooted(seed):
    """tf.train.Checkpoint(root, **attached)"""
    rng = np.random.default_rng(seed)
    root = tf.Module()
    root.v, root.sub, shared = anything(rng), tf.Module(), tf.Module()
    root.sub.w, shared.x = anything(rng), anything(rng)
    return tf.train.Checkpoint(root, zz=anything(rng), aa=shared, sub=root.sub)


def test_root_mode(rng, tmp_path):
    seed = int(rng.integers(2**32))
    mirror = both_ways(lambda: rooted(seed), rng, tmp_path)
    assert [c.local_name for c in mirror.proto.nodes[0].children][-1] == "save_counter"


def test_root_mode_and_keyword_mode_load_into_each_other(rng, prefix):
    value = draw.finite(rng, "float32", (4,))
    module = tf.Module()
    module.v = tf.Variable(value)
    for theirs in tf.train.Checkpoint(module, step=tf.Variable(5)), tf.train.Checkpoint(v=tf.Variable(value), step=tf.Variable(5)):
        path = theirs.save(prefix)
        for attached in (False, True):
            ours = Program()
            v, step = ours.unset(), ours.unset()
            root = ours.object(v=v) if attached else ours.object(step=step, v=v)
            checkpoint = Checkpoint(ours, root, {"step": step} if attached else None)
            checkpoint.restore(path).assert_consumed()
            assert (witness.flat(ours.value(v)), ours.value(step), checkpoint.save_count()) == (witness.flat(value), 5, 1)
            back = checkpoint.save(f"{prefix}-ours")
            assert back.endswith("-2")
            for fresh in tf.train.Checkpoint(module, step=tf.Variable(0)), tf.train.Checkpoint(v=tf.Variable(value * 0), step=tf.Variable(0)):
                module.v.assign(value * 0)
                fresh.restore(back).assert_consumed()
                assert int(fresh.save_counter) == 2 and int(fresh.step) == 5


# -------------------------------------------------------------------------------------------- state


def entries(made):
    keys, values = made.export()
    return dict(zip(np.ravel(keys).tolist(), np.ravel(values).tolist()))


def test_hash_tables(rng, prefix):
    words = [bytes(rng.bytes(int(rng.integers(0, 20)))) for _ in range(20)]
    words = list(dict.fromkeys(words))
    counts = rng.integers(-100, 100, len(words))
    theirs = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    theirs.insert(words, counts)
    path = tf.train.Checkpoint(t=theirs).write(prefix)

    ours = Program()
    node = ours.state({}, legacy="table")
    checkpoint = Checkpoint(ours, ours.object(t=node))
    checkpoint.read(path).assert_consumed()
    state = ours.states[node].tensors
    assert sorted(state) == ["-keys", "-values"]
    assert dict(zip(state["-keys"].tolist(), state["-values"].tolist())) == dict(zip(words, counts.tolist()))
    same_files(checkpoint.write(prefix + "-copy"), path)

    # A word is forgotten, and another one learnt.
    state["-keys"][0], state["-values"] = b"\0new", state["-values"] + 1
    path = checkpoint.write(prefix + "-ours")
    again = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    again.insert(["gone"], [1])
    tf.train.Checkpoint(t=again).read(path).assert_consumed()
    assert entries(again) == dict(zip(state["-keys"].tolist(), state["-values"].tolist()))


def test_dense_and_static_tables(rng, prefix):
    dense = tf.lookup.experimental.DenseHashTable(tf.int64, tf.float32, -1., -1, -2, initial_num_buckets=8)
    dense.insert([3, 5], [0.5, float(rng.integers(100))])
    static = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer([1, 2], [3., 4.]), 0.)
    path = tf.train.Checkpoint(dense=dense, static=static, v=tf.Variable(1.)).write(prefix)
    ours = Program()
    node, v = ours.state({}, legacy="table"), ours.unset()
    checkpoint = Checkpoint(ours, ours.object(dense=node, v=v))
    status = checkpoint.read(path).assert_existing_objects_matched()
    # A static table is made by its program and has no values: its node, and that of its
    # initializer, wait for nothing.
    status.assert_consumed()
    again = tf.lookup.experimental.DenseHashTable(tf.int64, tf.float32, -1., -1, -2, initial_num_buckets=8)
    path = checkpoint.write(prefix + "-ours")
    tf.train.Checkpoint(dense=again, v=tf.Variable(0.)).read(path).assert_consumed()
    assert entries(again)[5] == entries(dense)[5]


def test_iterators(rng, prefix):
    """What a program cannot understand it keeps: TensorFlow's iterator goes on where it stopped."""
    stopped = int(rng.integers(1, 9))
    data = lambda: iter(tf.data.Dataset.range(20).map(lambda x: x * x).batch(2))
    iterator = data()
    for _ in range(stopped):
        next(iterator)
    path = tf.train.Checkpoint(it=iterator, g=tf.random.Generator.from_seed(int(rng.integers(1000)))).write(prefix)
    ours = Program()
    generator = ours.object(_state_var=ours.unset())
    checkpoint = Checkpoint(ours, ours.object(g=generator, it=ours.state({}, legacy="ITERATOR")))
    checkpoint.read(path).assert_consumed()
    back = checkpoint.write(prefix + "-ours")
    again, g = data(), tf.random.Generator.from_seed(0)
    tf.train.Checkpoint(it=again, g=g).read(back).assert_consumed()
    assert next(again).numpy().tolist() == [(2 * stopped)**2, (2 * stopped + 1)**2]
    assert next(iterator).numpy()[0] == (2 * stopped)**2


class Text(tf.train.experimental.PythonState):
    def __init__(self, value):
        self.value = value

    def serialize(self):
        return self.value

    def deserialize(self, value):
        self.value = value


def test_texts(rng, prefix):
    value = rng.bytes(100)
    path = tf.train.Checkpoint(t=Text(value), v=tf.Variable(1.)).write(prefix)
    ours = Program()
    text = ours.text(b"")
    checkpoint = Checkpoint(ours, ours.object(t=text, v=ours.variable(np.float32(0), "Variable")))
    checkpoint.read(path).assert_consumed()
    same_files(checkpoint.write(prefix + "-copy"), path)
    other = rng.bytes(50)
    ours.assign(text, program.objects([other], ()))
    theirs = Text(b"")
    tf.train.Checkpoint(t=theirs, v=tf.Variable(0.)).read(checkpoint.write(prefix + "-ours")).assert_consumed()
    assert theirs.value == other


class Two(tf.__internal__.tracking.Trackable):
    """An object with several tensors of its own."""

    def __init__(self, values):
        self.kept = values

    def _serialize_to_tensors(self):
        return {name: tf.constant(value) for name, value in self.kept.items()}

    def _restore_from_tensors(self, restored):
        self.kept = {name: value.numpy() for name, value in restored.items()}


def test_objects_with_several_tensors(rng, prefix):
    values = {"first": draw.finite(rng, "float32", (2, 3)), "second": draw.finite(rng, "int32", ())}
    path = tf.train.Checkpoint(o=Two(values)).write(prefix)
    ours = Program()
    node = ours.state({}, names=list(values))
    checkpoint = Checkpoint(ours, ours.object(o=node))
    checkpoint.read(path).assert_consumed()
    state = ours.states[node].tensors
    assert {n: witness.flat(v) for n, v in state.items()} == {n: witness.flat(v) for n, v in values.items()}
    same_files(checkpoint.write(prefix + "-copy"), path)
    state["second"] = np.int32(77).reshape(())
    theirs = Two({name: value * 0 for name, value in values.items()})
    tf.train.Checkpoint(o=theirs).read(checkpoint.write(prefix + "-ours")).assert_consumed()
    assert int(theirs.kept["second"]) == 77

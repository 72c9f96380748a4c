"""tf.compat.v1.train.Saver and the library's: what either saves by names the other restores; and checkpoints of names in graphs of objects."""
import os

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saver_pb2

import draw
import program
import witness
from mirror import Mirror, same_files
from program import Checkpoint, CheckpointError, Program, Saver

TheirSaver = tf.compat.v1.train.Saver
DTYPES = ["float32", "float64", "int32", "int64", "uint8", "int8", "int16", "bool", "complex64", "string"]
NAMES = ["v", "net/dense/kernel", "Adam/net/dense/kernel/m", "a.b", "\u00e9", "with space", "x" * 200, "/", "net/dense", "_0"]


def drawn(rng, dtypes=DTYPES):
    return {name: draw.finite(rng, dtypes[int(rng.integers(len(dtypes)))], draw.shape(rng)) for name in NAMES}


def variables_of(values):
    return {name: tf.Variable(value) for name, value in values.items()}


def nodes_of(ours, values):
    return {name: ours.variable(value) for name, value in values.items()}


def emptied(ours, values):
    return {name: ours.unset() for name in values}


def same_values(found, values):
    for name, value in values.items():
        array = found[name].numpy() if isinstance(found[name], tf.Variable) else found[name]
        assert witness.flat(array) == witness.flat(value), name


def zeros(value):
    return program.objects([b""] * value.size, value.shape) if value.dtype == object else np.zeros_like(value)


def test_the_same_bytes(rng, tmp_path):
    """Both write the same files, byte for byte, and restore each other's."""
    values = drawn(rng)
    theirs = TheirSaver(variables_of(values)).save(None, str(tmp_path / "theirs"), write_meta_graph=False)
    ours = Program()
    saver = Saver(ours, nodes_of(ours, values))
    mine = saver.save(str(tmp_path / "ours"))
    same_files(mine, theirs)
    fresh = emptied(ours, values)
    assert all(state == "restored" for state, _ in Saver(ours, fresh).restore(theirs))
    same_values({n: ours.value(v) for n, v in fresh.items()}, values)
    again = variables_of({n: zeros(v) for n, v in values.items()})
    TheirSaver(again).restore(None, mine)
    same_values(again, values)


@pytest.mark.parametrize("sharded", [False, True])
def test_v1(rng, tmp_path, sharded):
    """The format of before 2017, of one file or several, into a saver and into a graph of objects."""
    values = drawn(rng)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        made = [tf.compat.v1.Variable(value, name=f"n{i}", use_resource=True) for i, value in enumerate(values.values())]
        session.run(tf.compat.v1.global_variables_initializer())
        path = TheirSaver(dict(zip(values, made)), write_version=saver_pb2.SaverDef.V1, sharded=sharded).save(session, str(tmp_path / "v1"))
    ours = Program()
    fresh = emptied(ours, values)
    assert all(state == "restored" for state, _ in Saver(ours, fresh).restore(path))
    same_values({n: ours.value(v) for n, v in fresh.items()}, values)

    named = {f"e{i}": ours.variable(zeros(value), name) for i, (name, value) in enumerate(values.items())}
    Checkpoint(ours, ours.object(**named)).restore(path).assert_consumed()
    same_values({n: ours.value(v) for n, v in zip(values, named.values())}, values)


def test_partitioned_variables(rng, tmp_path):
    """Slices of a variable of TensorFlow 1 make one variable here; and are taken from one."""
    shape = (int(rng.integers(4, 9)), 3)
    value = draw.finite(rng, "float32", shape)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        parts = tf.compat.v1.get_variable("p", initializer=tf.constant(value), partitioner=tf.compat.v1.fixed_size_partitioner(3), use_resource=True)
        session.run(tf.compat.v1.global_variables_initializer())
        saver = TheirSaver({"p": parts})
        path = saver.save(session, str(tmp_path / "theirs"))
        ours = Program()
        v = ours.variable(np.zeros(shape, np.float32))
        Saver(ours, {"p": v}).restore(path)
        assert witness.flat(ours.value(v)) == witness.flat(value)
        other = draw.finite(rng, "float32", shape)
        ours.assign(v, other)
        saver.restore(session, Saver(ours, {"p": v}).save(str(tmp_path / "ours")))
        assert witness.flat(session.run(tf.concat(list(parts), 0))) == witness.flat(other)


def test_objects_under_a_name(rng, tmp_path):
    """Tables, iterators and objects with several tensors have the keys that TensorFlow gives them."""
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    table.insert(["a", "bb"], [1, int(rng.integers(100))])
    iterator = iter(tf.data.Dataset.range(10).batch(2))
    next(iterator)
    path = TheirSaver({"t": table, "it": iterator, "v": tf.Variable(1.)}).save(None, str(tmp_path / "theirs"))
    ours = Program()
    t = ours.state({}, legacy="table", names=["-keys", "-values"])
    it = ours.state({}, legacy="ITERATOR", names=["_STATE"])
    v = ours.unset()
    saver = Saver(ours, {"t": t, "it": it, "v": v})
    saver.restore(path)
    mine = saver.save(str(tmp_path / "ours"))
    same_files(mine, path)
    again = iter(tf.data.Dataset.range(10).batch(2))
    copy = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    TheirSaver({"t": copy, "it": again, "v": tf.Variable(0.)}).restore(None, mine)
    assert next(again).numpy().tolist() == [2, 3]
    assert copy.lookup(tf.constant(["a", "bb", "c"])).numpy().tolist() == [1, table.lookup(tf.constant("bb")).numpy(), -1]


def test_a_checkpoint_of_names_restores_a_graph_of_objects(rng, tmp_path):
    """Of TensorFlow's Saver here, of the library's there."""
    values = {n: draw.finite(rng, "float32", draw.shape(rng)) for n in ("kernel", "bias", "Adam/kernel/m")}
    theirs = TheirSaver(variables_of(values)).save(None, str(tmp_path / "theirs"))
    ours = Program()
    nodes = {n: ours.variable(value * 0, n) for n, value in values.items()}
    owner = ours.owner()
    root = ours.object(k=nodes["kernel"], layer=ours.object(b=nodes["bias"]), opt=owner)
    ours.set_slot(owner, nodes["kernel"], "m", nodes["Adam/kernel/m"])
    status = Checkpoint(ours, root).restore(theirs)
    status.assert_consumed()
    same_values({n: ours.value(v) for n, v in nodes.items()}, values)

    mine = Saver(ours, list(nodes.values())).save(str(tmp_path / "ours"))
    same_files(mine, theirs)
    made = {n: tf.Variable(value * 0, name=n) for n, value in values.items()}
    tf.train.Checkpoint(a=list(made.values())).read(mine).assert_consumed()
    same_values(made, values)
    lacking = tf.train.Checkpoint(a=tf.Variable(1., name="not there"))
    with pytest.raises(AssertionError):
        lacking.read(mine).assert_consumed()
    stranger = Checkpoint(ours, ours.object(a=ours.variable(np.float32(1), "not there")))
    assert "not restored" in stranger.read(theirs).fails("assert_consumed")


def test_a_saver_restores_a_checkpoint_of_objects(rng, tmp_path):
    """By the full names that it has, on either side; and says which it lacks."""
    values = {n: draw.finite(rng, "float32", (3,)) for n in ("one", "two", "three")}
    objects = tf.train.Checkpoint(**{f"e{i}": tf.Variable(v, name=n) for i, (n, v) in enumerate(values.items())})
    path = objects.save(str(tmp_path / "objects"))
    mirror = Mirror(objects, path)
    mirror.checkpoint.restore(path)
    mine = mirror.checkpoint.save(str(tmp_path / "ours"))
    ours = Program()
    for source in (path, mine):
        fresh = {n: ours.variable(v * 0) for n, v in values.items()}
        states = dict((p, s) for s, p in Saver(ours, fresh).restore(source))
        assert {states[n] for n in values} == {"restored"}
        same_values({n: ours.value(v) for n, v in fresh.items()}, values)
        made = variables_of({n: v * 0 for n, v in values.items()})
        TheirSaver(made).restore(None, source)
        same_values(made, values)
        extra = {"one": ours.variable(values["one"]), "four": ours.variable(values["one"])}
        with pytest.raises(CheckpointError) as ours_says:
            Saver(ours, extra).restore(source)
        with pytest.raises(tf.errors.NotFoundError) as theirs_says:
            TheirSaver(variables_of({"one": values["one"], "four": values["one"]})).restore(None, source)
        for message in ours_says.value.message, str(theirs_says.value):
            assert "Existing variables not in the checkpoint: four" in message
            assert "(1 variable name(s) did match)" in message
        assert ours_says.value.code == "NOT_FOUND"


def test_errors_are_of_the_same_kind(rng, tmp_path):
    path = TheirSaver({"v": tf.Variable([1., 2.])}).save(None, str(tmp_path / "v"))
    ours = Program()
    cases = [({"v": np.float32(0)}, "INVALID_ARGUMENT", ValueError, "incompatible tensor"),
             ({"v": np.int32([0, 0])}, "INVALID_ARGUMENT", tf.errors.InvalidArgumentError, "original dtype"),
             ({"w": np.float32([0, 0])}, "NOT_FOUND", tf.errors.NotFoundError, "Key w not found in checkpoint")]
    for values, code, error, part in cases:
        with pytest.raises(CheckpointError) as mine:
            Saver(ours, nodes_of(ours, values)).restore(path)
        with pytest.raises(error) as theirs:
            TheirSaver(variables_of(values)).restore(None, path)
        assert mine.value.code == code and part in mine.value.message and part in str(theirs.value)


# --------------------------------------------------------------------------------- many checkpoints


def listed(folder):
    state = tf.train.get_checkpoint_state(str(folder))
    return [os.path.relpath(p, folder) for p in state.all_model_checkpoint_paths]


def test_state_files_are_the_same(tmp_path):
    """After the same saves, with relative paths, both leave the same state file and the same checkpoints."""
    ours = Program()
    for folder, options, their_options in (("keep", {"max_to_keep": 2}, {"max_to_keep": 2}), ("all", {"max_to_keep": 0}, {"max_to_keep": None}),
                                           ("padded", {"pad_step_number": True}, {"pad_step_number": True})):
        left = {}
        for side in ("theirs", "ours"):
            where = tmp_path / folder / side
            where.mkdir(parents=True)
            prefix = str(where / "model")
            if side == "theirs":
                saver = TheirSaver([tf.Variable(1., name="v")], save_relative_paths=True, **their_options)
                save = lambda step: saver.save(None, prefix, global_step=step)
            else:
                saver = Saver(ours, [ours.variable(np.float32(1), "v")], **options)
                save = lambda step: saver.save(prefix, global_step=step)
            for step in (1, 3, 2, 3):
                save(step)
            text = (where / "checkpoint").read_bytes()
            # How many data files one that was saved again has is each side's own.
            left[side] = text, sorted(n for n in os.listdir(where) if n.endswith(".index"))
        assert left["theirs"] == left["ours"], folder


def test_each_goes_on_where_the_other_stopped(tmp_path):
    prefix, ours = str(tmp_path / "model"), Program()
    variable, v = tf.Variable(0., name="v"), ours.variable(np.float32(0), "v")
    steps = iter(range(1, 100))
    for round_ in range(3):
        theirs = TheirSaver([variable], max_to_keep=3)
        mine = Saver(ours, [v], max_to_keep=3)
        if round_:
            paths = tf.train.get_checkpoint_state(str(tmp_path)).all_model_checkpoint_paths
            theirs.recover_last_checkpoints(paths)
        for _ in range(2):
            step = next(steps)
            variable.assign(step)
            last = theirs.save(None, prefix, global_step=step)
        mine.restore(str(tmp_path))  # a directory: its latest
        assert ours.value(v) == step
        paths = program.elements([os.fsencode(p) for p in tf.train.get_checkpoint_state(str(tmp_path)).all_model_checkpoint_paths])
        program.call("ckpt_saver_recover_last_checkpoints", mine.handle, paths, len(paths))
        assert os.path.realpath(mine.last_checkpoints()[-1]) == os.path.realpath(last)
        for _ in range(2):
            step = next(steps)
            ours.assign(v, np.float32(step))
            mine.save(prefix, global_step=step)
        theirs.restore(None, tf.train.latest_checkpoint(str(tmp_path)))
        assert variable.numpy() == step
        assert listed(tmp_path) == [f"model-{s}" for s in range(step - 2, step + 1)]
        assert sorted(n for n in os.listdir(tmp_path) if n.endswith(".index")) == sorted(f"model-{s}.index" for s in range(step - 2, step + 1))


def test_a_directory_can_be_moved(tmp_path):
    (tmp_path / "here").mkdir()
    ours = Program()
    v = ours.variable(np.float32(5), "v")
    Saver(ours, [v]).save(str(tmp_path / "here" / "model"), global_step=1)
    os.rename(tmp_path / "here", tmp_path / "there")
    latest = tf.train.latest_checkpoint(str(tmp_path / "there"))
    variable = tf.Variable(0., name="v")
    TheirSaver([variable]).restore(None, latest)
    assert variable.numpy() == 5

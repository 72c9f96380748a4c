"""`ckpt rename` and `ckpt strip` against checkpoints that TensorFlow writes of the same objects under other names, and restored by
TensorFlow; `ckpt diff` against NumPy."""
import json

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from tensorflow.python.trackable.data_structures import NoDependency

import draw
import test_v1
import witness
from test_graph import MODELS, agree
from test_slices import save_parts
from test_tool import done, run
from test_values import save


def argument(old, new):
    return "=".join(side.replace("\\", "\\\\").replace("=", "\\=") for side in (old, new))


def files(prefix):
    return [open(prefix + suffix, "rb").read() for suffix in (".index", ".data-00000-of-00001")]


# ------------------------------------------------------------------------------------------- rename


def escape(name):
    return name.replace(".", "..").replace("/", ".S")


def paths(root):
    """The objects to which names lead, each with its shortest path, breadth first."""
    found, queue = [(root, "")], [(root, "")]
    seen = {id(root)}
    while queue:
        parent, path = queue.pop(0)
        for name, child in parent._trackable_children().items():
            if id(child) not in seen:
                seen.add(id(child))
                found.append((child, f"{path}/{escape(name)}" if path else escape(name)))
                queue.append(found[-1])
    return found


class Owner(tf.Module):
    """Keeps slots as optimizers do."""

    def __init__(self):
        super().__init__()
        self.slots = NoDependency({})
        self.names = NoDependency([])

    def add(self, variable, name, value):
        self.names.extend([name] if name not in self.names else [])
        self.slots[id(variable), name] = tf.Variable(value)

    def get_slot_names(self):
        return list(self.names)

    def get_slot(self, variable, name):
        return self.slots.get((id(variable), name))

    def _create_or_restore_slot_variable(self, slot_variable_position, slot_name, variable):
        raise NotImplementedError


NAMES = ["a", "b.c", "d/e", ".", "..", "/", "\u00e9", "x" * 300, ".ATTRIBUTES", "VARIABLE_VALUE", ".S", "a\nb", "=", "\\", "-", " "]


def random_program(rng):
    """Shared children, cycles, slots and names that need escaping."""
    root = tf.train.Checkpoint()
    objects, variables = [root], []
    name = lambda: NAMES[int(rng.integers(len(NAMES)))] + str(int(rng.integers(1000)))
    for i in range(20):
        objects.append(Owner() if rng.random() < 0.2 else tf.Module())
        objects[int(rng.integers(i + 1))]._track_trackable(objects[-1], name(), overwrite=True)
    for _ in range(15):
        variables.append(tf.Variable(draw.value(rng, "float32", (2,))))
        objects[int(rng.integers(len(objects)))]._track_trackable(variables[-1], name(), overwrite=True)
    for _ in range(10):
        child = (objects[1:] + variables)[int(rng.integers(len(objects) + len(variables) - 1))]
        objects[int(rng.integers(len(objects)))]._track_trackable(child, name(), overwrite=True)
    for owner in (o for o in objects if isinstance(o, Owner)):
        for _ in range(6):
            owner.add(variables[int(rng.integers(len(variables)))], ["m", "v", "a.b/c"][int(rng.integers(3))], draw.value(rng, "float32", (1,)))
    return root


def random_moves(rng, root):
    """Moves some edges, and says which: all are taken away, then put elsewhere, one after the other."""
    edges = [(parent, path, name) for parent, path in paths(root) for name in parent._trackable_children()]
    taken = [edges[i] for i in rng.permutation(len(edges))[:int(rng.integers(1, 5))]]
    children = [parent._trackable_children()[name] for parent, _, name in taken]
    for parent, _, name in taken:
        parent._delete_tracking(name)
    renames = []
    for number, ((parent, path, name), child) in enumerate(zip(taken, children)):
        old = f"{path}/{escape(name)}" if path else escape(name)
        while True:
            to, new = (left := [found for found in paths(root) if not isinstance(found[0], tf.Variable)])[int(rng.integers(len(left)))]
            made = [f"new.{number}/{i}" for i in range(int(rng.integers(3)))]
            # In the same object it would keep its place, which TensorFlow cannot do.
            if (made or to is not parent) and not f"{new}/".startswith(f"{old}/"):
                break
        for step in made:
            module = tf.Module()
            to._track_trackable(module, step)
            to = module
        last = f"moved{number}"
        to._track_trackable(child, last)
        renames.append(argument(old, "/".join([*([new] if new else []), *map(escape, made), last])))
    return renames


@pytest.mark.parametrize("number", range(20))
def test_random_programs_are_renamed_as_tensorflow_would_save_them(rng, prefix, number):
    root = random_program(rng)
    root.write(prefix)
    renames = random_moves(rng, root)
    root.write(prefix + "-expected")
    done("rename", prefix, prefix + "-renamed", "--", *renames)
    assert witness.read(prefix + "-renamed") == witness.read(prefix + "-expected"), renames
    agree(prefix + "-renamed")


def named(*objects):
    """A root that holds objects under names in this order."""
    root = tf.train.Checkpoint()
    for name, held in objects:
        root._track_trackable(held, name)
    return root


@pytest.mark.parametrize("kind", MODELS)
def test_a_renamed_model_is_the_same_to_the_byte(rng, prefix, kind):
    model, step, listed = MODELS[kind](rng), tf.Variable(7), tf.train.Checkpoint(l=[tf.Variable(1.), {"k": tf.Variable(b"s")}]).l
    named(("model", model), ("step", step), ("listed", listed)).write(prefix)
    named(("encoder", model), ("a=b/c", step), ("listed", listed)).write(prefix + "-expected")
    done("rename", prefix, prefix + "-renamed", "model=encoder", argument("step", "a=b.Sc"))
    assert files(prefix + "-renamed") == files(prefix + "-expected")


def slots_model(rng):
    model = tf_keras.Sequential([tf_keras.layers.Input((4,)), tf_keras.layers.Dense(3), tf_keras.layers.Dense(2)])
    return model, tf_keras.optimizers.legacy.Adam(0.1)


def fit(rng, model, optimizer, steps=3):
    for _ in range(steps):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(rng.standard_normal((8, 4)).astype(np.float32)) ** 2)
        optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))


def state(model, optimizer):
    return [v.numpy().tobytes() for v in [*model.variables, *optimizer.variables()]]


def test_renamed_slots_are_restored(rng, prefix):
    model, optimizer = slots_model(rng)
    fit(rng, model, optimizer)
    path = tf.train.Checkpoint(net=model, optimizer=optimizer, step=tf.Variable(3)).save(prefix)
    done("rename", path, prefix + "-renamed", "net=deep/er/model", "optimizer=adam", "step=deep/step")
    again, fresh = slots_model(rng)
    fit(rng, again, fresh, 1)
    step = tf.Variable(0)
    deep = tf.train.Checkpoint(er=tf.train.Checkpoint(model=again), step=step)
    tf.train.Checkpoint(deep=deep, adam=fresh).restore(prefix + "-renamed").assert_consumed()
    assert state(again, fresh) == state(model, optimizer) and int(step) == 3


def test_renamed_resources_are_restored(rng, prefix):
    def program():
        table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
        return table, iter(tf.data.Dataset.range(10).batch(2)), tf.random.Generator.from_seed(1)

    table, data, generator = program()
    table.insert(["a", "bb"], [1, 2])
    next(data), generator.normal([3])
    path = tf.train.Checkpoint(table=table, data=data, generator=generator).save(prefix)
    done("rename", path, prefix + "-renamed", "table=t/words", "data=t/data", "generator=seed")
    again, iterator, random = program()
    tf.train.Checkpoint(t=tf.train.Checkpoint(words=again, data=iterator), seed=random).restore(prefix + "-renamed").assert_consumed()
    assert again.lookup(tf.constant(["bb", "c"])).numpy().tolist() == [2, -1]
    assert next(iterator).numpy().tolist() == [2, 3]
    assert random.state.numpy().tolist() == generator.state.numpy().tolist()


def test_names_of_a_saver_are_changed(rng, prefix):
    written = {k: draw.finite(rng, "float32", (3,)) for k in ["dense/kernel", "dense/kernel/Adam", "dense/bias", "other", "dense"]}
    for store in (save, test_v1.save):
        store(prefix, written)
        done("rename", prefix, prefix + "-renamed", "dense/kernel=l1/w", "dense=l2")
        reader = tf.train.load_checkpoint(prefix + "-renamed")
        names = {"dense/kernel": "l1/w", "dense/kernel/Adam": "l1/w/Adam", "dense/bias": "l2/bias", "dense": "l2", "other": "other"}
        assert sorted(reader.get_variable_to_shape_map()) == sorted(names.values())
        for old, new in names.items():
            assert reader.get_tensor(new).tobytes() == written[old].tobytes()


@pytest.mark.parametrize("seed", range(3))
def test_other_roots_are_what_tensorflow_saves_of_them(seed, prefix):
    rng = np.random.default_rng(seed)
    program, inner = random_program(rng), tf.Module()
    for name, child in program._trackable_children().items():
        inner._track_trackable(child, name)
    program.write(prefix + "-inner")
    tf.train.Checkpoint(root=inner).write(prefix + "-root")
    tf.train.Checkpoint(model=inner).write(prefix + "-outer")
    for below in ("-inner", "-root"):
        done("rename", prefix + below, prefix + below + "-wrapped", "=model")
        assert files(prefix + below + "-wrapped") == files(prefix + "-outer")
    done("rename", prefix + "-outer", prefix + "-unwrapped", "model=")
    assert files(prefix + "-unwrapped") == files(prefix + "-inner")


def test_a_net_saved_as_the_root_is_restored_as_a_model(rng, prefix):
    model = keras_model(tf_keras, 1)
    path = tf.train.Checkpoint(root=model).save(prefix)
    done("rename", path, prefix + "-wrapped", "=model")
    fresh = keras_model(tf_keras, 2)
    tf.train.Checkpoint(model=fresh).restore(prefix + "-wrapped").assert_consumed()
    for wanted, found in zip(model.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)
    done("rename", prefix + "-wrapped", prefix + "-unwrapped", "model=")
    again = keras_model(tf_keras, 3)
    tf.train.Checkpoint(root=again).restore(prefix + "-unwrapped").assert_consumed()
    for wanted, found in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)


# -------------------------------------------------------------------------------------------- strip


def test_stripped_of_slots_it_is_what_tensorflow_saves_without_them(rng, prefix):
    model, optimizer = slots_model(rng)
    fit(rng, model, optimizer)
    root = tf.train.Checkpoint(net=model, optimizer=optimizer)
    root.write(prefix)
    optimizer.get_slot_names = lambda: []
    root.write(prefix + "-expected")
    done("strip", prefix, prefix + "-stripped", "--slots")
    assert files(prefix + "-stripped") == files(prefix + "-expected")


def test_what_was_stripped_is_restored(rng, prefix):
    model, optimizer = slots_model(rng)
    fit(rng, model, optimizer)
    path = tf.train.Checkpoint(net=model, optimizer=optimizer).save(prefix)
    done("strip", path, prefix + "-stripped", "--slots")
    again, fresh = slots_model(rng)
    status = tf.train.Checkpoint(net=again, optimizer=fresh).restore(prefix + "-stripped")
    fresh._create_hypers()
    assert int(fresh.iterations) == int(optimizer.iterations)
    status.assert_consumed()
    fit(rng, again, fresh, 1)
    assert int(fresh.iterations) == int(optimizer.iterations) + 1


def keras_model(keras, seed):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3), keras.layers.BatchNormalization(), keras.layers.Dense(2)])
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
    model.train_on_batch(np.ones((5, 4), np.float32), np.ones((5, 2), np.float32))
    return model


def scaled_model(seed):
    tf_keras.utils.set_random_seed(seed)
    model = tf_keras.Sequential([tf_keras.layers.Input((4,)), tf_keras.layers.Dense(2)])
    inner = tf_keras.optimizers.legacy.SGD(0.01, momentum=0.9)
    model.compile(optimizer=tf_keras.mixed_precision.LossScaleOptimizer(inner), loss="mse")
    model.train_on_batch(np.ones((5, 4), np.float32), np.ones((5, 2), np.float32))
    return model


def optimizer_values(model):
    """The optimizer's own variables: a method in tf_keras, a property in Keras 3."""
    variables = model.optimizer.variables
    return [np.array(value.numpy()) for value in (variables() if callable(variables) else variables)]


@pytest.mark.parametrize("make", [lambda seed: keras_model(tf.keras, seed), lambda seed: keras_model(tf_keras, seed), scaled_model],
                         ids=["keras 3", "tf_keras", "loss scale"])
def test_without_its_optimizer_a_model_is_restored(make, prefix):
    model = make(1)
    path = tf.train.Checkpoint(model=model, step=tf.Variable(7)).save(prefix)
    done("strip", path, prefix + "-stripped", "--optimizer")
    names = [name for name, _ in tf.train.list_variables(prefix + "-stripped")]
    assert not any("optimizer" in name or "iter" in name for name in names), names

    fresh, step = make(2), tf.Variable(0)
    before = optimizer_values(fresh)
    status = tf.train.Checkpoint(model=fresh, step=step).restore(prefix + "-stripped")
    status.assert_nontrivial_match()
    assert int(step) == 7
    for wanted, found in zip(model.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)
    for old, new in zip(before, optimizer_values(fresh), strict=True):
        np.testing.assert_array_equal(new, old)
    fresh.train_on_batch(np.ones((5, 4), np.float32), np.ones((5, 2), np.float32))


# --------------------------------------------------------------------------------------------- diff


def difference(a, b, *options):
    finished = run("diff", a, b, "--json", *options)
    assert finished.returncode in (0, 1), finished.stderr.decode()
    found = json.loads(finished.stdout)
    assert found["same"] == (finished.returncode == 0)
    return found


def as_numbers(array):
    """What is compared: 64 bits, exact for all types but the largest integers."""
    if array.dtype.kind == "c":
        return array.astype(np.complex128)
    return array.astype(np.float64)


FLOATS = ["float16", "bfloat16", "float32", "float64", "complex64", "complex128", "float8_e5m2", "float8_e4m3fn", "float8_e4m3fnuz",
          "float8_e4m3b11fnuz", "float8_e5m2fnuz", "float4_e2m1fn"]
INTEGERS = ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "int4", "uint4", "int2", "uint2"]


@pytest.mark.parametrize("dtype", FLOATS + INTEGERS)
@pytest.mark.parametrize("rtol, atol", [(0, 0), (0.1, 0), (0, 0.5), (0.01, 0.01)])
def test_values_differ_as_numpy_says(rng, prefix, dtype, rtol, atol):
    a = draw.value(rng, dtype, (3000,))
    b = np.where(rng.random(3000) < 0.5, a, draw.value(rng, dtype, (3000,)))
    save(prefix + "-a", {"x": a})
    save(prefix + "-b", {"x": b})
    found = difference(prefix + "-a", prefix + "-b", "--values", "--rtol", str(rtol), "--atol", str(atol))
    with np.errstate(all="ignore"):
        a, b = as_numbers(a), as_numbers(b)
        differing = ~np.isclose(a, b, rtol, atol, equal_nan=True)
        distance = np.where(a == b, 0, np.abs(a - b))
        distance[np.isinf(a) & np.isfinite(b) | np.isfinite(a) & np.isinf(b) | np.isinf(a) & np.isinf(b) & (a != b)] = np.inf
        valid = ~(np.isnan(a) | np.isnan(b))
        relative = np.where(np.isinf(distance), np.inf, distance / np.abs(b))[valid & (b != 0) & (distance != 0)]
    if not differing.any():
        assert found["same"]
        return
    values = found["tensors"]["changed"][0]["values"]
    assert (values["elements"], values["differing"]) == (3000, differing.sum())
    assert (values["nan_a"], values["nan_b"]) == (np.isnan(a).sum(), np.isnan(b).sum())
    assert float(values["max_abs"]) == pytest.approx(distance[valid].max(initial=0))
    assert (values["max_rel"] is None) == (relative.size == 0)
    if relative.size:
        assert float(values["max_rel"]) == pytest.approx(relative.max())


def test_only_what_differs_is_told(rng, prefix):
    written = {f"{d}/{i}": draw.value(rng, d, draw.shape(rng)) for d in draw.DTYPES for i in range(2)}
    changed = {k for k in written if rng.random() < 0.3}
    other = {k: change(v) if k in changed else v for k, v in written.items()}
    save(prefix + "-a", written)
    save(prefix + "-b", other)
    found = difference(prefix + "-a", prefix + "-b", "--values")["tensors"]
    assert {row["key"] for row in found["changed"]} == changed and found["same"] == len(written) - len(changed)
    assert all(row["values"]["differing"] == 1 for row in found["changed"])


def change(value):
    """One element other than it was: 0, or, if it is 0 of any sign, the number whose first byte is 1."""
    if value.dtype == object:
        value = value.copy()
        value.reshape(-1)[0] += b"x"
        return value
    raw = bytearray(value.tobytes())
    magnitude = 7 if value.dtype.name == "float4_e2m1fn" else 127
    zero = not any(byte & magnitude for byte in raw[:value.dtype.itemsize])
    raw[:value.dtype.itemsize] = bytes([int(zero)]).ljust(value.dtype.itemsize, b"\0")
    return np.frombuffer(bytes(raw), value.dtype).reshape(value.shape)


def test_how_values_are_stored_does_not_matter(rng, prefix):
    wholes = {d: draw.value(rng, d, (5, 6)) for d in draw.DTYPES}
    save(prefix, wholes)
    save_parts(prefix + "-parts", wholes, {k: draw.partition(rng, (5, 6), 3) for k in wholes})
    assert difference(prefix, prefix + "-parts", "--values")["same"]
    old = {d: wholes[d] for d in draw.V1}
    save(prefix, old)
    test_v1.save(prefix + "-v1", old)
    assert difference(prefix, prefix + "-v1", "--values")["same"]

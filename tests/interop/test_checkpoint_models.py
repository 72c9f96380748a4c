"""Models and optimizers of tf_keras and Keras 3: restored in full, saved the same, changed, and restored in full by TensorFlow; and halves of them."""
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import draw
import witness
from mirror import Mirror, both_ways, same_files
from program import Checkpoint, Options, Program


def fresh_names():
    keras.backend.clear_session()
    tf_keras.backend.clear_session()


def trained(library, optimizer, rng):
    """A model that has seen data once."""
    layers = library.layers
    model = library.Sequential([layers.Input((4,)), layers.Dense(3), layers.BatchNormalization(), layers.Dense(2)])
    model.compile(optimizer, "mse")
    model.fit(rng.standard_normal((8, 4)), rng.standard_normal((8, 2)), verbose=0)
    return tf.train.Checkpoint(model=model, step=tf.Variable(np.int64(rng.integers(1000))))


OPTIMIZERS = {
    "keras": ["adam", "sgd", "rmsprop", "adamw", "lion"],
    "tf_keras": ["adam", "sgd", "rmsprop", "adagrad", "nadam"],
    "tf_keras_slots": ["adam", "sgd", "rmsprop", "adagrad", "nadam", "ftrl"],
}


def optimizer_of(kind, name):
    if kind != "tf_keras_slots":
        return name
    legacy = tf_keras.optimizers.legacy
    return {"adam": lambda: legacy.Adam(amsgrad=True), "sgd": lambda: legacy.SGD(momentum=0.9), "rmsprop": lambda: legacy.RMSprop(momentum=0.5, centered=True),
            "adagrad": legacy.Adagrad, "nadam": legacy.Nadam, "ftrl": legacy.Ftrl}[name]()


@pytest.mark.parametrize("kind,name", [(kind, name) for kind in OPTIMIZERS for name in OPTIMIZERS[kind]])
def test_model_and_optimizer(rng, tmp_path, kind, name):
    library = keras if kind == "keras" else tf_keras

    def build():
        fresh_names()
        return trained(library, optimizer_of(kind, name), rng)

    mirror = both_ways(build, rng, tmp_path, exactly=False)
    slots = [s for n in mirror.proto.nodes for s in n.slot_variables]
    assert bool(slots) == (kind == "tf_keras_slots")


def test_training_goes_on_with_what_the_library_saved(rng, tmp_path):
    """A model that takes its weights and its optimizer's state from the library's checkpoint learns as the one that never stopped."""
    x, y = rng.standard_normal((32, 4)).astype(np.float32), rng.standard_normal((32, 2)).astype(np.float32)

    def build():
        fresh_names()
        model = tf_keras.Sequential([tf_keras.layers.Input((4,)), tf_keras.layers.Dense(3), tf_keras.layers.Dense(2)])
        return tf.train.Checkpoint(model=model, optimizer=tf_keras.optimizers.legacy.Adam(0.05))

    def learn(checkpoint, steps):
        for _ in range(steps):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((checkpoint.model(x) - y)**2)
            variables = checkpoint.model.trainable_variables
            checkpoint.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return [v.numpy() for v in checkpoint.model.trainable_variables]

    one = build()
    learn(one, 5)
    path = one.save(str(tmp_path / "theirs"))
    mirror = Mirror(one, path)
    mirror.checkpoint.restore(path).assert_consumed()
    ours = mirror.checkpoint.save(str(tmp_path / "ours"))
    expected = learn(one, 5)
    other = build()
    learn(other, 1)
    other.restore(ours).assert_consumed()
    for found, wanted in zip(learn(other, 5), expected):
        assert witness.flat(found) == witness.flat(wanted)


def test_weights_of_a_model(rng, tmp_path):
    """tf_keras' save_weights and load_weights, which are checkpoints whose root is the model."""
    def build():
        fresh_names()
        return tf_keras.Sequential([tf_keras.layers.Input((4,)), tf_keras.layers.Dense(3), tf_keras.layers.Dense(2)])

    model, prefix = build(), str(tmp_path / "w")
    model.save_weights(prefix, save_format="tf")
    program = Program()
    dense = [program.object(kernel=program.unset(), bias=program.unset()) for _ in range(2)]
    root = program.object()
    for i, layer in enumerate(dense):
        program.track(root, f"layer_with_weights-{i}", layer)
    checkpoint = Checkpoint(program, root)
    checkpoint.read(prefix).assert_existing_objects_matched()
    for layer, theirs in zip(dense, model.layers):
        for name, weights in (("kernel", theirs.kernel), ("bias", theirs.bias)):
            node = program.child(layer, name)
            assert witness.flat(program.value(node)) == witness.flat(weights.numpy())
            program.assign(node, draw.finite(rng, "float32", weights.shape))
    back = checkpoint.write(str(tmp_path / "ours"))
    again = build()
    again.load_weights(back).expect_partial()
    for layer, theirs in zip(dense, again.layers):
        assert witness.flat(program.value(program.child(layer, "kernel"))) == witness.flat(theirs.kernel.numpy())


# --------------------------------------------------------------------- what the guide says of parts


class Net(tf_keras.Model):
    def __init__(self):
        super().__init__()
        self.l1 = tf_keras.layers.Dense(5)

    def call(self, x):
        return self.l1(x)


def guide(rng):
    """The net of the guide with an optimizer that has slots, after a step."""
    net, optimizer = Net(), tf_keras.optimizers.legacy.Adam(0.1)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(net(rng.standard_normal((2, 1)).astype(np.float32)))
    optimizer.apply_gradients(zip(tape.gradient(loss, net.trainable_variables), net.trainable_variables))
    return net, tf.train.Checkpoint(step=tf.Variable(1), optimizer=optimizer, net=net)


def test_the_bias_alone(rng, prefix):
    """The guide's "Loading mechanics": fake_net with a bias, and nothing else, is restored; then the kernel, when it is there."""
    net, theirs = guide(rng)
    net.l1.bias.assign(draw.finite(rng, "float32", (5,)))
    path = theirs.save(prefix)
    ours = Program()
    bias = ours.variable(np.zeros(5, np.float32))
    layer = ours.object(bias=bias)
    fake_net = ours.object(l1=layer)
    checkpoint = Checkpoint(ours, ours.object(net=fake_net))
    status = checkpoint.restore(path)
    assert witness.flat(ours.value(bias)) == witness.flat(net.l1.bias.numpy())
    status.assert_existing_objects_matched()
    assert "Unresolved object in checkpoint (root).step" in status.fails("assert_consumed")
    assert ("deferred", "net/l1/kernel") in status.rows() and ("restored", "net/l1/bias") in status.rows()

    # The deferred kernel: of the checkpoint's shape and value, at once.
    kernel = ours.unset()
    ours.track(layer, "kernel", kernel)
    assert ours.value(kernel).shape == (1, 5)
    assert witness.flat(ours.value(kernel)) == witness.flat(net.l1.kernel.numpy())

    # The optimizer's slots, in whatever order they come.
    step, optimizer = ours.unset(), ours.owner()
    root = checkpoint.root
    ours.track(root, "step", step)
    ours.track(root, "optimizer", optimizer)
    for name in rng.permutation(["iter", "beta_1", "beta_2", "decay", "learning_rate"]):
        ours.track(optimizer, str(name), ours.unset())
    slots = [(v, n) for v in (kernel, bias) for n in ("m", "v")]
    for i in rng.permutation(4):
        variable, name = slots[i]
        slot = ours.unset()
        ours.set_slot(optimizer, variable, name, slot)
        theirs_variable = net.l1.kernel if variable == kernel else net.l1.bias
        assert witness.flat(ours.value(slot)) == witness.flat(theirs.optimizer.get_slot(theirs_variable, name).numpy())
    status.assert_consumed()

    # And the other way round: TensorFlow's program has the bias alone, and then the rest.
    ours.assign(bias, np.arange(5, dtype=np.float32))
    back = checkpoint.save(prefix + "-ours")
    layer = tf.train.Checkpoint(bias=tf.Variable(tf.zeros([5])))
    status = tf.train.Checkpoint(net=tf.train.Checkpoint(l1=layer)).restore(back).expect_partial()
    assert layer.bias.numpy().tolist() == [0, 1, 2, 3, 4]
    layer.kernel = tf.Variable(tf.zeros([1, 5]))
    assert witness.flat(layer.kernel.numpy()) == witness.flat(ours.value(kernel))
    status.assert_existing_objects_matched()


def test_slots_may_be_left_out(rng, prefix):
    net, theirs = guide(rng)
    path = theirs.save(prefix)
    mirror = Mirror(theirs, path)
    mirror.checkpoint.restore(path, Options("restore", skip_slot_variables=True)).assert_consumed()
    ours = mirror.program
    optimizer, layer = ours.child(mirror.nodes[0], "optimizer"), ours.child(mirror.nodes[0], "net", "l1")
    kernel = ours.child(layer, "kernel")
    assert witness.flat(ours.value(kernel)) == witness.flat(net.l1.kernel.numpy())
    assert not ours.value(ours.slot(optimizer, kernel, "m")).any()


def test_models_are_the_same_bytes(rng, tmp_path):
    """What the library writes of a trained model's objects is what TensorFlow wrote, names, slots and all."""
    for kind, library in (("keras", keras), ("tf_keras", tf_keras), ("tf_keras_slots", tf_keras)):
        fresh_names()
        theirs = trained(library, optimizer_of(kind, "adam"), rng)
        path = theirs.write(str(tmp_path / kind))
        mirror = Mirror(theirs, path)
        mirror.checkpoint.read(path).assert_consumed()
        same_files(mirror.checkpoint.write(str(tmp_path / f"{kind}-ours")), path)

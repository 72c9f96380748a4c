"""TensorFlow's guide to checkpoints end to end: trained there, restored in full by a program in C, changed, saved, and restored in full there."""
import os
import subprocess

import numpy as np
import tensorflow as tf
import tf_keras

import ckpt

HERE = os.path.dirname(os.path.abspath(__file__))


class Net(tf_keras.Model):
    """A simple linear model."""

    def __init__(self):
        super().__init__()
        self.l1 = tf_keras.layers.Dense(5)

    def call(self, x):
        return self.l1(x)


class Guide:
    """The guide's program, with the optimizer that has slots."""

    def __init__(self, rng, directory):
        x = rng.standard_normal((10, 1)).astype(np.float32)
        y = x * 5 + rng.standard_normal((1, 5)).astype(np.float32)
        self.net, self.optimizer = Net(), tf_keras.optimizers.legacy.Adam(0.1)
        self.iterator = iter(tf.data.Dataset.from_tensor_slices(dict(x=x, y=y)).repeat().batch(2))
        self.checkpoint = tf.train.Checkpoint(step=tf.Variable(1), optimizer=self.optimizer, net=self.net, iterator=self.iterator)
        self.manager = tf.train.CheckpointManager(self.checkpoint, directory, max_to_keep=3)

    def train(self, steps):
        for _ in range(steps):
            example = next(self.iterator)
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.abs(self.net(example["x"]) - example["y"]))
            variables = self.net.trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
            self.checkpoint.step.assign_add(1)
            if int(self.checkpoint.step) % 10 == 0:
                self.manager.save()

    def values(self):
        layer, slot = self.net.l1, self.optimizer.get_slot
        return {"kernel": layer.kernel, "kernel.m": slot(layer.kernel, "m"), "kernel.v": slot(layer.kernel, "v"), "bias": layer.bias,
                "bias.m": slot(layer.bias, "m"), "bias.v": slot(layer.bias, "v"), "step": self.checkpoint.step,
                "iter": self.optimizer.iterations, "learning_rate": self.optimizer.lr}


def arrays(values):
    return {name: np.ravel(value.numpy()).copy() for name, value in values.items()}


def compiled(folder):
    """The program in C, and where it finds the library."""
    program = os.path.join(folder, "guide")
    os.symlink(ckpt.LIBRARY.resolve(), os.path.join(folder, "libcheckpoint.so.0"))
    subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-Wall", "-Wextra", "-Werror", os.path.join(HERE, "guide.c"), "-I", str(ckpt.ROOT / "include"),
                    "-o", program, str(ckpt.LIBRARY.resolve())], check=True)
    return program, {**os.environ, "LD_LIBRARY_PATH": folder}


def printed(text):
    read = lambda words: [float.fromhex(w) if "x" in w else int(w) for w in words]
    return {name: np.array(read(words)) for name, *words in (line.split() for line in text.splitlines())}


def test_there_and_back(rng, tmp_path):
    directory = str(tmp_path / "tf_ckpts")
    seed = int(rng.integers(2**32))
    trained = Guide(np.random.default_rng(seed), directory)
    trained.train(50)
    trained.manager.save()
    before = arrays(trained.values())
    assert int(before["step"][0]) == 51

    program, environment = compiled(str(tmp_path))
    run = subprocess.run([program, directory], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found = printed(run.stdout)
    assert found.keys() == before.keys()
    for name, value in before.items():
        assert (found[name] == value).all(), name

    # TensorFlow goes on from there: the latest checkpoint of the directory, restored in full, the
    # iterator where it was.
    again = Guide(np.random.default_rng(seed), directory)
    latest = tf.train.latest_checkpoint(directory)
    assert os.path.basename(latest) == f"ckpt-{int(trained.checkpoint.save_counter) + 1}"
    status = again.checkpoint.restore(latest)
    again.net(tf.zeros([1, 1]))  # builds the layer, and makes the optimizer's variables: what waits for them is restored
    again.optimizer._create_all_weights(again.net.trainable_variables)
    status.assert_consumed()
    expected = {**before, "kernel": before["kernel"] / 2, "bias": np.arange(5, dtype=np.float32), "kernel.m": -before["kernel.m"],
                "bias.v": before["bias.v"] * 4, "step": before["step"] + 100, "iter": before["iter"] + 1}
    for name, value in arrays(again.values()).items():
        assert (value == expected[name]).all(), name
    following, there = next(trained.iterator), next(again.iterator)
    assert (following["x"].numpy() == there["x"].numpy()).all()
    again.train(10)
    assert tf.train.latest_checkpoint(directory) != latest

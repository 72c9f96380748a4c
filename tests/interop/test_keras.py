"""docs/keras.md says what names Keras gives, and the programs of examples/ load its nets: TensorFlow is the witness of both."""
import itertools
import re
import subprocess

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

import ckpt
from test_examples import EXAMPLES, library  # noqa: F401  (a fixture)

PAGE = (ckpt.ROOT / "docs" / "keras.md").read_text(encoding="utf-8")
SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
IMAGE = (np.arange(16, dtype=np.float32) / 16).reshape(1, 4, 4, 1)  # what the examples ask


def table(first):
    """The rows of the table whose header begins with `first`, as lists of cells."""
    lines = PAGE[PAGE.index(f"| {first} |"):].splitlines()
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines)
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in list(rows)[2:]]


def net(of):
    """The net of the examples."""
    layers = of.layers
    return of.Sequential([of.Input((4, 4, 1)), layers.Conv2D(3, 2), layers.BatchNormalization(), layers.Flatten(), layers.Dense(2)])


def functional(of):
    inputs = of.Input((4, 4, 1))
    return of.Model(inputs, of.layers.Flatten()(of.layers.Conv2D(3, 2)(inputs)))


def subclass(of):
    class Net(of.Model):
        def __init__(self):
            super().__init__()
            self.conv = of.layers.Conv2D(3, 2)

        def call(self, inputs):
            return self.conv(inputs)
    model = Net()
    model(IMAGE)
    return model


def value_at(path, name):
    """The value that the edges of `name` lead to."""
    proto = tf.train.load_checkpoint(path).get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH")
    graph, at = TrackableObjectGraph.FromString(proto).nodes, 0
    for edge in name.split("/"):
        at = {child.local_name: child.node_id for child in graph[at].children}[edge]
    return tf.train.load_checkpoint(path).get_tensor(graph[at].attributes[0].checkpoint_key)


SAVED = table("saved by")


@pytest.mark.parametrize(("how", "path", "name"), SAVED, ids=[row[0] for row in SAVED])
def test_the_page_says_which_names_keras_gives(how, path, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kind, code = re.fullmatch(r"(Keras [23].*?): `(.*)`", how).groups()
    of = tf_keras if kind.startswith("Keras 2") else keras
    make = subclass if "subclass" in kind else functional if "Model(" in kind else net
    model = make(of)
    exec(code, {"model": model, "tf": tf})  # what the page tells people to write
    opened = str(tmp_path / path.strip("`"))
    if (tmp_path / "w" / "variables").is_dir():
        opened += "/variables/variables"
    assert np.array_equal(value_at(opened, name.strip("`")), model.variables[0].numpy())
    # A net that has no optimizer has its values under these keys too.
    assert name.strip("`") + SUFFIX in dict(tf.train.list_variables(opened))


def test_edges_lead_to_the_values_of_a_compiled_net_of_keras_3_and_keys_do_not(prefix):
    model = net(keras)
    model.compile(optimizer="adam", loss="mse")
    model.fit(IMAGE, np.zeros((1, 2)), verbose=0)
    tf.train.Checkpoint(model=model).write(prefix)
    kernel = "model/_functional/_operations/1/_kernel"
    keys = dict(tf.train.list_variables(prefix))
    assert kernel + SUFFIX not in keys and f"model/optimizer/_trainable_variables/0{SUFFIX}" in keys
    assert np.array_equal(value_at(prefix, kernel), model.variables[0].numpy())
    assert re.fullmatch(r"sequential(_\d+)?/conv2d(_\d+)?/kernel", model.variables[0].path)
    reader = ckpt.Reader(prefix)
    assert reader.read(reader.find(model.variables[0].path.encode())) == model.variables[0].numpy().tobytes()


LAYERS = [(layer, of, cells[column]) for cells in table("layer") for column, of in ((1, tf_keras), (2, keras))
          for layer in cells[0].split(", ")]


@pytest.mark.parametrize(("layer", "of", "names"), LAYERS, ids=[f"{of.__name__}-{layer}" for layer, of, _ in LAYERS])
def test_the_page_says_what_variables_layers_have(layer, of, names, prefix):
    arguments = {"Dense": (2,), "Conv2D": (3, 2), "Conv2DTranspose": (3, 2), "DepthwiseConv2D": (2,), "SeparableConv2D": (3, 2),
                 "Embedding": (5, 2), "LSTM": (2,), "GRU": (2,)}
    values = {"Embedding": np.zeros((1, 2), np.int32), "LSTM": np.zeros((1, 3, 2), np.float32), "GRU": np.zeros((1, 3, 2), np.float32)}
    made = getattr(of.layers, layer)(*arguments.get(layer, ()))
    made(values.get(layer, IMAGE))
    tf.train.Checkpoint(made).write(prefix)
    found = {key.removesuffix(SUFFIX) for key in dict(tf.train.list_variables(prefix))} - {"_CHECKPOINTABLE_OBJECT_GRAPH"}
    assert found == set(re.findall("`([^`]+)`", names))


def test_keras_3_files_are_no_checkpoints(tmp_path):
    model = net(keras)
    with pytest.raises(ValueError, match="weights.h5"):
        model.save_weights(tmp_path / "w")
    assert "`.weights.h5`" in PAGE and "`.keras`" in PAGE


@pytest.fixture(scope="module", params=["c", "cpp"])
def example(request, library):  # noqa: F811
    """A function that builds an example of a language by its name; gives one that runs it, and what it printed."""
    folder, environment = library
    compiler = {"c": ["cc", "-std=c11"], "cpp": ["c++", "-std=c++17", f"-I{ckpt.ROOT}/bindings/cpp/include"]}[request.param]

    def build(name):
        built = folder / f"{name}-{request.param}"
        source = EXAMPLES / request.param / f"{name}.{request.param}"
        command = [*compiler, source, f"-I{ckpt.ROOT}/include", f"-L{folder}", "-lcheckpoint", "-lm", "-o", built]
        subprocess.run([*map(str, command)], check=True)

        def run(*arguments):
            command = [*map(str, [built, *arguments])]
            return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        return run
    return build


@pytest.fixture(scope="module")
def program(example):
    """A function that runs examples/*/keras: path and subtree; gives the two numbers that it printed."""
    run = example("keras")
    return lambda *arguments: [float(word) for word in run(*arguments).split()]


def test_the_examples_answer_what_tensorflow_does_with_the_fixture(program):
    model = net(tf_keras)
    fixture = ckpt.ROOT / "tests" / "data" / "tf_keras_net"
    model.load_weights(fixture / "weights").expect_partial()
    expected = model(IMAGE).numpy().ravel()
    assert [f"{value:.2f}" for value in expected] == ["467.40", "473.34"]  # as tests/c and tests/cpp have it
    assert program(fixture) == pytest.approx(expected, abs=0.006)


SAVES = {
    "save_weights": (lambda model, path: model.save_weights(path), ()),
    "checkpoint": (lambda model, path: tf.train.Checkpoint(model).write(path), ()),
    "checkpoint of a keyword": (lambda model, path: tf.train.Checkpoint(model=model).save(path), ("model",)),
    "SavedModel": (lambda model, path: model.save(path, save_format="tf"), ()),
}


@pytest.mark.parametrize("save", SAVES)
def test_the_examples_load_what_was_trained(program, save, rng, tmp_path):
    write, subtree = SAVES[save]
    model = net(tf_keras)
    model.compile(optimizer="adam", loss="mse")
    model.fit(rng.normal(size=(32, 4, 4, 1)), rng.normal(size=(32, 2)), epochs=3, verbose=0)
    write(model, str(tmp_path / "w"))
    path = tf.train.latest_checkpoint(tmp_path) if subtree else tmp_path / "w"
    assert program(path, *subtree) == pytest.approx(model(IMAGE).numpy().ravel(), abs=0.006)


def test_the_examples_take_over_what_was_trained(example, rng, tmp_path):
    model = net(tf_keras)
    model.set_weights([rng.normal(size=weights.shape) for weights in model.get_weights()])
    model.save_weights(str(tmp_path / "w"))
    example("transfer")(tmp_path / "w", tmp_path / "new")
    conv, norm = model.layers[0], model.layers[1]
    taken = {"body/conv/kernel": conv.kernel, "body/conv/bias": conv.bias, "body/norm/gamma": norm.gamma, "body/norm/beta": norm.beta,
             "body/norm/moving_mean": norm.moving_mean, "body/norm/moving_variance": norm.moving_variance}
    saved = tf.train.load_checkpoint(str(tmp_path / "new"))
    for name, variable in taken.items():
        value = saved.get_tensor(name + SUFFIX)
        assert value.dtype == (np.float64 if "moving" in name else np.float32), name
        assert np.array_equal(value, variable.numpy().astype(value.dtype)), name
    head = saved.get_tensor("head/kernel" + SUFFIX)
    assert head.shape == (27, 5) and np.abs(head).max() <= np.float32(0.05) and head.any()
    assert not saved.get_tensor("head/bias" + SUFFIX).any()

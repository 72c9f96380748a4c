"""The object graph against TensorFlow's own reading of it, and checkpoints of real models."""
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from tensorflow.core.protobuf import trackable_object_graph_pb2
from tensorflow.python.saved_model import registration

import ckpt
import draw
import witness

KEY = b"_CHECKPOINTABLE_OBJECT_GRAPH"


def agree(path, prefix=None):
    """Values and graph of an object-based checkpoint. The key of a value is a tensor's, or (tables, iterators) the stem of several."""
    found = witness.agree(path, prefix=prefix)
    proto = trackable_object_graph_pb2.TrackableObjectGraph.FromString(found[KEY][2][0])
    assert ckpt.Reader(path).graph() == [{
        "children": [(c.node_id, c.local_name) for c in n.children],
        "attributes": [(a.name, a.full_name, a.checkpoint_key) for a in n.attributes],
        "slots": [(s.original_variable_node_id, s.slot_name, s.slot_variable_node_id) for s in n.slot_variables],
        "saver": (n.registered_saver.name, n.registered_saver.object_name) if n.HasField("registered_saver") else None,
        "has_values": n.has_checkpoint_values.value if n.HasField("has_checkpoint_values") else None,
    } for n in proto.nodes]
    for attribute in (a for n in proto.nodes for a in n.attributes):
        assert any(k.startswith(attribute.checkpoint_key.encode()) for k in found), attribute
    return proto


def test_a_name_based_checkpoint_has_none(prefix):
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=["a"], shape_and_slices=[""], tensors=[1.])
    assert ckpt.Reader(prefix).graph() is None


def test_random_graphs(rng, prefix):
    """Shared children, cycles and names that need escaping."""
    names = ["a", "b.c", "d/e", "", ".", "..", "/", "\u00e9", "x" * 300, ".ATTRIBUTES", "VARIABLE_VALUE", ".S", "a\nb"]
    for _ in range(5):
        objects = [tf.train.Checkpoint()] + [tf.Module() for _ in range(20)]
        for i in range(1, len(objects)):
            objects[i]._track_trackable(tf.Variable(draw.value(rng, "float32", draw.shape(rng))), "v")
            objects[int(rng.integers(i))]._track_trackable(objects[i], names[int(rng.integers(len(names)))] + str(i))
        for _ in range(25):
            parent, child = (objects[int(rng.integers(1, len(objects)))] for _ in range(2))
            parent._track_trackable(child, "extra", overwrite=True)
        proto = agree(objects[0].save(prefix))
        assert len(proto.nodes) > 20


def test_containers_and_resources(rng, prefix):
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    table.insert(["a", "bb", ""], [1, 2, 3])
    data = iter(tf.data.Dataset.range(10).map(lambda x: x + 1).batch(2))
    next(data)
    variable = lambda: tf.Variable(draw.value(rng, "float32", (2,)))
    root = tf.train.Checkpoint(table=table, generator=tf.random.Generator.from_seed(int(rng.integers(1000))), iterator=data,
                               listed=[variable(), {"k": variable(), "/": variable()}], pair=(variable(), variable()))
    agree(root.save(prefix))


class Stack(tf.Module):
    """Saved by functions of its own."""

    def __init__(self, value):
        super().__init__()
        self.value = tf.Variable(value)


def save_stacks(trackables, file_prefix):
    names = list(trackables)
    tf.raw_ops.SaveV2(prefix=file_prefix, tensor_names=names, shape_and_slices=[""] * len(names), tensors=[trackables[n].value for n in names])
    return file_prefix


def test_a_registered_saver(prefix):
    registration.register_tf_checkpoint_saver(name="Stacks", predicate=lambda x: isinstance(x, Stack), save_fn=save_stacks,
                                              restore_fn=lambda trackables, merged_prefix: None)
    proto = agree(tf.train.Checkpoint(s=Stack(1.), t=Stack([2, 3]), v=tf.Variable(4)).save(prefix))
    assert [n.registered_saver.object_name for n in proto.nodes if n.HasField("registered_saver")]


# ------------------------------------------------------------------------------------------- models


def trained(library, rng, optimizer):
    model = library.Sequential([library.layers.Input((4,)), library.layers.Dense(3), library.layers.BatchNormalization(), library.layers.Dense(2)])
    model.compile(optimizer, "mse")
    model.fit(rng.standard_normal((8, 4)), rng.standard_normal((8, 2)), verbose=0)
    return model


MODELS = {
    "keras": lambda rng: trained(keras, rng, "adam"),
    "tf_keras": lambda rng: trained(tf_keras, rng, "adam"),
    "tf_keras_slots": lambda rng: trained(tf_keras, rng, tf_keras.optimizers.legacy.Adam()),
}


@pytest.mark.parametrize("kind", MODELS)
def test_model(rng, prefix, kind):
    model = MODELS[kind](rng)
    path = tf.train.Checkpoint(model=model, step=tf.Variable(3)).save(prefix)
    proto = agree(path)
    assert any(n.slot_variables for n in proto.nodes) == (kind == "tf_keras_slots")
    values = {v[2] for v in witness.ours(path).values() if v[0] != "string"}
    assert {witness.flat(np.asarray(w)) for w in model.get_weights()} <= values


def test_saved_weights(rng, prefix):
    MODELS["tf_keras_slots"](rng).save_weights(prefix, save_format="tf")
    assert agree(prefix).nodes


def test_saved_model_of_keras(rng, tmp_path):
    MODELS["tf_keras"](rng).save(str(tmp_path / "m"), save_format="tf")
    agree(str(tmp_path / "m"), prefix=str(tmp_path / "m" / "variables" / "variables"))

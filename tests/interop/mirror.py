"""Programs of the library with the objects of a program of TensorFlow's, and the claim that both save and restore the same."""
import os

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import trackable_object_graph_pb2
from tensorflow.python.trackable import data_structures

import ckpt
import draw
import program
import witness

GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"


def proto_of(path):
    return trackable_object_graph_pb2.TrackableObjectGraph.FromString(tf.train.load_checkpoint(path).get_tensor(GRAPH_KEY))


def contents(prefix):
    """{suffix: bytes} of the files of a checkpoint."""
    folder, base = os.path.split(prefix)
    found = {}
    for name in os.listdir(folder):
        if name.startswith(base + "."):
            with open(os.path.join(folder, name), "rb") as f:
                found[name[len(base):]] = f.read()
    return found


def same_files(found, expected):
    """Two checkpoints are the same, byte for byte."""
    found, expected = contents(found), contents(expected)
    assert sorted(found) == sorted(expected)
    differing = [n for n in expected if found[n] != expected[n]]
    assert not differing, [(n, len(found[n]), len(expected[n])) for n in differing]


def nameless(proto):
    """The same graph without the names that Keras numbers through."""
    for attribute in (a for n in proto.nodes for a in n.attributes):
        attribute.full_name = ""
    return proto


def same_content(found, expected):
    """Two checkpoints have the same objects and values; their variables may have other global names."""
    assert nameless(proto_of(found)) == nameless(proto_of(expected))
    found, expected = witness.read(found), witness.read(expected)
    for values in found, expected:
        del values[GRAPH_KEY.encode()]
    witness.same(found, expected)


class Mirror:
    """The objects that a tf.train.Checkpoint leads to, in the library; `path` is a checkpoint of it.

    Values are zeros, empty strings, and nothing: what they are later was restored. The save counter is the library's own.
    """

    def __init__(self, theirs, path):
        self.program, self.nodes = program.Program(), {}
        self.proto = proto_of(path)
        reader = tf.train.load_checkpoint(path)
        self.shapes, self.dtypes = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
        view = theirs._saver._graph_view
        self.objects, _ = view.breadth_first_traversal()
        ids = {id(o): i for i, o in enumerate(self.objects)}
        self.children = [[(ref.name, ids[id(ref.ref)]) for ref in view.list_children(o)] for o in self.objects]
        # What TensorFlow saved is what its program is now.
        assert self.children == [[(c.local_name, c.node_id) for c in n.children] for n in self.proto.nodes[:len(self.objects)]]
        attached = None if view.attached_dependencies is None else {ref.name for ref in view.attached_dependencies}
        self.children[0] = [(name, child) for name, child in self.children[0] if name not in (attached or ()) and name != "save_counter"]
        for i in range(len(self.objects)):
            self.make(i)
        for i in range(len(self.objects)):
            if self.kind(i) == "list":
                self.fill_list(i)
            elif self.kind(i) != "tuple":
                for name, child in self.children[i]:
                    self.program.track(self.nodes[i], name, self.nodes[child])
        for i, node in enumerate(self.proto.nodes):
            for slot in node.slot_variables:
                self.make(slot.slot_variable_node_id)
                slot_node = self.nodes[slot.slot_variable_node_id]
                self.program.set_slot(self.nodes[i], self.nodes[slot.original_variable_node_id], slot.slot_name, slot_node)
        if attached is not None:
            named = {c.local_name: self.nodes[c.node_id] for c in self.proto.nodes[0].children}
            attached = {name: named[name] for name in attached - {"root", "save_counter"}}
        self.checkpoint = program.Checkpoint(self.program, self.nodes[0], attached)

    def kind(self, i):
        theirs, names = self.objects[i], [name for name, _ in self.children[i]]
        if isinstance(theirs, data_structures.List) and all(n.isdigit() for n in names):  # ListWrapper is one
            return "list"
        if isinstance(theirs, data_structures._TupleWrapper):
            return "tuple"
        return "owner" if hasattr(theirs, "get_slot_names") else "object"

    def make(self, i):
        if i in self.nodes:
            return self.nodes[i]
        attributes = self.proto.nodes[i].attributes
        if attributes:
            node = self.make_value(attributes)
        elif i < len(self.objects) and self.kind(i) == "tuple":
            node = self.make_tuple(i)
        else:
            node = {"list": self.program.list, "owner": self.program.owner, "object": self.program.object}[self.kind(i)]()
        self.nodes[i] = node
        return node

    def make_value(self, attributes):
        first = attributes[0]
        if first.name == "VARIABLE_VALUE":
            return self.program.variable(self.zeros(first.checkpoint_key), first.full_name)
        if first.name == "py_state":
            return self.program.text(b"")
        if first.checkpoint_key not in self.shapes:  # the stem of the keys of several tensors
            return self.program.state({}, legacy=first.name)
        return self.program.state({}, names=[a.name for a in attributes])

    def zeros(self, key):
        dtype, shape = self.dtypes[key], self.shapes[key]
        if dtype == tf.string:
            return program.objects([b""] * int(np.prod(shape, dtype=int)), shape)
        return np.zeros(shape, dtype.as_numpy_dtype)

    def make_tuple(self, i):
        names = [name for name, _ in self.children[i]]
        fields = getattr(self.objects[i], "_fields", None)
        if fields is None:
            items = [0] * len(self.objects[i])
            for name, child in self.children[i]:
                items[int(name)] = self.make(child)
            return self.program.tuple(items)
        by_name = dict(self.children[i])
        assert set(names) <= set(fields) | {str(n) for n in range(len(fields))}
        return self.program.tuple([self.make(by_name[f]) if f in by_name else 0 for f in fields], fields)

    def fill_list(self, i):
        by_index = {int(name): child for name, child in self.children[i]}
        for index in range(len(self.objects[i])):
            self.program.append(self.nodes[i], self.nodes[by_index[index]] if index in by_index else 0)

    # ---- values

    def values(self):
        """[(attribute, array)] of all variables, by the ids of TensorFlow's file."""
        pairs = [(n.attributes[0], self.nodes[i]) for i, n in enumerate(self.proto.nodes) if n.attributes and i in self.nodes]
        return [(a, node) for a, node in pairs if a.name == "VARIABLE_VALUE"]

    def agree(self, path):
        """Every variable has the value that TensorFlow reads in a checkpoint."""
        theirs = witness.read(path)
        assert self.values()
        for attribute, node in self.values():
            if attribute.checkpoint_key != "save_counter/.ATTRIBUTES/VARIABLE_VALUE":
                ours = self.program.value(node)
                dtype, shape, flat = theirs[attribute.checkpoint_key.encode()]
                assert (ours.shape, witness.flat(ours)) == (shape, flat), attribute

    def change(self, rng):
        """Gives every variable another value of its dtype and shape."""
        for _, node in self.values():
            before = self.program.value(node)
            dtype = "string" if before.dtype == object else tf.as_dtype(before.dtype).name
            self.program.assign(node, draw.finite(rng, dtype, before.shape))


def both_ways(build, rng, folder, exactly=True):
    """TensorFlow's checkpoint is restored in full, saved as the same bytes, changed, saved, and restored in full by TensorFlow.

    `build` makes the same tf.train.Checkpoint each time. Unless `exactly`, its variables may be named otherwise each time.
    """
    theirs = build()
    path = theirs.save(os.path.join(folder, "theirs"))
    mirror = Mirror(theirs, path)
    mirror.checkpoint.restore(path).assert_consumed()
    mirror.agree(path)
    same_files(mirror.checkpoint.write(os.path.join(folder, "copy")), path)
    mirror.change(rng)
    changed = mirror.checkpoint.save(os.path.join(folder, "ours"))
    assert changed.endswith("ours-2") and not ckpt.verify(changed)
    again = build()
    again.restore(changed).assert_consumed()
    back = again.write(os.path.join(folder, "back"))
    (same_files if exactly else same_content)(back, changed)
    mirror.agree(back)
    return mirror

"""Runs the programs of scenarios by TensorFlow."""
import collections
import logging
import os
import weakref

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import tensorflow as tf
from tensorflow.core.protobuf import saver_pb2
from tensorflow.python.ops import gen_resource_variable_ops
from tensorflow.python.trackable import base, data_structures
from tensorflow.python.trackable.autotrackable import AutoTrackable

import histories
import world
from world import SKIPPED, Files

tf.get_logger().setLevel(logging.CRITICAL)

MESSAGE = 600


class Owner(AutoTrackable):
    """Owns slots. Those that a checkpoint has a value for wait until the program adds them, or are made if `creates`."""

    def __init__(self, creates):
        super().__init__()
        for name, value in (("creates", creates), ("table", {}), ("names", []), ("waiting", {})):
            object.__setattr__(self, name, value)

    def get_slot_names(self):
        return list(self.names)

    def get_slot(self, variable, name):
        return self.table[id(variable), name][1]

    def slot(self, variable, name):
        return self.table.get((id(variable), name), (None, None))[1]

    def _register(self, variable, name, slot):
        if name not in self.names:
            self.names.append(name)
        self.table[id(variable), name] = variable, slot

    def add_slot(self, variable, name, slot):
        there = self.slot(variable, name)
        if there is slot:
            return
        if there is not None:
            raise ValueError(f"the variable has a slot {name!r} already")
        self._register(variable, name, slot)
        waiting = self.waiting.pop((id(variable), name), [])
        for position in sorted(waiting, key=lambda p: p.restore_uid, reverse=True):
            position.restore(slot)

    def _create_or_restore_slot_variable(self, slot_variable_position, slot_name, variable, slot_variable_shape=None):
        slot = self.slot(variable, slot_name)
        if slot is None and self.creates and slot_variable_position.is_simple_variable():
            saved, key = slot_variable_position.checkpoint, slot_variable_position.object_proto.attributes[0].checkpoint_key
            slot = tf.Variable(tf.zeros(saved.shape_map[key], saved.dtype_map[key]), name="slot")
            self._register(variable, slot_name, slot)
        if slot is None:
            self.waiting.setdefault((id(variable), slot_name), []).append(slot_variable_position)
        return slot


class Text(tf.train.experimental.PythonState):
    def __init__(self, text):
        self.text = text

    def serialize(self):
        return self.text

    def deserialize(self, text):
        if not isinstance(text, bytes):  # TensorFlow gives whatever lies under the key
            raise TypeError("the state is no string")
        self.text = text


class Custom(base.Trackable):
    """Several named tensors."""

    def __init__(self, tensors):
        self.tensors = tensors

    def _serialize_to_tensors(self):
        return dict(self.tensors)

    def _restore_from_tensors(self, restored):
        self.tensors = {name: restored[name] for name in self.tensors}


def tensor(value):
    if value[0] == "string":  # not by NumPy, which takes zeros off the end of a string
        return tf.reshape(tf.constant([bytes.fromhex(e) for e in value[2]], tf.string), value[1])
    return tf.constant(histories.array_of(value), tf.as_dtype(value[0]))


def value(tensor):
    if tensor.dtype == tf.string:
        return ["string", tensor.shape.as_list(), [e.hex() for e in tf.reshape(tensor, [-1]).numpy()]]
    return histories.value_of(tensor.numpy())


def read(variable):
    return value(gen_resource_variable_ops.read_variable_op(variable.handle, variable.dtype))


class World(world.World):
    def error(self, e):
        return [type(e).__name__, str(e)[:MESSAGE]]

    def values(self, ids):
        values = {}
        for i in ids:
            node = self.nodes.get(i)
            if isinstance(node, tf.Variable):
                values[str(i)] = read(node)
            elif isinstance(node, Text):
                values[str(i)] = ["string", [], [node.text.hex()]]
            elif isinstance(node, Custom):
                values.update((f"{i}.{name}", value(t)) for name, t in node.tensors.items())
            elif isinstance(node, Owner):
                for v, slot in self.made_slots(node):
                    values[f"{i}.{v}"] = read(slot)
        for i in [i for i in self.checkpoints if i in ids]:
            counter = self.nodes[i]._lookup_dependency("save_counter")
            if counter is not None and all(counter is not node for node in self.nodes.values()):
                values[f"{i}.save_counter"] = read(counter)
        return values

    def made_slots(self, owner):
        """The slots that an owner has made itself, as name.variable."""
        if not owner.creates:
            return
        ids = {id(node): i for i, node in self.nodes.items()}
        for (variable, name), (_, slot) in owner.table.items():
            if id(slot) not in ids and variable in ids:
                yield f"{name}.{ids[variable]}", slot

    # ------------------------------------------------------------ objects

    def do_checkpoint(self, id, root=None, attached=None):
        if root is None:
            self.nodes[id] = self.checkpoints[id] = tf.train.Checkpoint()
        else:
            self.checkpoints[id] = self.with_root(self.nodes[root], {name: self.nodes[i] for name, i in attached.items()})

    def with_root(self, root, attached):
        return tf.train.Checkpoint(root, **attached)

    def do_object(self, id):
        self.nodes[id] = AutoTrackable()

    def do_owner(self, id, creates):
        self.nodes[id] = Owner(creates)

    def do_list(self, id):
        self.nodes[id] = data_structures.wrap_or_unwrap([])

    def do_dict(self, id):
        self.nodes[id] = data_structures.wrap_or_unwrap({})

    def do_tuple(self, id, items):
        return self.make_tuple(id, items, tuple)

    def do_named_tuple(self, id, fields, items):
        return self.make_tuple(id, items, lambda items: collections.namedtuple("Named", fields)(*items))

    def make_tuple(self, id, items, make):
        if not any(i in self.nodes for i in items):
            return SKIPPED  # which would be no trackable object
        self.nodes[id] = data_structures.wrap_or_unwrap(make([self.nodes.get(i) for i in items]))

    def do_variable(self, id, value, name=None, **accepts):
        shape = {"shape": tf.TensorShape(accepts["accepts"])} if accepts else {}
        self.nodes[id] = tf.Variable(tensor(value), name=name, **shape)

    def do_state(self, id, text):
        self.nodes[id] = Text(bytes.fromhex(text))

    def do_custom(self, id, tensors):
        self.nodes[id] = Custom({name: tensor(v) for name, v in tensors.items()})

    def do_assign(self, node, value=None, text=None, tensors=None):
        node = self.nodes[node]
        if isinstance(node, tf.Variable) and value is not None:
            if read(node)[:2] != value[:2]:
                return SKIPPED
            node.assign(tensor(value))
        elif isinstance(node, Text) and text is not None:
            node.text = bytes.fromhex(text)
        elif isinstance(node, Custom) and tensors is not None:
            node.tensors = {name: tensor(v) for name, v in tensors.items()}
        else:
            return SKIPPED

    # ------------------------------------------------------------ edges

    def do_track(self, parent, name, child, overwrite=False):
        parent = self.nodes[parent]
        if not isinstance(parent, AutoTrackable):
            return SKIPPED
        parent._track_trackable(self.nodes[child], name, overwrite=overwrite)

    def do_untrack(self, parent, name):
        parent = self.nodes[parent]
        if not isinstance(parent, AutoTrackable):
            return SKIPPED
        parent._maybe_initialize_trackable()
        if parent._lookup_dependency(name) is None:
            raise AttributeError(name)  # as `del parent.name` does
        parent._delete_tracking(name)

    def do_add_variable(self, id, parent, name, value):
        parent = self.nodes[parent]
        if not isinstance(parent, AutoTrackable):
            return SKIPPED
        self.add_restored_variable(id, parent, name, value)

    def add_restored_variable(self, id, parent, name, value, **accepts):
        """A variable with the value that waits for it, if any does, else this one."""
        def make(name, shape, dtype, initializer):
            if not isinstance(initializer, base.CheckpointInitialValueCallable):
                initializer = initializer(shape, dtype=dtype)
            self.nodes[id] = tf.Variable(initializer, dtype=dtype, **accepts)
            return self.nodes[id]
        parent._add_variable_with_custom_getter(name, shape=value[1], dtype=tf.as_dtype(value[0]), initializer=lambda *_, **__: tensor(value), getter=make)

    def container(self, i, kind):
        node = self.nodes[i]
        return node if isinstance(node, kind) else None

    def do_append(self, list, child):
        target = self.container(list, data_structures.ListWrapper)
        if target is None:
            return SKIPPED
        target.append(0 if child is None else self.nodes[child])

    def do_set_item(self, list, index, child):
        target = self.container(list, data_structures.ListWrapper)
        if target is None:
            return SKIPPED
        target[index] = 0 if child is None else self.nodes[child]

    def do_insert(self, list, index, child):
        target = self.container(list, data_structures.ListWrapper)
        if target is None:
            return SKIPPED
        target.insert(index, 0 if child is None else self.nodes[child])

    def do_pop(self, list, index):
        target = self.container(list, data_structures.ListWrapper)
        if target is None:
            return SKIPPED
        target.pop(index)

    def do_set(self, dict, key, child):
        target = self.container(dict, data_structures._DictWrapper)
        if target is None:
            return SKIPPED
        target[key] = self.nodes[child]

    def do_delete(self, dict, key):
        target = self.container(dict, data_structures._DictWrapper)
        if target is None:
            return SKIPPED
        del target[key]

    def do_slot(self, owner, variable, name, slot):
        owner = self.nodes[owner]
        if not isinstance(owner, Owner) or not isinstance(self.nodes[slot], tf.Variable):
            return SKIPPED
        owner.add_slot(self.nodes[variable], name, self.nodes[slot])

    # ------------------------------------------------------------ checkpoints

    def do_counter(self, checkpoint):
        self.checkpoints[checkpoint].save_counter  # noqa: B018, a property that does something

    def write(self, method, checkpoint, file):
        self.files[file] = getattr(self.checkpoints[checkpoint], method)(os.path.join(self.directory, file))
        return os.path.basename(self.files[file])

    def saver(self, variables, **options):
        """A saver of those that are variables; nothing if none is."""
        variables = {key: self.nodes[i] for key, i in variables.items() if isinstance(self.nodes[i], tf.Variable)}
        return tf.compat.v1.train.Saver(variables, **options) if variables else None

    def do_save_by_name(self, file, format, variables):
        saver = self.saver(variables, write_version=getattr(saver_pb2.SaverDef, format))
        if saver is None:
            return SKIPPED
        directory = os.path.join(self.directory, "by_name")  # its state file is not what this is about
        os.makedirs(directory, exist_ok=True)
        self.files[file] = saver.save(None, os.path.join(directory, file), write_meta_graph=False)

    def do_restore_by_name(self, file, variables):
        saver = self.saver(variables)
        if saver is None:
            return SKIPPED
        saver.restore(None, self.path(file))

    def load(self, method, checkpoint, path, status, skip_slots):
        options = tf.train.CheckpointOptions(experimental_skip_slot_variables=True) if skip_slots else None
        self.statuses[status] = getattr(self.checkpoints[checkpoint], method)(path, options)
        self.statuses[status].expect_partial()

    def ask(self, status, assertion):
        getattr(status, assertion)()


def run(scenario, directory, world=World):
    """The outcomes of a scenario's programs, and the checkpoints that they wrote to `directory`."""
    os.makedirs(directory, exist_ok=True)
    files, outcomes = Files(), []
    for operations in scenario["programs"]:
        outcomes.append(world(directory, files).run(operations))
    return outcomes, files.written_once()

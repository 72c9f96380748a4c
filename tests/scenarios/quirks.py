"""TensorFlow with its quirks mended, and the table of them.

Where TensorFlow has a bug, libcheckpoint does something else on purpose. What it does instead is said here as a change to TensorFlow itself: a scenario that
meets a quirk is run once more by TensorFlow as mended here, and it is that outcome, to the last bit, that the library must have. A mend notes when it acts
(`met`); where none does, this TensorFlow is TensorFlow as it is. So the whole difference between the two is what this file says, nothing is left out of the
comparison after a quirk was met, and nothing else may differ.
"""
import os
import weakref

import tensorflow_world  # the first to import TensorFlow: it says how
from tensorflow_world import Custom, Owner, Text

import tensorflow as tf
from tensorflow.core.protobuf import trackable_object_graph_pb2
from tensorflow.python.checkpoint import checkpoint as checkpoint_lib
from tensorflow.python.checkpoint import graph_view, restore
from tensorflow.python.trackable import base, data_structures, trackable_utils
from tensorflow.python.trackable.autotrackable import AutoTrackable

QUIRKS = {
    "failed_restore": "a restore() that fails has assigned values, has marked objects as restored and has left values waiting; here it leaves nothing",
    "failed_attach": "when the deferred restore of an edge fails, values with smaller keys are assigned, all count as restored, and the edge is half there; here \
nothing is assigned, the assertions about that restore fail, and the edge stands",
    "swallowed": "containers swallow a ValueError (a shape that does not fit, say) of the restore that an element sets off; here it is reported",
    "lost_element": "a container whose new element could not be restored has the edge, not the element",
    "deleted_key": "`del d[key]` leaves the edge, and what it led to is saved; here the edge goes",
    "negative_index": "`l[-1] = v` makes an edge named -1; here it has the index of the element",
    "counter_waits": "in root mode the counter takes the oldest value that waits for it, and forgets the others; here the newest, as everywhere",
    "own_counter": "an edge save_counter of the program's own makes a checkpoint fail, or is taken for its counter when the checkpoint is made; here it is \
taken, if it is an integer scalar, when the counter is needed",
    "counter_type": "a save_counter in the file that cannot be one (no int64; in root mode, no scalar) fails after everything else is restored; here restore() \
refuses it beforehand, since whatever can be known is checked before the first value is assigned",
    "counter_by_name": "in root mode restore() of a name-based checkpoint forgets the counter that it makes, and its assertions fail for that",
    "attached_name": "the root tracks a name that the checkpoint attaches: a KeyError on saving, or the edge saved twice; here an error of every walk, or one edge",
    "slots_of_a_stranger": "an AttributeError where slots were waiting and what is tracked instead of their owner is none; here they are dropped",
    "attributes_edge": "what lies under an edge named .ATTRIBUTES is saved and cannot be restored; here it can",
    "index_path": "the path of an index file is taken for a name-based checkpoint without any value; here for the checkpoint",
    "directory_path": "restore() fails for a directory; here it restores the latest checkpoint there, as everything else that opens a checkpoint does, TensorFlow's readers too",
    "reads_nothing": "a deferred restore opens the checkpoint, and fails if it is gone, even where there is nothing to read; here it does not",
    "falsy_root": "a root that is false in Python (an empty list, a variable that is 0) is ignored, or fails; here it is the root",
    "equal_kwarg": "a keyword argument and an edge of the root are compared by value; here they are the same object or not",
    "escaped_tensor": "a tensor of an object's own whose name has a dot or slash is saved under a key escaped twice, and cannot be restored; here once",
    "state_by_name": "an object with tensors of its own takes from a name-based checkpoint what has their bare names; here it has no names there",
    "state_type": "an object's own tensors must be of the types that they have now; here it is given what there is, and may refuse that itself",
    "waiting_fails": "add_variable() makes no variable when it cannot have the value that waits for it; here it fails as any restore does, the edge stands",
    "created_shape": "add_variable() makes a variable that keeps the shape of the value that waited for it; here the program asks for one that takes any",
    "waiting_shape": "add_variable() takes its shape from the checkpoint only if all values that wait are plain variables; here always",
}


class Mended(tensorflow_world.World):
    """TensorFlow as it is with these mends; `met` has the names of those that made a difference."""

    running = None  # the world that the patches below work for

    def __init__(self, directory, files):
        super().__init__(directory, files)
        self.met = []
        self.failure = None  # of a deferred restore
        self.loading = False
        self.created = {}  # variables that take any shape, with the one that they had when they were made
        self.adopted = {}  # the counters that TensorFlow takes when it makes a checkpoint

    def note(self, quirk):
        assert quirk in QUIRKS, quirk
        self.met.append(quirk)

    def apply(self, op):
        Mended.running, self.failure = self, None
        try:
            result = super().apply(op)
        finally:
            Mended.running = None
        if self.failure is not None:
            self.note("swallowed")
            raise self.failure
        return result

    # ------------------------------------------------------------ what is as it was before

    def trackables(self):
        counters = [c._save_counter for c in self.checkpoints.values() if c._save_counter is not None]
        owners = [n for n in self.nodes.values() if isinstance(n, Owner)]
        roots = [c for i, c in self.checkpoints.items() if i not in self.nodes]
        return [*self.nodes.values(), *counters, *roots, *(slot for o in owners for _, slot in o.table.values())]

    def state(self):
        """Of every object what a restore may change."""
        return {id(node): (node, *state_of(node)) for node in self.trackables()}

    def undo(self, before):
        """Makes every object what it was. Whether that made a difference."""
        different = False
        for node in self.trackables():
            if id(node) not in before:
                continue  # a counter or a slot that is new
            _, waiting, uid, by_name, value, slots = before[id(node)]
            now = state_of(node)
            different |= (now[0], now[1], now[2]) != (waiting, uid, by_name)
            different |= set_value(node, value)
            if slots is not None:
                different |= now[4] != slots
                for name, part in zip(("table", "names", "waiting"), slots):
                    object.__setattr__(node, name, part)
            node._deferred_dependencies.clear()
            node._deferred_dependencies.update(waiting)
            node._update_uid = uid
            node._name_based_restores.clear()
            node._name_based_restores.update(by_name)
        return different

    # ------------------------------------------------------------ operations

    def path(self, file, by="prefix"):
        path = super().path(file, by)
        if by == "index" and os.path.exists(path):
            self.note("index_path")
            return path.removesuffix(".index")
        if by == "directory":
            self.note("directory_path")
            latest = tf.train.latest_checkpoint(path)
            if latest is None:
                raise tf.errors.NotFoundError(None, None, "no checkpoint in the directory")
            return latest
        return path

    def load(self, method, checkpoint, path, status, skip_slots):
        before, target = self.state(), self.checkpoints[checkpoint]
        edges, attached = edges_of(root_of(target)), target._attached_dependencies
        had_counter, attached = target._save_counter is not None, attached and list(attached)
        self.loading = True
        try:
            if method == "restore":
                self.check_counter(self.checkpoints[checkpoint], path)
            super().load(method, checkpoint, path, status, skip_slots)
            if method == "restore" and not had_counter:
                self.restore_counter(target, status)
        except Exception:
            self.failure = None
            self.statuses.pop(status, None)
            different = self.undo(before)
            if not had_counter and target._save_counter is not None or edges != edges_of(root_of(target)):
                different = True
                target._save_counter = None
                set_edges(root_of(target), edges)
                target._attached_dependencies = data_structures.NoDependency(attached)
            if different:
                self.note("failed_restore")
            raise
        finally:
            self.loading = False

    def do_restore_by_name(self, file, variables):
        before = self.state()
        try:
            return super().do_restore_by_name(file, variables)
        except Exception:
            if self.undo(before):
                self.note("failed_restore")
            raise

    def check_counter(self, checkpoint, path):
        """The program's save_counter must be one, or the file's where it is yet to be made."""
        if path is None or checkpoint._save_counter is not None:
            return
        try:
            reader = tf.train.load_checkpoint(path)
        except Exception:
            return  # which restore() is going to find out
        there = root_of(checkpoint)._lookup_dependency("save_counter")
        if there is not None and not can_count(there):
            self.note("own_counter")
            raise ValueError("the root's save_counter is already declared as a dependency, and no counter")
        if there is not None or not reader.has_tensor(base.OBJECT_GRAPH_PROTO_KEY):
            return
        graph = trackable_object_graph_pb2.TrackableObjectGraph.FromString(reader.get_tensor(base.OBJECT_GRAPH_PROTO_KEY))
        for edge in graph.nodes[0].children:
            attributes = graph.nodes[edge.node_id].attributes
            if edge.local_name == "save_counter" and attributes:
                key = attributes[0].checkpoint_key
                is_scalar = reader.get_variable_to_shape_map()[key] == []
                if reader.get_variable_to_dtype_map()[key] != tf.int64 or checkpoint._attached_dependencies is not None and not is_scalar:
                    self.note("counter_type")
                    raise ValueError(f"Received incompatible tensor with shape, of {key}, for the save counter")

    def restore_counter(self, checkpoint, status):
        restore = self.statuses[status]._checkpoint if file_is_by_name(self.statuses[status]) else None
        if restore is not None and checkpoint._attached_dependencies is not None and checkpoint._save_counter._update_uid < restore.restore_uid:
            self.note("counter_by_name")
            checkpoint._save_counter._name_based_attribute_restore(restore)

    def with_root(self, root, attached):
        try:
            falsy = not root
        except Exception:
            falsy = True
        kept = {}
        root._maybe_initialize_trackable()
        for name, child in sorted({**attached, "root": root}.items()):
            there = root._lookup_dependency(name)
            if there is not None and differs(there, child) is not (there is not child):
                self.note("equal_kwarg")
            if there is not None and there is not child:
                raise ValueError(f"Cannot create a Checkpoint with keyword argument {name} if root.{name} already exists.")
            if there is None and name != "root":
                kept[name] = child
        if falsy:
            self.note("falsy_root")
        checkpoint = tf.train.Checkpoint(weakref.ref(root) if falsy else root, **kept)
        if checkpoint._save_counter is not None:
            self.adopted[id(checkpoint)] = checkpoint._save_counter
            checkpoint._save_counter = None
        return checkpoint

    def do_add_variable(self, id, parent, name, value):
        node = self.nodes[parent]
        node._maybe_initialize_trackable()
        waiting = isinstance(node, AutoTrackable) and node._lookup_dependency(name) is None and node._deferred_dependencies.get(name)
        if not waiting:
            return super().do_add_variable(id, parent, name, value)
        try:
            return self.add_open_variable(id, node, name, value, waiting)
        finally:
            self.created[id] = tensorflow_world.read(self.nodes[id])[1]

    def add_open_variable(self, id, node, name, value, waiting):
        dtype, shape = value[:2]
        newest = max(waiting, key=lambda position: position.restore_uid)
        attributes, saved = newest.object_proto.attributes, newest.checkpoint
        key = attributes[0].checkpoint_key if attributes else ""
        key = key[:key.rfind(".ATTRIBUTES/")] + ".ATTRIBUTES/VARIABLE_VALUE"
        dtype, shape = saved.dtype_map.get(key, tf.as_dtype(dtype)).name, saved.shape_map.get(key, shape)
        is_simple = all(position.is_simple_variable() for position in waiting)
        if is_simple and (dtype != value[0] or any(map(self.is_stale, waiting))):
            self.note("waiting_fails")
        elif not is_simple and shape != value[1]:
            self.note("waiting_shape")
        else:
            self.add_restored_variable(id, node, name, value, shape=tf.TensorShape(None))
            return
        self.nodes[id] = tf.Variable(tensorflow_world.tensor(value), shape=tf.TensorShape(None))
        node._track_trackable(self.nodes[id], name)

    def is_stale(self, position):
        """Whether the checkpoint is gone, or another without such a value lies there."""
        path = position.checkpoint.save_path_string
        if not os.path.exists(path + ".index"):
            return True
        key = position.object_proto.attributes[0].checkpoint_key if position.object_proto.attributes else None
        types = tf.train.load_checkpoint(path).get_variable_to_dtype_map()
        return key is not None and types.get(key) != position.checkpoint.dtype_map.get(key)

    def changed(self, op):
        changed = super().changed(op)
        for id, shape in self.created.items():
            if changed.get(str(id), [None, shape])[1] != shape:
                self.note("created_shape")
        return changed

    def do_append(self, list, child):
        return self.mended_element(list, data_structures.ListWrapper, child, super().do_append, lambda l, v: l._storage.append(v), list, child)

    def do_set_item(self, list, index, child):
        target = self.container(list, data_structures.ListWrapper)
        if target is not None and child is not None and -len(target) <= index < 0:
            self.note("negative_index")
            index += len(target)

        def put(target, element):
            target._storage[index] = element
        return self.mended_element(list, data_structures.ListWrapper, child, super().do_set_item, put, list, index, child)

    def do_set(self, dict, key, child):
        def put(target, element):
            target.__wrapped__[key] = element
        return self.mended_element(dict, data_structures._DictWrapper, child, super().do_set, put, dict, key, child)

    def mended_element(self, container, kind, child, change, put, *arguments):
        try:
            return change(*arguments)
        except Exception:
            if self.failure is not None:  # of the restore, not of the change itself
                self.note("lost_element")
                target = self.container(container, kind)
                put(target, self.nodes[child])
                target._update_snapshot()
            raise

    def do_delete(self, dict, key):
        result = super().do_delete(dict, key)
        target = self.container(dict, data_structures._DictWrapper)
        if target is not None and key in target._unconditional_dependency_names:
            self.note("deleted_key")
            del target._unconditional_dependency_names[key]
            edges = target._unconditional_checkpoint_dependencies
            edges[:] = [edge for edge in edges if edge.name != key]
        return result


def file_is_by_name(status):
    return isinstance(status, checkpoint_lib.NameBasedSaverStatus)


def edges_of(node):
    node._maybe_initialize_trackable()
    return list(node._unconditional_checkpoint_dependencies)


def set_edges(node, edges):
    node._unconditional_checkpoint_dependencies[:] = edges
    node._unconditional_dependency_names.clear()
    node._unconditional_dependency_names.update(edges)


def state_of(node):
    node._maybe_initialize_trackable()
    waiting = {name: list(positions) for name, positions in node._deferred_dependencies.items()}
    value, slots = None, None
    if isinstance(node, tf.Variable):
        value = node.read_value()
    elif isinstance(node, Text):
        value = node.text
    elif isinstance(node, Custom):
        value = node.tensors
    elif isinstance(node, Owner):
        slots = dict(node.table), list(node.names), {key: list(positions) for key, positions in node.waiting.items()}
    return waiting, node._update_uid, set(node._name_based_restores), value, slots


def set_value(node, value):
    """Whether it had another."""
    if isinstance(node, tf.Variable):
        different = tensorflow_world.value(node.read_value()) != tensorflow_world.value(value)
        node.assign(value)
    elif isinstance(node, Text):
        different, node.text = node.text != value, value
    elif isinstance(node, Custom):
        different, node.tensors = node.tensors is not value, value
    else:
        return False
    return different


def differs(there, child):
    """What TensorFlow makes of `there != child`; None where it fails."""
    try:
        return bool(there != child)
    except Exception:
        return None


# ------------------------------------------------------------------------------------------ patches


def patch(owner, name):
    """Replaces a function of TensorFlow's; the new one gets the world, if a mended one is running, and the original."""
    def decorate(function):
        original = getattr(owner, name)

        def patched(*arguments, **keywords):
            world = Mended.running
            return original(*arguments, **keywords) if world is None else function(world, original, *arguments, **keywords)
        setattr(owner, name, patched)
        return function
    return decorate


@patch(base.Trackable, "_track_trackable")
def track(world, original, parent, trackable, name, overwrite=False):
    """The edge is whole before anything is restored through it."""
    parent._maybe_initialize_trackable()
    if parent._lookup_dependency(name) is not None:
        return original(parent, trackable, name, overwrite)
    try:
        return original(parent, trackable, name, overwrite)
    except Exception:
        if world.failure is not None:
            parent._unconditional_dependency_names[name] = trackable
        raise


@patch(restore.CheckpointPosition, "restore")
def attach(world, original, position, trackable, reader=None):
    """What is tracked where a value waits for it is given all of its values or none, and what failed is known to the assertions."""
    if reader is not None:  # the restore() itself, which is undone as a whole
        return original(position, trackable, reader)
    before = world.state()
    made = {id(slot) for slot in world.trackables()}
    try:
        return original(position, trackable)
    except Exception as e:
        world.note("failed_attach")
        world.failure = e
        position.checkpoint.failed = True
        for node in world.trackables():
            if id(node) in before:
                set_value(node, before[id(node)][4])
            elif id(node) not in made:  # a slot, made for the value that it now does not get
                node.assign(tf.zeros_like(node))
        raise


@patch(checkpoint_lib._CheckpointRestoreCoordinator, "restore_saveables")
def read(world, original, restore, tensor_saveables, python_positions, registered_savers=None, reader=None):
    """A deferred restore opens the checkpoint if it has anything to read."""
    if reader is None and not tensor_saveables and not python_positions:
        if not os.path.exists(restore.save_path_string + ".index"):
            world.note("reads_nothing")
        return []
    return original(restore, tensor_saveables, python_positions, registered_savers, reader)


@patch(restore.CheckpointPosition, "_create_serialize_to_tensor_saveable")
def take_any_type(world, original, position, factories):
    """An object with tensors of its own is asked only for their names."""
    node, types = position.trackable, position.checkpoint.dtype_map
    if isinstance(node, Custom):
        key = position.object_proto.attributes[0].checkpoint_key
        prefix = key[:key.rindex(".ATTRIBUTES/")] + ".ATTRIBUTES/"
        other = {name: types[prefix + name] for name, t in node.tensors.items() if types.get(prefix + name, t.dtype) != t.dtype}
        if other:
            world.note("state_type")
            node.tensors = {name: tf.zeros([], other[name]) if name in other else t for name, t in node.tensors.items()}
    return original(position, factories)


@patch(trackable_utils, "checkpoint_key")
def key_of_tensor(world, original, path, name):
    """The name of an object's own tensor is escaped already."""
    key = f"{path}/.ATTRIBUTES/{name}"
    if original(path, name) != key:
        world.note("escaped_tensor")
    return key


@patch(checkpoint_lib._NameBasedRestoreCoordinator, "globally_named_object_attributes")
def named_attributes(world, original, restore, trackable):
    if not isinstance(trackable, Custom):
        return original(restore, trackable)
    if all(trackable_utils.escape_local_name(name) in restore.dtype_map for name in trackable.tensors):
        world.note("state_by_name")
    restore.unused_attributes.setdefault(trackable, []).append("")
    return iter(())


def refuse_failed(world, original, status):
    if getattr(status._checkpoint, "failed", False):
        raise AssertionError("a value was not assigned")
    return original(status)


patch(checkpoint_lib.CheckpointLoadStatus, "assert_consumed")(refuse_failed)
patch(checkpoint_lib.CheckpointLoadStatus, "assert_existing_objects_matched")(refuse_failed)
patch(checkpoint_lib.NameBasedSaverStatus, "assert_consumed")(refuse_failed)


@patch(checkpoint_lib.Checkpoint, "_maybe_create_save_counter")
def create_counter(world, original, checkpoint):
    """The edge that is there when the counter is needed is the counter; a new one is given to everything that waits for it, the newest first."""
    if checkpoint._save_counter is not None:
        return original(checkpoint)
    root, is_attached = root_of(checkpoint), checkpoint._attached_dependencies is not None
    there = root._lookup_dependency("save_counter")
    if there is not None:
        if there is not world.adopted.get(id(checkpoint)):
            world.note("own_counter")
        if not can_count(there):
            world.note("own_counter")
            raise ValueError("the root's save_counter is already declared as a dependency, and no counter")
        checkpoint._save_counter = data_structures.NoDependency(there)
        return None
    if id(checkpoint) in world.adopted:
        world.note("own_counter")
    waiting = root._deferred_dependencies.get("save_counter", [])
    if is_attached:
        waiting.sort(key=lambda position: position.restore_uid, reverse=True)
        if waiting[1:]:
            world.note("counter_waits")
        later = waiting[1:]
        original(checkpoint)
        for position in later:
            position.restore(checkpoint._save_counter)
    elif waiting and (any(map(world.is_stale, waiting)) or not all(map(counts, waiting))):
        world.note("waiting_fails" if any(map(world.is_stale, waiting)) else "counter_type")
        checkpoint._save_counter = data_structures.NoDependency(tf.Variable(0, dtype=tf.int64, name="save_counter", trainable=False))
        root._track_trackable(checkpoint._save_counter, "save_counter")
    else:
        original(checkpoint)
    return None


def root_of(checkpoint):
    root = checkpoint._root
    root = root() if isinstance(root, weakref.ref) else root
    return checkpoint if root is None else root


def can_count(node):
    return isinstance(node, tf.Variable) and node.dtype.is_integer and tensorflow_world.read(node)[1] == []


def counts(position):
    """Whether a save counter can be restored from it."""
    saved, attributes = position.checkpoint, position.object_proto.attributes
    key = attributes[0].checkpoint_key if attributes else None
    return position.is_simple_variable() and saved.dtype_map[key] == tf.int64


@patch(base.Trackable, "_name_based_attribute_restore")
def restore_by_name(world, original, trackable, restore):
    if world.loading:  # the restore() itself, which is undone as a whole
        return original(trackable, restore)
    before = state_of(trackable)[3]
    try:
        return original(trackable, restore)
    except Exception as e:
        world.note("failed_attach")
        world.failure = e
        restore.failed = True
        set_value(trackable, before)
        trackable._update_uid = restore.restore_uid
        raise


@patch(restore, "_queue_slot_variables")
def queue_slots(world, original, position, queue):
    """What is no owner takes no slots."""
    waiting = position.checkpoint.deferred_slot_restorations
    if position.proto_id in waiting and not hasattr(position.trackable, "_create_or_restore_slot_variable"):
        world.note("slots_of_a_stranger")
        del waiting[position.proto_id]
    return original(position, queue)


@patch(restore, "_extract_saveable_name")
def extract_name(world, original, key):
    """A key's last .ATTRIBUTES/ is the one before the name of the tensor."""
    end = key.rindex(".ATTRIBUTES/") + len(".ATTRIBUTES/")
    if original(key) != key[:end]:
        world.note("attributes_edge")
    return key[:end]


@patch(graph_view.ObjectGraphView, "list_children")
def list_children(world, original, view, obj, *arguments, **keywords):
    """An attached edge and one of the root are the same edge, or an error."""
    children = original(view, obj, *arguments, **keywords)
    if obj is not view.root or not view.attached_dependencies:
        return children
    attached = {edge.name: edge.ref for edge in view.attached_dependencies}
    own = children[:len(children) - len(attached)]
    for name, child in own:
        if name in attached:
            world.note("attached_name")
            if attached[name] is not child:
                raise ValueError(f"the root has an edge {name!r} of its own")
    names = {name for name, _ in own}
    return own + [edge for edge in children[len(own):] if edge.name not in names]

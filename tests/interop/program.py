"""Programs of the library over its C ABI: graphs of objects, their checkpoints, savers by names. Values are NumPy arrays."""
import ctypes
import os

import numpy as np
import tensorflow as tf

import ckpt
import witness
from ckpt import CONSTANTS, LIB, Bytes, CheckpointError, call, made, numbers

STATE = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


def text(name):
    encoded = name.encode() if isinstance(name, str) else bytes(name)
    return encoded, len(encoded)


def elements(values):
    """An array of ckpt_bytes, which holds what it points to."""
    held = [ctypes.create_string_buffer(bytes(v), max(1, len(v))) for v in values]
    array = (Bytes * len(values))(*[Bytes(ctypes.addressof(b), len(v)) for b, v in zip(held, values)])
    array.held = held
    return array


def names_of(names):
    return elements([n.encode() for n in names])


def nodes_of(nodes):
    return (ctypes.c_uint64 * len(nodes))(*nodes)


def dims(pointer, rank):
    return tuple(ctypes.cast(pointer, ctypes.POINTER(ctypes.c_int64))[:rank]) if rank > 0 else ()


def number(array):
    return tf.as_dtype(tf.string if array.dtype == object else array.dtype).as_datatype_enum


def array_of(dtype, shape, data):
    return np.frombuffer(data, tf.as_dtype(dtype).as_numpy_dtype).reshape(shape)


def strings_at(handle):
    """The elements of an owned ckpt_strings."""
    try:
        return [bytes(LIB.ckpt_strings_get(handle, i)) for i in range(LIB.ckpt_strings_count(handle))]
    finally:
        LIB.ckpt_strings_free(handle)


def objects(values, shape):
    array = np.empty(len(values), object)
    array[:] = values
    return array.reshape(shape)


def string_at(handle):
    try:
        return bytes(LIB.ckpt_string_bytes(handle)).decode()
    finally:
        LIB.ckpt_string_free(handle)


class Options:
    """ckpt_<kind>_options; every setting is a call of ckpt_<kind>_options_set_<name>."""

    def __init__(self, kind, **settings):
        self.kind, self.handle = kind, getattr(LIB, f"ckpt_{kind}_options_new")()
        for name, value in settings.items():
            self.set(name, *(value if isinstance(value, tuple) else (value,)))

    def set(self, name, *value):
        """A value may be Options: they live until the call has returned, which copies them."""
        handles = [v.handle if isinstance(v, Options) else v for v in value]
        call(f"ckpt_{self.kind}_options_set_{name}", self.handle, *handles)
        return self

    def add(self, name, *value):
        call(f"ckpt_{self.kind}_options_add_{name}", self.handle, *value)
        return self

    def __del__(self):
        if hasattr(self, "handle"):
            getattr(LIB, f"ckpt_{self.kind}_options_free")(self.handle)


def unsynced():
    return Options("save", write_options=Options("write", durability=CONSTANTS["CKPT_DURABILITY_NONE"]))


class Variants(list):
    """The serialized elements of a variant tensor, of rank 1."""


class State:
    """An object with tensors of its own: {name: array or Variants}."""

    def __init__(self, tensors):
        self.tensors = dict(tensors)
        self.callbacks = STATE(self.save), STATE(self.restore)
        self.failure = None

    def save(self, _, sink, failure):
        return self.guard(lambda: [self.put(sink, name, value) for name, value in self.tensors.items()])

    def guard(self, body):
        try:
            body()
            return 0
        except Exception as e:  # a callback of C must not raise
            self.failure = e
            return CONSTANTS["CKPT_CODE_INTERNAL"]

    @staticmethod
    def put(sink, name, value):
        if isinstance(value, Variants):
            call("ckpt_sink_put_variants", sink, *text(name), numbers([len(value)]), 1, elements(value), len(value))
            return
        shape = numbers(value.shape)
        if value.dtype == object:
            flat = witness.flat(value)
            call("ckpt_sink_put_strings", sink, *text(name), shape, value.ndim, elements(flat), len(flat))
        else:
            data = value.tobytes()
            call("ckpt_sink_put", sink, *text(name), number(value), shape, value.ndim, ctypes.c_char_p(data), len(data))

    def restore(self, _, source, failure):
        def take():
            self.tensors = dict(self.get(LIB.ckpt_source_get(source, i)) for i in range(LIB.ckpt_source_count(source)))
        return self.guard(take)

    @staticmethod
    def get(tensor):
        name = bytes(LIB.ckpt_source_tensor_name(tensor)).decode()
        dtype = LIB.ckpt_source_tensor_dtype(tensor)
        shape = dims(LIB.ckpt_source_tensor_shape(tensor), LIB.ckpt_source_tensor_rank(tensor))
        strings = [bytes(LIB.ckpt_source_tensor_string(tensor, i)) for i in range(LIB.ckpt_source_tensor_string_count(tensor))]
        if dtype == CONSTANTS["CKPT_DTYPE_VARIANT"]:
            return name, Variants(strings)
        if dtype == CONSTANTS["CKPT_DTYPE_STRING"]:
            return name, objects(strings, shape)
        return name, array_of(dtype, shape, bytes(LIB.ckpt_source_tensor_bytes(tensor)))


class Program:
    """A graph. Its objects are numbers."""

    def __init__(self):
        self.handle = LIB.ckpt_graph_new()
        self.states = {}

    def __del__(self):
        LIB.ckpt_graph_free(self.handle)

    def node(self, function, *arguments):
        node = ctypes.c_uint64()
        call(function, self.handle, *arguments, ctypes.byref(node))
        return node.value

    # ---- objects

    def object(self, **children):
        return self.with_children(self.node("ckpt_graph_add_object", None), children)

    def owner(self, **children):
        """What has slots."""
        return self.with_children(self.node("ckpt_graph_add_slot_owner", None, None, None, None), children)

    def with_children(self, node, children):
        for name, child in children.items():
            self.track(node, name, child)
        return node

    def variable(self, value, name=""):
        array = np.asarray(value)
        options = Options("node").set("name", *text(name)) if name else None
        handle = options.handle if options else None
        shape = numbers(array.shape)
        if array.dtype == object:
            flat = witness.flat(array)
            return self.node("ckpt_graph_add_strings", shape, array.ndim, elements(flat), len(flat), handle)
        data = array.tobytes()
        return self.node("ckpt_graph_add_owned", number(array), shape, array.ndim, ctypes.c_char_p(data), len(data), handle)

    def part(self, value, whole, box, name=""):
        """A variable that is the part in a box of a tensor of the shape `whole`."""
        array = np.ascontiguousarray(value)
        start, length = zip(*box)
        options = Options("node").set("part", numbers(whole), numbers(start), numbers(length), len(whole))
        if name:
            options.set("name", *text(name))
        data = array.tobytes()
        arguments = numbers(array.shape), array.ndim, ctypes.c_char_p(data), len(data)
        return self.node("ckpt_graph_add_owned", number(array), *arguments, options.handle)

    def unset(self):
        """A variable of whatever dtype and shape its first value has."""
        return self.node("ckpt_graph_add_without_value", CONSTANTS["CKPT_DTYPE_INVALID"], None, -1, None)

    def text(self, value):
        return self.node("ckpt_graph_add_text", *text(value), None)

    def state(self, tensors, legacy=None, names=None):
        state, options = State(tensors), Options("node")
        if legacy is not None:
            options.set("legacy_name", *text(legacy))
        if names is not None:
            options.set("tensor_names", names_of(names), len(names))
        node = self.node("ckpt_graph_add_state", *state.callbacks, None, None, options.handle)
        self.states[node] = state
        return node

    def list(self, items=()):
        node = self.node("ckpt_graph_add_list", None)
        for item in items:
            self.append(node, item)
        return node

    def dict(self, items=()):
        node = self.node("ckpt_graph_add_dict", None)
        for key, child in dict(items).items():
            call("ckpt_graph_dict_set", self.handle, node, *text(key), child)
        return node

    def tuple(self, items, fields=None):
        if fields is None:
            return self.node("ckpt_graph_add_tuple", nodes_of(items), len(items), None)
        return self.node("ckpt_graph_add_named_tuple", names_of(fields), nodes_of(items), len(items), None)

    # ---- edges

    def track(self, parent, name, child):
        call("ckpt_graph_track", self.handle, parent, *text(name), child)

    def append(self, list, child):
        """0 for an element that is not tracked."""
        call("ckpt_graph_list_append", self.handle, list, child)

    def set_slot(self, owner, variable, name, slot):
        call("ckpt_graph_set_slot", self.handle, owner, variable, *text(name), slot)

    def slot(self, owner, variable, name):
        return self.node("ckpt_graph_slot", owner, variable, *text(name))

    def child(self, parent, *names):
        for name in names:
            parent = self.node("ckpt_graph_lookup", parent, *text(name))
            assert parent, name
        return parent

    def children(self, node):
        handle = made("ckpt_graph_children", self.handle, node)
        try:
            return {bytes(LIB.ckpt_nodes_name(handle, i)).decode(): LIB.ckpt_nodes_get(handle, i) for i in range(LIB.ckpt_nodes_count(handle))}
        finally:
            LIB.ckpt_nodes_free(handle)

    # ---- values

    def value(self, node):
        """An array; None of a variable without a value."""
        description = made("ckpt_graph_describe", self.handle, node)
        dtype, rank = LIB.ckpt_description_dtype(description), LIB.ckpt_description_rank(description)
        shape = dims(LIB.ckpt_description_shape(description), rank)
        LIB.ckpt_description_free(description)
        if rank < 0:
            return None
        if dtype == CONSTANTS["CKPT_DTYPE_STRING"]:
            return objects(strings_at(made("ckpt_graph_read_strings", self.handle, node)), shape)
        size = LIB.ckpt_dtype_size(dtype) * int(np.prod(shape, dtype=int))
        buffer = ctypes.create_string_buffer(max(1, size))
        call("ckpt_graph_read", self.handle, node, buffer, size)
        return array_of(dtype, shape, buffer.raw[:size])

    def assign(self, node, value):
        array = np.asarray(value)
        shape = numbers(array.shape)
        if array.dtype == object:
            flat = witness.flat(array)
            call("ckpt_graph_assign_strings", self.handle, node, shape, array.ndim, elements(flat), len(flat))
        else:
            data = array.tobytes()
            call("ckpt_graph_assign", self.handle, node, number(array), shape, array.ndim, ctypes.c_char_p(data), len(data))


class Checkpoint:
    """Of a root; with `attached`, {name: object}, as tf.train.Checkpoint(root, **attached)."""

    def __init__(self, program, root, attached=None):
        self.program, self.root = program, root
        if attached is None:
            self.handle = made("ckpt_checkpoint_new", program.handle, root)
        else:
            arguments = names_of(attached), nodes_of(list(attached.values())), len(attached)
            self.handle = made("ckpt_checkpoint_new_with_root", program.handle, root, *arguments)

    def __del__(self):
        if hasattr(self, "handle"):
            LIB.ckpt_checkpoint_free(self.handle)

    def save(self, prefix):
        options = unsynced()
        return string_at(made("ckpt_checkpoint_save", self.handle, os.fsencode(prefix), options.handle))

    def write(self, prefix):
        options = unsynced()
        return string_at(made("ckpt_checkpoint_write", self.handle, os.fsencode(prefix), options.handle))

    def restore(self, path, options=None):
        return Status(made("ckpt_checkpoint_restore", self.handle, os.fsencode(path), options and options.handle))

    def read(self, path, options=None):
        return Status(made("ckpt_checkpoint_read", self.handle, os.fsencode(path), options and options.handle))

    def save_count(self):
        count = ctypes.c_int64()
        call("ckpt_checkpoint_save_count", self.handle, ctypes.byref(count))
        return count.value


class Status:
    def __init__(self, handle):
        self.handle = handle

    def __del__(self):
        LIB.ckpt_status_free(self.handle)

    def assert_consumed(self):
        call("ckpt_status_assert_consumed", self.handle)
        return self

    def assert_existing_objects_matched(self):
        call("ckpt_status_assert_existing_objects_matched", self.handle)
        return self

    def rows(self):
        """[(state, path)] of the report as things stand."""
        return rows_at(made("ckpt_status_report", self.handle))

    def fails(self, assertion):
        """The message of an assertion that must not hold."""
        try:
            getattr(self, assertion)()
        except CheckpointError as e:
            assert e.reason == CONSTANTS["CKPT_REASON_ASSERTION"], e
            return e.message
        raise AssertionError(f"{assertion} holds")


ROW_STATES = {v: k[len("CKPT_ROW_STATE_"):].lower() for k, v in CONSTANTS.items() if k.startswith("CKPT_ROW_STATE_")}


def rows_at(report):
    try:
        rows = [LIB.ckpt_report_get(report, i) for i in range(LIB.ckpt_report_count(report))]
        return [(ROW_STATES[LIB.ckpt_report_row_state(r)], bytes(LIB.ckpt_report_row_path(r)).decode()) for r in rows]
    finally:
        LIB.ckpt_report_free(report)


class Saver:
    """Saves {name: node}, or nodes by their own names."""

    def __init__(self, program, named, **options):
        self.program = program
        options = Options("saver", **options)
        if isinstance(named, dict):
            arguments = "ckpt_saver_new", program.handle, names_of(named), nodes_of(list(named.values()))
        else:
            arguments = "ckpt_saver_new_of_variables", program.handle, nodes_of(named)
        self.handle = made(*arguments, len(named), options.handle)

    def __del__(self):
        if hasattr(self, "handle"):
            LIB.ckpt_saver_free(self.handle)

    def save(self, prefix, **options):
        options = Options("saver_save", save_options=unsynced(), **options)
        return string_at(made("ckpt_saver_save", self.handle, os.fsencode(prefix), options.handle))

    def restore(self, path):
        return rows_at(made("ckpt_saver_restore", self.handle, os.fsencode(path), None))

    def last_checkpoints(self):
        return [os.fsdecode(p) for p in strings_at(made("ckpt_saver_last_checkpoints", self.handle))]

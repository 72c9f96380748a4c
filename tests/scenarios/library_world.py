"""Runs the programs of scenarios by libcheckpoint, over its C ABI."""
import ctypes
import itertools
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))

import ckpt
from ckpt import CONSTANTS, LIB, Bytes, CheckpointError

import histories
import world
from world import SKIPPED, Files

DTYPE = {name: CONSTANTS["CKPT_DTYPE_" + number] for name, number in {
    "float32": "FLOAT", "float64": "DOUBLE", "int32": "INT32", "int64": "INT64", "bool": "BOOL", "float16": "HALF", "bfloat16": "BFLOAT16",
    "string": "STRING"}.items()}
NAME = {number: name for name, number in DTYPE.items()}
SIZE = {DTYPE[name]: histories.numpy_dtype(name).itemsize for name in DTYPE if name != "string"}

# Callbacks that save state, restore it, and make slots.
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


def numbers(values):
    return (ctypes.c_int64 * len(values))(*values)


def elements(strings):
    """An array of ckpt_bytes, and what must live as long as it."""
    held = [ctypes.create_string_buffer(s, max(1, len(s))) for s in strings]
    array = (Bytes * len(strings))(*[Bytes(ctypes.addressof(b), len(s)) for b, s in zip(held, strings)])
    array.held = held
    return array


def strings_of(value):
    return [bytes.fromhex(e) for e in value[2]]


def text(name):
    encoded = name.encode()
    return encoded, len(encoded)


class State:
    """An object with tensors of its own."""

    def __init__(self, tensors):
        self.tensors = tensors
        self.callbacks = CALLBACK(self.save), CALLBACK(self.restore)

    def save(self, _, sink, failure):
        try:
            for name, value in self.tensors.items():
                shape = numbers(value[1])
                if value[0] == "string":
                    array = elements(strings_of(value))
                    ckpt.call("ckpt_sink_put_strings", sink, *text(name), shape, len(shape), array, len(array))
                else:
                    data = bytes.fromhex(value[2])
                    ckpt.call("ckpt_sink_put", sink, *text(name), DTYPE[value[0]], shape, len(shape), ctypes.c_char_p(data), len(data))
        except CheckpointError:
            return CONSTANTS["CKPT_CODE_INTERNAL"]
        return 0

    def restore(self, _, source, failure):
        restored = {}
        for name in self.tensors:
            tensor = LIB.ckpt_source_find(source, *text(name))
            if not tensor:
                return CONSTANTS["CKPT_CODE_NOT_FOUND"]
            dtype = LIB.ckpt_source_tensor_dtype(tensor)
            shape = shape_at(LIB.ckpt_source_tensor_shape(tensor), LIB.ckpt_source_tensor_rank(tensor))
            if dtype == DTYPE["string"]:
                count = LIB.ckpt_source_tensor_string_count(tensor)
                content = [bytes(LIB.ckpt_source_tensor_string(tensor, i)).hex() for i in range(count)]
            else:
                content = bytes(LIB.ckpt_source_tensor_bytes(tensor)).hex()
            restored[name] = [NAME[dtype], shape, content]
        self.tensors = restored
        return 0


def shape_at(pointer, rank):
    return list(ctypes.cast(pointer, ctypes.POINTER(ctypes.c_int64))[:rank]) if rank else []


class Options:
    def __init__(self, kind):
        self.kind = kind
        self.handle = getattr(LIB, f"ckpt_{kind}_options_new")()

    def __enter__(self):
        return self

    def set(self, option, *arguments):
        ckpt.call(f"ckpt_{self.kind}_options_set_{option}", self.handle, *arguments)
        return self

    def __exit__(self, *_):
        getattr(LIB, f"ckpt_{self.kind}_options_free")(self.handle)


@CALLBACK
def create_slot(_, request, failure):
    with Options("node").set("name", *text("slot")) as options:
        return LIB.ckpt_slot_request_set_owned(request, options.handle, None)


class World(world.World):
    """`theirs`: the checkpoints that TensorFlow made of the scenario, for those that it alone can make."""

    def __init__(self, directory, files, theirs):
        super().__init__(directory, files)
        self.theirs = theirs
        self.graph = LIB.ckpt_graph_new()
        self.kinds, self.states = {}, {}
        self.held = []  # memory that variables borrow
        self.owners = []  # those that make slots

    def run(self, operations):
        try:
            return super().run(operations)
        finally:
            for handle in self.statuses.values():
                LIB.ckpt_status_free(handle)
            for handle in self.checkpoints.values():
                LIB.ckpt_checkpoint_free(handle)
            LIB.ckpt_graph_free(self.graph)

    def error(self, e):
        if not isinstance(e, CheckpointError):
            raise e
        return [e.code, e.message]

    def values(self, ids):
        values = {}
        for i in ids:
            kind = self.kinds.get(i)
            if kind == "variable":
                values[str(i)] = self.value(self.nodes[i])
            elif kind == "state":
                values[str(i)] = ["string", [], self.strings(self.nodes[i])]
            elif kind == "custom":
                values.update((f"{i}.{name}", v) for name, v in self.states[i].tensors.items())
        for owner, variable, name in itertools.product([i for i in self.owners if i in ids], self.nodes, ("m", "v")):
            slot = self.node("ckpt_graph_slot", self.nodes[owner], self.nodes[variable], *text(name))
            if slot and slot not in self.nodes.values():
                values[f"{owner}.{name}.{variable}"] = self.value(slot)
        for i in [i for i in self.checkpoints if i in ids]:
            counter = self.node("ckpt_graph_lookup", self.nodes[i], *text("save_counter"))
            if counter and counter not in self.nodes.values():
                values[f"{i}.save_counter"] = self.value(counter)
        return values

    def value(self, node):
        description = ctypes.c_void_p()
        ckpt.call("ckpt_graph_describe", self.graph, node, ctypes.byref(description))
        dtype, rank = LIB.ckpt_description_dtype(description), LIB.ckpt_description_rank(description)
        shape = shape_at(LIB.ckpt_description_shape(description), max(0, rank))
        LIB.ckpt_description_free(description)
        if rank < 0:
            return None
        if dtype == DTYPE["string"]:
            return ["string", shape, self.strings(node)]
        size = SIZE[dtype]
        for n in shape:
            size *= n
        buffer = ctypes.create_string_buffer(max(1, size))
        ckpt.call("ckpt_graph_read", self.graph, node, buffer, size)
        return [NAME[dtype], shape, buffer.raw[:size].hex()]

    def strings(self, node):
        strings = ckpt.made("ckpt_graph_read_strings", self.graph, node)
        try:
            return [bytes(LIB.ckpt_strings_get(strings, i)).hex() for i in range(LIB.ckpt_strings_count(strings))]
        finally:
            LIB.ckpt_strings_free(strings)

    # ------------------------------------------------------------ objects

    def node(self, function, *arguments):
        """Calls a function whose output is a node; 0 when it gives none."""
        node = ctypes.c_uint64()
        ckpt.call(function, self.graph, *arguments, ctypes.byref(node))
        return node.value

    def add(self, i, kind, function, *arguments):
        self.nodes[i] = self.node(function, *arguments)
        self.kinds[i] = kind

    def do_checkpoint(self, id, root=None, attached=None):
        if root is None:
            self.add(id, "object", "ckpt_graph_add_object", None)
            self.checkpoints[id] = ckpt.made("ckpt_checkpoint_new", self.graph, self.nodes[id])
            return
        names = elements([name.encode() for name in attached])
        nodes = (ctypes.c_uint64 * len(attached))(*[self.nodes[i] for i in attached.values()])
        self.checkpoints[id] = ckpt.made("ckpt_checkpoint_new_with_root", self.graph, self.nodes[root], names, nodes, len(attached))

    def do_object(self, id):
        self.add(id, "object", "ckpt_graph_add_object", None)

    def do_owner(self, id, creates):
        self.add(id, "owner", "ckpt_graph_add_slot_owner", create_slot if creates else None, None, None, None)
        self.owners += [id] * creates

    def do_list(self, id):
        self.add(id, "list", "ckpt_graph_add_list", None)

    def do_dict(self, id):
        self.add(id, "dict", "ckpt_graph_add_dict", None)

    def do_tuple(self, id, items):
        if not any(i in self.nodes for i in items):
            return SKIPPED
        nodes = (ctypes.c_uint64 * len(items))(*[self.nodes.get(i, 0) for i in items])
        self.add(id, "tuple", "ckpt_graph_add_tuple", nodes, len(items), None)

    def do_named_tuple(self, id, fields, items):
        if not any(i in self.nodes for i in items):
            return SKIPPED
        nodes = (ctypes.c_uint64 * len(items))(*[self.nodes.get(i, 0) for i in items])
        self.add(id, "tuple", "ckpt_graph_add_named_tuple", elements([f.encode() for f in fields]), nodes, len(items), None)

    def do_variable(self, id, value, name=None, **accepts):
        with Options("node").set("name", *text(name or "Variable")) as options:
            shape = numbers(value[1])
            if accepts:
                open_shape = accepts["accepts"]
                dims, rank = (None, -1) if open_shape is None else (numbers([-1 if n is None else n for n in open_shape]), len(open_shape))
                self.add(id, "variable", "ckpt_graph_add_without_value", DTYPE[value[0]], dims, rank, options.handle)
                self.assign(self.nodes[id], value)
            elif value[0] == "string":
                array = elements(strings_of(value))
                self.add(id, "variable", "ckpt_graph_add_strings", shape, len(shape), array, len(array), options.handle)
            else:
                data = bytes.fromhex(value[2])
                if id % 2:  # every other one in memory of ours
                    buffer = ctypes.create_string_buffer(data, max(1, len(data)))
                    self.held.append(buffer)
                    self.add(id, "variable", "ckpt_graph_add_borrowed", DTYPE[value[0]], shape, len(shape), buffer, len(data), None, None, options.handle)
                else:
                    self.add(id, "variable", "ckpt_graph_add_owned", DTYPE[value[0]], shape, len(shape), ctypes.c_char_p(data), len(data), options.handle)

    def do_state(self, id, text):
        data = bytes.fromhex(text)
        self.add(id, "state", "ckpt_graph_add_text", ctypes.c_char_p(data), len(data), None)

    def do_custom(self, id, tensors):
        self.states[id] = state = State(dict(tensors))
        with Options("node").set("tensor_names", elements([name.encode() for name in tensors]), len(tensors)) as options:
            self.add(id, "custom", "ckpt_graph_add_state", *state.callbacks, None, None, options.handle)

    def do_assign(self, node, value=None, text=None, tensors=None):
        kind = self.kinds[node]
        if kind == "variable" and value is not None:
            if self.value(self.nodes[node])[:2] != value[:2]:
                return SKIPPED
            self.assign(self.nodes[node], value)
        elif kind == "state" and text is not None:
            ckpt.call("ckpt_graph_assign_strings", self.graph, self.nodes[node], None, 0, elements([bytes.fromhex(text)]), 1)
        elif kind == "custom" and tensors is not None:
            self.states[node].tensors = dict(tensors)
        else:
            return SKIPPED

    def assign(self, node, value):
        shape = numbers(value[1])
        if value[0] == "string":
            array = elements(strings_of(value))
            ckpt.call("ckpt_graph_assign_strings", self.graph, node, shape, len(shape), array, len(array))
        else:
            data = bytes.fromhex(value[2])
            ckpt.call("ckpt_graph_assign", self.graph, node, DTYPE[value[0]], shape, len(shape), ctypes.c_char_p(data), len(data))

    # ------------------------------------------------------------ edges

    def do_track(self, parent, name, child, overwrite=False):
        if self.kinds[parent] not in ("object", "owner"):
            return SKIPPED
        function = "ckpt_graph_track_overwrite" if overwrite else "ckpt_graph_track"
        ckpt.call(function, self.graph, self.nodes[parent], *text(name), self.nodes[child])

    def do_untrack(self, parent, name):
        if self.kinds[parent] not in ("object", "owner"):
            return SKIPPED
        ckpt.call("ckpt_graph_untrack", self.graph, self.nodes[parent], *text(name), None)

    def do_add_variable(self, id, parent, name, value):
        """Restore on create: the variable has the value that waits for it, of whatever shape, if any does, else this one."""
        if self.kinds[parent] not in ("object", "owner"):
            return SKIPPED
        waiting = ctypes.c_size_t()
        ckpt.call("ckpt_graph_waiting", self.graph, self.nodes[parent], *text(name), ctypes.byref(waiting))
        if not waiting.value:
            self.do_variable(id, value)
            ckpt.call("ckpt_graph_track", self.graph, self.nodes[parent], *text(name), self.nodes[id])
            return
        with Options("node").set("name", *text("Variable")) as options:
            self.add(id, "variable", "ckpt_graph_add_without_value", DTYPE[value[0]], None, -1, options.handle)
        try:
            ckpt.call("ckpt_graph_track", self.graph, self.nodes[parent], *text(name), self.nodes[id])
        finally:
            if self.value(self.nodes[id]) is None:
                self.assign(self.nodes[id], value)

    def do_append(self, list, child):
        if self.kinds[list] != "list":
            return SKIPPED
        ckpt.call("ckpt_graph_list_append", self.graph, self.nodes[list], self.nodes.get(child, 0))

    def do_set_item(self, list, index, child):
        if self.kinds[list] != "list":
            return SKIPPED
        ckpt.call("ckpt_graph_list_set", self.graph, self.nodes[list], index, self.nodes.get(child, 0))

    def do_insert(self, list, index, child):
        if self.kinds[list] != "list":
            return SKIPPED
        ckpt.call("ckpt_graph_list_insert", self.graph, self.nodes[list], index, self.nodes.get(child, 0))

    def do_pop(self, list, index):
        if self.kinds[list] != "list":
            return SKIPPED
        ckpt.call("ckpt_graph_list_remove", self.graph, self.nodes[list], index, None)

    def do_set(self, dict, key, child):
        if self.kinds[dict] != "dict":
            return SKIPPED
        ckpt.call("ckpt_graph_dict_set", self.graph, self.nodes[dict], *text(key), self.nodes[child])

    def do_delete(self, dict, key):
        if self.kinds[dict] != "dict":
            return SKIPPED
        ckpt.call("ckpt_graph_dict_remove", self.graph, self.nodes[dict], *text(key), None)

    def do_slot(self, owner, variable, name, slot):
        if self.kinds[owner] != "owner" or self.kinds[slot] != "variable":
            return SKIPPED
        ckpt.call("ckpt_graph_set_slot", self.graph, self.nodes[owner], self.nodes[variable], *text(name), self.nodes[slot])

    # ------------------------------------------------------------ checkpoints

    def do_counter(self, checkpoint):
        ckpt.call("ckpt_checkpoint_save_counter", self.checkpoints[checkpoint], ctypes.byref(ctypes.c_uint64()))

    def write(self, method, checkpoint, file):
        path = os.fsencode(os.path.join(self.directory, file))
        with Options("save") as options, Options("write").set("durability", CONSTANTS["CKPT_DURABILITY_NONE"]) as files:
            options.set("write_options", files.handle)
            self.files[file] = self.path_of(ckpt.made("ckpt_checkpoint_" + method, self.checkpoints[checkpoint], path, options.handle))
        return os.path.basename(self.files[file])

    def saver(self, variables):
        variables = {key: self.nodes[i] for key, i in variables.items() if self.kinds[i] == "variable"}
        if not variables:
            return None
        nodes = (ctypes.c_uint64 * len(variables))(*variables.values())
        return ckpt.made("ckpt_saver_new", self.graph, elements([key.encode() for key in variables]), nodes, len(variables), None)

    def do_save_by_name(self, file, format, variables):
        if format == "V1":  # which only TensorFlow writes
            if not any(self.kinds[i] == "variable" for i in variables.values()):
                return SKIPPED
            self.files[file] = self.theirs[file]
            return None
        saver = self.saver(variables)
        if saver is None:
            return SKIPPED
        directory = os.path.join(self.directory, "by_name")
        os.makedirs(directory, exist_ok=True)
        with Options("write").set("durability", CONSTANTS["CKPT_DURABILITY_NONE"]) as files, Options("save").set("write_options", files.handle) as save:
            with Options("saver_save").set("write_state", False).set("save_options", save.handle) as options:
                self.files[file] = self.path_of(ckpt.made("ckpt_saver_save", saver, os.fsencode(os.path.join(directory, file)), options.handle))
        LIB.ckpt_saver_free(saver)

    def path_of(self, written):
        path = bytes(LIB.ckpt_string_bytes(written)).decode()
        LIB.ckpt_string_free(written)
        return path

    def do_restore_by_name(self, file, variables):
        saver = self.saver(variables)
        if saver is None:
            return SKIPPED
        try:
            ckpt.call("ckpt_saver_restore", saver, os.fsencode(self.path(file)), None, None)
        finally:
            LIB.ckpt_saver_free(saver)

    def load(self, method, checkpoint, path, status, skip_slots):
        if path is None:
            self.statuses[status] = ckpt.made("ckpt_checkpoint_restore_nothing", self.checkpoints[checkpoint])
            return
        with Options("restore").set("skip_slot_variables", skip_slots) as options:
            self.statuses[status] = ckpt.made(f"ckpt_checkpoint_{method}", self.checkpoints[checkpoint], os.fsencode(path), options.handle)
        LIB.ckpt_status_expect_partial(self.statuses[status])

    def ask(self, status, assertion):
        ckpt.call("ckpt_status_" + assertion, status)


def run(scenario, directory, theirs):
    """The outcomes of a scenario's programs, and the checkpoints that they wrote to `directory`."""
    os.makedirs(directory, exist_ok=True)
    files, outcomes = Files(), []
    for operations in scenario["programs"]:
        outcomes.append(World(directory, files, theirs).run(operations))
    return outcomes, files.written_once()

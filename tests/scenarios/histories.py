"""Random scenarios as plain data: what programs do with objects, checkpoints and restores. Nothing here runs anything.

A scenario is {"seed", "programs": [[operation, …], …]}. Each program begins with nothing, the files that one saves are there for the next; the last one
is where it gets interesting, those before mostly save. An operation is a dictionary; objects, checkpoints, statuses and files have the names that the
operation which makes them gives ("id", "status", "file"). An operation that speaks of something that is not there is skipped, by everyone who runs it:
so any operation may be left out of a scenario, and what remains is one still.

    checkpoint id                                     tf.train.Checkpoint(), which is an object too
    checkpoint id root attached={name: id}            tf.train.Checkpoint(root, **attached)
    object id | owner id creates | list id | dict id  owner: of slots; `creates`: makes the slots that a checkpoint has a value for
    variable id value name accepts                    name: in name-based checkpoints; accepts: shapes, null for any dimension or any at all
    tuple id items | named_tuple id fields items      an item that is null is nothing that can be tracked
    state id text | custom id tensors={name: value}   tf.train.experimental.PythonState; several named tensors
    track parent name child overwrite | untrack parent name | add_variable id parent name value
    append list child | set_item list index child | insert list index child | pop list index    child null: nothing that can be tracked
    set dict key child | delete dict key | slot owner variable name slot | assign node value|text|tensors
    save checkpoint file | write checkpoint file
    save_by_name file format variables={key: id} | restore_by_name file variables={key: id}     tf.compat.v1.train.Saver(variables)
    restore checkpoint file status skip_slots by | read …    file null: None, as tf.train.latest_checkpoint() gives it; by: "prefix", "index", "directory"
    assert status | counter checkpoint | delete_file file    the three assertions; whatever asks for the save_counter

A value is [dtype, shape, hex of the bytes], or ["string", shape, [hex of each element]].
"""
import random

import ml_dtypes
import numpy as np

NAMES = ["a", "b", "c", "d", "x/y", "p.q"]
ODD_NAMES = ["", ".", "..", "/", "\u00e9", "0", "1", "root", ".S", "a.Sb", "VARIABLE_VALUE", ".OPTIMIZER_SLOT", "save_counter", "a b"]
DTYPES = ["float32", "float64", "int32", "int64", "bool", "float16", "bfloat16", "string"]
IN_V1_FILES = ["float32", "float64", "int32", "int64", "bool", "float16", "string"]
SHAPES = [[], [], [1], [2], [3], [0], [2, 3], [3, 2], [0, 2], [1, 2, 2], [2, 0, 1]]
TENSORS = ["t", "keys", "values", "VARIABLE_VALUE"]
ODD_TENSORS = ["a.b", "x/y"]
FIELDS = ["x", "y", "z"]

# What a scenario may have beside the plain space of objects, lists, dicts, owners and scalar
# variables. Each has a few.
FEATURES = {
    "dtypes": 4, "shapes": 4, "mismatches": 2, "root_mode": 3, "untrack": 3, "by_name": 3, "tuples": 2, "states": 2, "customs": 2,
    "list_changes": 3, "dict_changes": 2, "own_saves": 3, "skip_slots": 2, "creating_owners": 2, "add_variable": 2, "two_checkpoints": 2,
    "odd_names": 2, "no_file": 1, "counters": 1, "asserts": 2, "nested": 2, "kinds": 2, "slots": 2, "open_shapes": 2, "files": 2,
}


# ------------------------------------------------------------------------------------------- values


def numpy_dtype(name):
    return np.dtype(ml_dtypes.bfloat16) if name == "bfloat16" else np.dtype(name)


def value_of(array):
    """A value from a NumPy array of numbers."""
    array = np.asarray(array)
    return [array.dtype.name, list(array.shape), array.tobytes().hex()]


def array_of(value):
    """A NumPy array of a value of numbers."""
    dtype, shape, content = value
    return np.frombuffer(bytes.fromhex(content), numpy_dtype(dtype)).reshape(shape)


def scalar(number):
    return value_of(np.float32(number))


def spelled(value):
    """A value for people."""
    dtype, shape, content = value
    if dtype == "string":
        return f"string{shape} {[bytes.fromhex(e) for e in content]}"
    return f"{dtype}{shape} {np.array2string(array_of(value), threshold=8, separator=',')}".replace("\n", "")


def random_value(rng, dtype, shape):
    count = int(np.prod(shape, dtype=int))
    if dtype == "string":
        return ["string", shape, [rng.randbytes(rng.choice([0, 1, 3, 20, 200])).hex() for _ in range(count)]]
    if dtype == "bool":
        return [dtype, shape, bytes(rng.randrange(2) for _ in range(count)).hex()]
    return [dtype, shape, rng.randbytes(count * numpy_dtype(dtype).itemsize).hex()]


# ------------------------------------------------------------------------------------------- graphs


class Graph:
    """The graph that all programs of a scenario are variations of: kinds of nodes, edges, slots."""

    def __init__(self, rng, features):
        self.rng, self.features = rng, features
        has = features.__contains__
        self.names = NAMES + (rng.sample(ODD_NAMES, 4) if has("odd_names") else [])
        self.tensor_names = TENSORS + (ODD_TENSORS if has("odd_names") else [])
        size = rng.randint(3, 11)
        weights = {"object": 4, "variable": 6, "list": 4 if has("list_changes") else 1, "dict": 4 if has("dict_changes") else 1,
                   "owner": 3 if has("slots") else 1, "tuple": 2 * has("tuples"),
                   "named_tuple": has("tuples"), "state": 2 * has("states"), "custom": 2 * has("customs")}
        kinds = rng.choices(list(weights), list(weights.values()), k=size)
        if has("slots"):
            kinds[:2] = "variable", "owner"
        self.nodes = {}
        for i, kind in enumerate(kinds, 1):
            self.nodes[i] = self.node(i, kind)
        self.taken = set()
        self.edges = []
        for child in self.nodes:  # most nodes hang somewhere
            for _ in range(rng.choice([1, 1, 1, 2])):
                self.edges.append(self.edge(child))
        for _ in range(rng.randint(0, size)):
            self.edges.append(self.edge(rng.choice(list(self.nodes))))
        self.edges = [e for e in self.edges if e]
        rate = 0.7 if has("slots") else 0.4
        self.slots = [(o, v, name) for o in self.of("owner") for v in self.of("variable") for name in ("m", "v") if rng.random() < rate]

    def of(self, *kinds):
        return [i for i, node in self.nodes.items() if node["kind"] in kinds]

    def dtypes(self):
        return IN_V1_FILES if "by_name" in self.features else DTYPES

    def tensor(self):
        dtype = self.rng.choice(self.dtypes()) if "dtypes" in self.features else "float32"
        return [dtype, self.rng.choice(SHAPES) if "shapes" in self.features else []]

    def node(self, i, kind):
        rng, node = self.rng, {"kind": kind}
        if kind == "variable":
            node["tensor"] = self.tensor()
            if "by_name" in self.features:
                node["name"] = rng.choice(["n%d" % i, "n%d" % i, "n%d" % rng.randint(1, 5), "s/n%d" % i, "save_counter"])
                if node["name"] == "save_counter":
                    node["tensor"] = ["int64", []]
            if "open_shapes" in self.features and rng.random() < 0.6:
                node["accepts"] = rng.choice([None, [None if rng.random() < 0.6 else n for n in node["tensor"][1]]])
        elif kind == "owner":
            node["creates"] = "creating_owners" in self.features and rng.random() < 0.7
        elif kind in ("tuple", "named_tuple"):  # of what is there already; the rest is nothing that can be tracked
            there = [n for n in range(1, i) if self.nodes[n]["kind"] not in ("list", "dict", "tuple", "named_tuple")]
            items = [rng.choice(there) if there and rng.random() < 0.8 else None for _ in range(rng.randint(1, 3))]
            node["items"] = items
            if kind == "named_tuple":
                node["fields"] = rng.sample(FIELDS, len(items))
        elif kind == "custom":
            node["tensors"] = {name: self.tensor() for name in rng.sample(self.tensor_names, rng.randint(0, 3))}
        return node

    def edge(self, child):
        rng = self.rng
        leafy = self.nodes[child]["kind"] == "variable" or "nested" in self.features
        parents = [0, 0] + self.of("object", "owner") + ([p for p in self.of("list", "dict") if self.may_hold(p, child)] if leafy else [])
        parent = rng.choice(parents)
        kind = "object" if parent == 0 else self.nodes[parent]["kind"]
        if kind == "list":
            return "append", parent, None, child
        name = rng.choice(self.names)
        if (parent, name) in self.taken:
            return None
        self.taken.add((parent, name))
        return "set" if kind == "dict" else "track", parent, name, child

    def may_hold(self, container, child):
        """Containers hold containers of higher numbers only: Python's would else hold themselves, and TensorFlow's then recurse for ever."""
        return child > container or self.nodes[child]["kind"] not in ("list", "dict", "tuple", "named_tuple")

    def held_by(self, container):
        """Something that a container may hold."""
        return self.rng.choice([i for i in self.nodes if self.may_hold(container, i)] or [None])

    def varied(self, rate):
        """Another one, that differs from this in about `rate` of its edges, nodes and slots."""
        rng, other = self.rng, Graph.__new__(Graph)
        other.rng, other.features, other.nodes = rng, self.features, dict(self.nodes)
        other.names, other.tensor_names = self.names, self.tensor_names
        other.edges = []
        if "mismatches" in self.features:
            for i in self.of("variable", "custom"):
                if rng.random() < rate:
                    other.nodes[i] = other.vary(self.nodes[i])
        if "kinds" in self.features:
            for i in self.nodes:
                if rng.random() < rate / 2:
                    other.retype(i)
        for verb, parent, name, child in self.edges:
            r = rng.random()
            if r < rate:  # gone
                continue
            if r < 1.5 * rate and verb == "track":  # elsewhere
                name = rng.choice(self.names)
            elif r < 2 * rate:  # another child of the same kind
                child = rng.choice(self.of(self.nodes[child]["kind"]))
            if parent == 0 or other.nodes[parent]["kind"] not in ("list", "dict") or other.may_hold(parent, child):
                other.edges.append((verb, parent, name, child))
        other.taken = {(p, n) for _, p, n, _ in other.edges}
        for _ in range(rng.randint(0, 2)):
            edge = other.edge(rng.choice(list(other.nodes)))
            if edge:
                other.edges.append(edge)
        other.slots = [s for s in self.slots if rng.random() >= rate]
        return other

    def vary(self, node):
        """Another type, or shape, or other tensors."""
        rng = self.rng
        if node["kind"] == "variable":
            dtype, shape = node["tensor"]
            changed = [rng.choice(self.dtypes()), shape] if rng.random() < 0.5 else [dtype, rng.choice(SHAPES)]
            return {"kind": "variable", "tensor": changed, **({"name": node["name"]} if "name" in node else {})}
        return {**node, "tensors": {name: self.tensor() for name in rng.sample(self.tensor_names, rng.randint(0, 3))}}

    def retype(self, i):
        """Makes a node one of another kind: without values for with values, a tuple for a list …"""
        rng, kind = self.rng, self.nodes[i]["kind"]
        others = {"variable": ["object", "custom", "state"], "object": ["variable", "owner", "dict"], "list": ["tuple", "dict"],
                  "dict": ["object", "named_tuple"], "owner": ["object"], "tuple": ["list", "named_tuple"], "named_tuple": ["dict", "tuple"],
                  "state": ["variable", "custom"], "custom": ["variable", "state"]}[kind]
        if any(i in node.get("items", ()) for node in self.nodes.values()):  # a tuple holds no containers
            others = [other for other in others if other not in ("list", "dict")]
        self.nodes[i] = self.node(i, rng.choice(others))


# ----------------------------------------------------------------------------------------- programs


class Program:
    """The operations by which one program builds a graph: `build`, then `steps`, each a list of operations that stay together."""

    def __init__(self, rng, features, graph, base):
        self.rng, self.features, self.graph, self.base = rng, features, graph, base
        self.build = [{"op": "checkpoint", "id": 0}] + [self.made(i, node) for i, node in graph.nodes.items()]
        self.steps, seen, added = [], set(), set()
        for verb, parent, name, child in graph.edges:
            kind = self.kind(parent)  # which may be another than when the edge was drawn
            if kind in ("tuple", "named_tuple", "variable", "state", "custom"):
                continue
            if kind == "list":
                self.steps.append([{"op": "append", "list": parent, "child": child}])
            elif kind == "dict":
                self.steps.append([{"op": "set", "dict": parent, "key": rng.choice(self.graph.names) if name is None else name, "child": child}])
            else:
                name = rng.choice(self.graph.names) if name is None else name
                again = (parent, name) in seen and rng.random() < 0.6
                seen.add((parent, name))
                if "add_variable" in features and self.kind(child) == "variable" and child not in added and rng.random() < 0.4:
                    added.add(child)
                    create = next(op for op in self.build if op.get("id") == child)
                    self.build.remove(create)
                    create = {k: create[k] for k in ("id", "value")}
                    self.steps.append([{"op": "add_variable", "parent": parent, "name": name, **create}])
                    continue
                step = {"op": "track", "parent": parent, "name": name, "child": child}
                self.steps.append([{**step, "overwrite": True} if again else step])
        for j, (owner, variable, name) in enumerate(graph.slots):
            if self.kind(owner) != "owner":
                continue
            slot = {"op": "slot", "owner": owner, "variable": variable, "name": name, "slot": 101 + j}
            if "slots" in features and graph.of("variable") and rng.random() < 0.04:  # a slot that is something else too
                self.steps.append([{**slot, "slot": rng.choice(graph.of("variable"))}])
            else:
                tensor = graph.nodes[variable].get("tensor", ["float32", []])
                self.steps.append([{"op": "variable", "id": 101 + j, "value": self.value(101 + j, tensor)}, slot])

    def kind(self, i):
        return "object" if i == 0 else self.graph.nodes[i]["kind"]

    def value(self, i, tensor):
        return scalar(self.base + i) if tensor == ["float32", []] else random_value(self.rng, *tensor)

    def content(self, i, node):
        """What an operation that makes or assigns a node says of its value."""
        if node["kind"] == "variable":
            return {"value": self.value(i, node["tensor"])}
        if node["kind"] == "state":
            return {"text": self.rng.randbytes(self.rng.choice([0, 1, 5, 300])).hex()}
        if node["kind"] == "custom":
            return {"tensors": {name: random_value(self.rng, *tensor) for name, tensor in node["tensors"].items()}}
        return {}

    def made(self, i, node):
        kept = {k: node[k] for k in ("name", "accepts", "creates", "items", "fields") if k in node}
        return {"op": node["kind"], "id": i, **kept, **self.content(i, node)}

    def insert(self, *operations):
        self.steps.insert(self.rng.randint(0, len(self.steps)), list(operations))

    def edges(self, op):
        return [s[-1] for s in self.steps if s[-1]["op"] == op]

    def disturb(self):
        """What a program does that has little to do with saving."""
        rng, has, nodes = self.rng, self.features.__contains__, self.graph.nodes
        valued = [i for i, node in nodes.items() if node["kind"] in ("variable", "state", "custom")]
        for _ in range(rng.randint(0, 2)):
            if valued:
                i = rng.choice(valued)
                self.base -= 5000
                self.insert({"op": "assign", "node": i, **self.content(i, nodes[i])})
        if has("untrack"):
            for track in rng.sample(self.edges("track"), min(len(self.edges("track")), rng.randint(1, 3))):
                self.insert({"op": "untrack", "parent": track["parent"], "name": track["name"]})
                if rng.random() < 0.6:
                    self.insert({**track, "child": rng.choice([track["child"], rng.choice(list(nodes))])})
        if has("list_changes") and self.graph.of("list"):
            for _ in range(rng.randint(1, 3)):
                self.insert(self.list_change(rng.choice(self.graph.of("list"))))
        if has("dict_changes"):
            for track in rng.sample(self.edges("set"), min(len(self.edges("set")), rng.randint(1, 2))):
                if rng.random() < 0.7:
                    self.insert({"op": "delete", "dict": track["dict"], "key": track["key"]})
                self.insert({**track, "child": rng.choice([track["child"], self.graph.held_by(track["dict"]) or track["child"]])})
        if has("counters"):
            self.insert({"op": "counter", "checkpoint": 0})

    def list_change(self, i):
        rng = self.rng
        child = rng.choice([None, self.graph.held_by(i)])
        index = rng.randint(-2, 2)
        return rng.choice([{"op": "append", "list": i, "child": None}, {"op": "append", "list": i, "child": None},
                           {"op": "set_item", "list": i, "index": index, "child": child}, {"op": "insert", "list": i, "index": index, "child": child},
                           {"op": "pop", "list": i, "index": index}])

    def other_checkpoint(self, i):
        """A second checkpoint: of another object, or with a root that is attached to."""
        rng, nodes = self.rng, self.graph.nodes
        if "root_mode" in self.features and (rng.random() < 0.8 or "two_checkpoints" not in self.features):
            weights = {"object": 6, "owner": 2, "list": 1, "dict": 1, "variable": 1, "tuple": 1, "custom": 1}
            roots = {0: 12, **{n: weights.get(self.kind(n), 1) for n in nodes}}
            root = rng.choices(list(roots), list(roots.values()))[0]
            names = [name for name in self.graph.names if name not in ("root", "save_counter")]
            attached = {rng.choice(names): rng.choice(list(nodes)) for _ in range(rng.choice([0, 1, 1, 2]))}
            return {"op": "checkpoint", "id": i, "root": root, "attached": attached}
        return {"op": "checkpoint", "id": i}

    def named(self):
        """Most of the variables by their names."""
        named = {op["name"]: op["id"] for op in self.build if "name" in op}
        return {name: i for name, i in named.items() if self.rng.random() < 0.9} or named

    def operations(self):
        return self.build + [op for step in self.steps for op in step]


# ---------------------------------------------------------------------------------------- scenarios


def draw_features(rng):
    """Half of the scenarios stay in the plain space."""
    if rng.random() < 0.5:
        return frozenset()
    features = set(rng.choices(list(FEATURES), list(FEATURES.values()), k=rng.choice([1, 2, 3, 3, 4, 5])))
    if features & {"skip_slots", "creating_owners"}:  # which are about slots
        features.add("slots")
    return frozenset(features)


def saving_program(rng, features, graph, number):
    program = Program(rng, features, graph.varied(rng.choice([0, 0, 0.1])), 1000 * (number + 1))
    if rng.random() < 0.3:
        rng.shuffle(program.steps)
    if rng.random() < 0.2:
        program.disturb()
    if "by_name" in features and rng.random() < 0.7 and program.named():
        return program.operations() + [{"op": "save_by_name", "file": f"ck{number}", "format": rng.choice(["V1", "V2"]), "variables": program.named()}]
    checkpoint = 0
    if {"root_mode", "two_checkpoints"} & features and rng.random() < 0.6:
        checkpoint = 200
        program.insert(program.other_checkpoint(checkpoint))
        program.steps += [[op] for op in more_edges(rng, program, checkpoint)]
    return program.operations() + [{"op": rng.choice(["save", "write"]), "checkpoint": checkpoint, "file": f"ck{number}"}]


def more_edges(rng, program, parent):
    """Edges of a second checkpoint that is an object of its own."""
    if not any("root" not in op for step in program.steps for op in step if op["op"] == "checkpoint"):
        return []
    return [{"op": "track", "parent": parent, "name": rng.choice(program.graph.names), "child": rng.choice(list(program.graph.nodes))}
            for _ in range(rng.randint(1, 4))]


def restoring_program(rng, features, graph, files):
    program = Program(rng, features, graph.varied(rng.choice([0, 0, 0.1, 0.3])), -1000)
    rng.shuffle(program.steps)
    program.disturb()
    checkpoints = [0]
    if {"root_mode", "two_checkpoints"} & features:
        if rng.random() < 0.7:  # early, as most programs do
            program.steps.insert(0, [program.other_checkpoint(200)])
        else:
            program.insert(program.other_checkpoint(200))
        checkpoints = [0, 200, 200] if "two_checkpoints" in features else [200]
        for edge in more_edges(rng, program, 200):
            program.insert(edge)
    if "own_saves" in features:
        for number in range(rng.randint(1, 2)):
            program.insert({"op": rng.choice(["save", "write"]), "checkpoint": rng.choice(checkpoints), "file": f"own{number}"})
            files = files + [f"own{number}"]
    if "files" in features:  # others under the same prefix, none any more, other paths
        for _ in range(rng.randint(1, 3)):
            program.insert(rng.choice([{"op": "write", "checkpoint": rng.choice(checkpoints), "file": "own"}, {"op": "delete_file", "file": "own"}]))
        files = files + ["own", "own"]
    for number in range(rng.choice([1, 1, 2, 3])):
        file = rng.choice(files)
        if "no_file" in features and rng.random() < 0.5:
            file = rng.choice([None, "nowhere"])
        restore = {"op": rng.choice(["read", "restore"]), "checkpoint": rng.choice(checkpoints), "file": file, "status": f"s{number}"}
        if file is None:  # read(None) is nothing that the library has
            restore["op"] = "restore"
        if "skip_slots" in features and rng.random() < 0.7:
            restore["skip_slots"] = True
        if "files" in features and file not in (None, "nowhere") and rng.random() < 0.3:
            restore["by"] = rng.choice(["index", "directory"])
        program.insert(restore)
        if "asserts" in features:
            for _ in range(rng.randint(1, 2)):
                program.insert({"op": "assert", "status": f"s{number}"})
        if rng.random() < 0.1:
            program.insert({"op": "counter", "checkpoint": restore["checkpoint"]})
    if "by_name" in features and rng.random() < 0.5 and program.named():
        program.insert({"op": "restore_by_name", "file": rng.choice(files), "variables": program.named()})
    ops = program.operations()
    if rng.random() < 0.3:
        ops.append({"op": rng.choice(["save", "write"]), "checkpoint": rng.choice(checkpoints), "file": "end"})
    return ops + [{"op": "assert", "status": op["status"]} for op in ops if "status" in op and op["op"] != "assert"]


def scenario(seed):
    rng = random.Random(seed)
    features = draw_features(rng)
    graph = Graph(rng, features)
    count = rng.choice([1, 1, 2, 3])
    programs = [saving_program(rng, features, graph, number) for number in range(count)]
    programs.append(restoring_program(rng, features, graph, [f"ck{number}" for number in range(count)]))
    return {"seed": seed, "features": sorted(features), "programs": programs}


def needs(op):
    """The objects, the checkpoint, the status and the file that must be there for an operation to be run."""
    objects = [op[k] for k in ("parent", "child", "list", "dict", "owner", "variable", "slot", "node", "root") if op.get(k) is not None]
    objects += op.get("attached", {}).values()
    if op["op"] in ("save_by_name", "restore_by_name"):
        objects += op["variables"].values()
    needed = [("object", i) for i in objects]
    if op["op"] in ("save", "write", "restore", "read", "counter"):
        needed.append(("checkpoint", op["checkpoint"]))
    if op["op"] in ("restore", "read", "restore_by_name", "delete_file") and op["file"] not in (None, "nowhere"):
        needed.append(("file", op["file"]))
    if op["op"] == "assert":
        needed.append(("status", op["status"]))
    return needed


# --------------------------------------------------------------------------------------- for people


def line(op):
    """An operation on one line."""
    rest = []
    for key, value in op.items():
        if key == "value":
            rest.append(f"value={spelled(value)}")
        elif key == "tensors":
            rest.append("tensors={" + ", ".join(f"{name}: {spelled(v)}" for name, v in value.items()) + "}")
        elif key != "op":
            rest.append(f"{key}={value!r}")
    return " ".join([op["op"], *rest])


def text(scenario):
    """A scenario as lines, numbered as in reports of differences."""
    lines = []
    for p, ops in enumerate(scenario["programs"]):
        lines += [f"  {p}.{i:<3} {line(op)}" for i, op in enumerate(ops)]
    return "\n".join(lines)

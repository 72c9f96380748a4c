"""For each quirk a scenario that meets it, as small as it can be."""
import numpy as np

from histories import value_of


def variable(i, number, shape=(), dtype="float32", **more):
    return {"op": "variable", "id": i, "value": value_of(np.full(shape, number, dtype)), **more}


def custom(i, **tensors):
    return {"op": "custom", "id": i, "tensors": {name: value_of(np.asarray(t)) for name, t in tensors.items()}}


def checkpoint(i=0, **root):
    return {"op": "checkpoint", "id": i, **root}


def new(kind, i, **more):
    return {"op": kind, "id": i, **more}


def track(parent, name, child, **more):
    return {"op": "track", "parent": parent, "name": name, "child": child, **more}


def write(file="ck", i=0):
    return {"op": "write", "checkpoint": i, "file": file}


def save(file="ck", i=0):
    return {"op": "save", "checkpoint": i, "file": file}


def load(method="read", file="ck", i=0, status="s"):
    return {"op": method, "checkpoint": i, "file": file, "status": status}


def check(status="s"):
    return {"op": "assert", "status": status}


def append(i, child):
    return {"op": "append", "list": i, "child": child}


def add_variable(i, parent, name, number, shape=(), dtype="float32"):
    return {**variable(i, number, shape, dtype), "op": "add_variable", "parent": parent, "name": name}


TWO = [checkpoint(), new("object", 1), variable(2, 10), variable(3, 20), track(0, "x", 1), track(1, "a", 2), track(1, "b", 3), write()]
ONE = [checkpoint(), variable(1, 10), track(0, "a", 1), write()]
LISTED = [checkpoint(), new("list", 1), variable(2, 10), variable(3, 20), track(0, "l", 1), append(1, 2), append(1, 3), write()]
COUNTED = [[checkpoint(), variable(1, 10), track(0, "a", 1), save("ck")], [checkpoint(), variable(1, 20), track(0, "a", 1), save("other"), save("other")]]
SLOT = [checkpoint(), variable(1, 10), new("owner", 2, creates=False), variable(3, 20), track(0, "v", 1), track(0, "o", 2),
        {"op": "slot", "owner": 2, "variable": 1, "name": "m", "slot": 3}, write()]
BY_NAME = [variable(1, 10, name="n"), variable(2, 20, name="t"), {"op": "save_by_name", "file": "ck", "format": "V2", "variables": {"n": 1, "t": 2}}]

SCENARIOS = {
    "failed_restore": [TWO, [checkpoint(), new("object", 1), variable(2, -1), variable(3, -2, [2]), track(0, "x", 1), track(1, "a", 2), track(1, "b", 3), load(),
                             variable(4, -3), track(1, "c", 4)]],
    "failed_attach": [TWO, [checkpoint(), new("object", 1), variable(2, -1), variable(3, -2, [2]), track(1, "a", 2), track(1, "b", 3), load(), track(0, "x", 1),
                            check(), new("object", 4), track(0, "x", 4)]],
    "swallowed": [LISTED, [checkpoint(), new("list", 1), variable(2, -1, [2]), track(0, "l", 1), load(), append(1, 2), check()]],
    "lost_element": [LISTED, [checkpoint(), new("list", 1), variable(2, -1, dtype="int32"), variable(3, -2), track(0, "l", 1), load(), append(1, 2), append(1, 3)]],
    "deleted_key": [[checkpoint(), new("dict", 1), variable(2, 10), track(0, "d", 1), {"op": "set", "dict": 1, "key": "k", "child": 2}, write()],
                    [checkpoint(), new("dict", 1), variable(2, -1), variable(3, -2), track(0, "d", 1), {"op": "set", "dict": 1, "key": "k", "child": 2},
                     {"op": "delete", "dict": 1, "key": "k"}, load(), {"op": "set", "dict": 1, "key": "k", "child": 3}, write("end")]],
    "negative_index": [LISTED, [checkpoint(), new("list", 1), variable(2, -1), track(0, "l", 1), append(1, None), load(),
                                {"op": "set_item", "list": 1, "index": -1, "child": 2}, write("end")]],
    "counter_waits": [*COUNTED, [new("object", 1), checkpoint(9, root=1, attached={}), load(file="other", i=9), load(file="ck", i=9, status="t"), save("own", 9)]],
    "own_counter": [[checkpoint(), variable(1, 7, dtype="int32"), track(0, "save_counter", 1), save()]],
    "counter_type": [[checkpoint(), variable(1, 7, dtype="int32"), variable(2, 10), track(0, "save_counter", 1), track(0, "a", 2), write()],
                     [checkpoint(), variable(1, -1), track(0, "a", 1), load("restore")]],
    "counter_by_name": [BY_NAME, [new("object", 1), variable(2, -1, name="n"), track(1, "a", 2), checkpoint(9, root=1, attached={}), load("restore", i=9), check()]],
    "attached_name": [[new("object", 1), variable(2, 10), variable(3, 20), checkpoint(9, root=1, attached={"a": 2, "b": 3}), track(1, "a", 2), write("ck", 9),
                       track(1, "b", 2), write("end", 9)]],
    "slots_of_a_stranger": [SLOT, [checkpoint(), variable(1, -1), new("object", 2), track(0, "v", 1), load(), track(0, "o", 2), check()]],
    "attributes_edge": [[checkpoint(), new("object", 1), variable(2, 10), track(0, ".ATTRIBUTES", 1), track(1, "a", 2), write()],
                        [checkpoint(), new("object", 1), variable(2, -1), track(0, ".ATTRIBUTES", 1), track(1, "a", 2), load(), check()]],
    "index_path": [ONE, [checkpoint(), variable(1, -1), track(0, "a", 1), {**load(), "by": "index"}, check()]],
    "directory_path": [[checkpoint(), variable(1, 10), track(0, "a", 1), save()],
                       [checkpoint(), variable(1, -1), track(0, "a", 1), {**load("restore"), "by": "directory"}, check()]],
    "reads_nothing": [TWO, [checkpoint(), new("object", 1), variable(2, -1), load(), {"op": "delete_file", "file": "ck"}, track(0, "x", 1), track(1, "a", 2), check()]],
    "falsy_root": [[new("dict", 1), variable(2, 10), checkpoint(9, root=1, attached={"a": 2}), write("ck", 9)],
                   [variable(1, 0), variable(2, 10), checkpoint(9, root=1, attached={"a": 2}), write("other", 9)]],
    "equal_kwarg": [[new("object", 1), variable(2, 10), variable(3, 10), track(1, "a", 2), checkpoint(9, root=1, attached={"a": 3})],
                    [new("object", 1), variable(2, 10, [2]), track(1, "a", 2), checkpoint(9, root=1, attached={"a": 2})]],
    "escaped_tensor": [[checkpoint(), custom(1, **{"a.b": 1.5, "c/d": 2.5}), track(0, "x", 1), write()],
                       [checkpoint(), custom(1, **{"a.b": -1.0, "c/d": -2.0}), track(0, "x", 1), load(), check()]],
    "state_by_name": [BY_NAME, [checkpoint(), custom(1, t=np.float32(-1)), track(0, "x", 1), load(), check()]],
    "state_type": [[checkpoint(), custom(1, t=np.float32(10)), track(0, "x", 1), write()],
                   [checkpoint(), custom(1, t=np.int32(-1)), track(0, "x", 1), load(), check()]],
    "waiting_fails": [TWO, [checkpoint(), new("object", 1), track(0, "x", 1), load(), add_variable(2, 1, "a", -1, dtype="int32"), variable(3, -2), track(1, "a", 3)]],
    "created_shape": [[checkpoint(), variable(1, 10, [2]), track(0, "a", 1), write()], [checkpoint(), variable(1, 20, [3]), track(0, "a", 1), write("other")],
                      [checkpoint(), load(), add_variable(1, 0, "a", -1), load(file="other", status="t"), check("t")]],
    "waiting_shape": [[checkpoint(), custom(1, t=1.5, VARIABLE_VALUE=np.float32([10, 20])), track(0, "a", 1), write()],
                      [checkpoint(), load(), add_variable(2, 0, "a", -1), check()]],
}


def scenario(quirk):
    return {"seed": quirk, "features": ["directed"], "programs": SCENARIOS[quirk]}

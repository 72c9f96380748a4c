"""What the two that run programs share: an operation is run, and noted what has come of it.

The outcome of an operation is a dictionary: {} where nothing is to be seen, else of "skipped", "error" (TensorFlow's class and message; the library's code and
message), "changed" (values that are not what they were: name → value, null for one that is gone), "verdict" (of the three assertions, each true or an error),
"path" (of a saved checkpoint), "state_file".
"""
import collections
import os

import histories

ASSERTIONS = ["assert_consumed", "assert_existing_objects_matched", "assert_nontrivial_match"]
SKIPPED = {"skipped": True}
# Operations after which nothing has another value than before, and those that only add something.
STILL = {"object", "owner", "list", "dict", "tuple", "named_tuple", "assert", "save_by_name"}
ADDING = {"variable", "state", "custom"}


class Files(dict):
    """The checkpoints of a scenario: name → path."""

    def __init__(self):
        super().__init__()
        self.writes = collections.Counter()  # of each path

    def __setitem__(self, name, path):
        super().__setitem__(name, path)
        self.writes[path] += 1

    def written_once(self):
        """What lies where another lay before has other files than where nothing did."""
        return {name: path for name, path in self.items() if self.writes[path] == 1}


class World:
    """One program. Who runs it has a method `do_…` for each operation, `values`, and `error`."""

    def __init__(self, directory, files):
        self.directory = directory
        # By the names that the operations give them; the files are those of all programs of a
        # scenario.
        self.nodes, self.checkpoints, self.statuses, self.files = {}, {}, {}, files
        self.seen = {}

    def run(self, operations):
        return [self.outcome(op) for op in operations]

    def outcome(self, op):
        there = {"object": self.nodes, "checkpoint": self.checkpoints, "status": self.statuses, "file": self.files}
        if any(i not in there[kind] for kind, i in histories.needs(op)):
            return SKIPPED
        try:
            outcome = self.apply(op) or {}
        except Exception as e:
            outcome = {"error": self.error(e)}
        changed = self.changed(op)
        return {**outcome, "changed": changed} if changed else outcome

    def apply(self, op):
        return getattr(self, "do_" + op["op"])(**{k: v for k, v in op.items() if k != "op"})

    def changed(self, op):
        """The values that are not what they were before the operation."""
        if op["op"] in STILL:
            return {}
        if op["op"] in ADDING:
            values = self.values([op["id"]])
            self.seen.update(values)
            return values
        values = self.values(self.nodes)
        changed = {name: v for name, v in values.items() if self.seen.get(name) != v}
        changed.update((name, None) for name in self.seen if name not in values)
        self.seen = values
        return changed

    def values(self, ids):
        """The values of these objects by name, with those of their counters and slots that the program did not make itself."""
        raise NotImplementedError

    def error(self, e):
        """What it failed with; anything that is no failure of the library is raised again."""
        raise NotImplementedError

    def do_restore(self, checkpoint, file, status, skip_slots=False, by="prefix"):
        return self.load("restore", checkpoint, self.path(file, by), status, skip_slots)

    def do_read(self, checkpoint, file, status, skip_slots=False, by="prefix"):
        return self.load("read", checkpoint, self.path(file, by), status, skip_slots)

    def path(self, file, by="prefix"):
        if by == "directory":
            return self.directory
        path = os.path.join(self.directory, file) if file == "nowhere" else self.files.get(file)
        return path + ".index" if by == "index" else path

    def do_delete_file(self, file):
        for suffix in (".index", ".data-00000-of-00001", ".data-00000-of-00002", ".data-00001-of-00002"):
            if os.path.exists(self.files[file] + suffix):
                os.remove(self.files[file] + suffix)

    def do_assert(self, status):
        verdict = {}
        for name in ASSERTIONS:
            try:
                self.ask(self.statuses[status], name)
                verdict[name] = True
            except Exception as e:
                verdict[name] = self.error(e)
        return {"verdict": verdict}

    def do_save(self, checkpoint, file):
        path = self.write("save", checkpoint, file)
        with open(os.path.join(self.directory, "checkpoint")) as f:
            return {"path": path, "state_file": f.read()}

    def do_write(self, checkpoint, file):
        return {"path": self.write("write", checkpoint, file)}

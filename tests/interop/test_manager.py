"""Directories that TensorFlow's manager and the library's take turns in: each goes on where the other stopped, and both do the same."""
import ctypes
import os
import shutil
import subprocess
import sys
from unittest import mock

import pytest
import tensorflow as tf
from tensorflow.python.checkpoint import checkpoint_management

import ckpt
from ckpt import CONSTANTS, LIB, CheckpointError, call, made
from program import Checkpoint, Options, Program, Status, string_at, strings_at, text, unsynced

NOW = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p)
LOG = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int32, ctypes.c_char_p, ctypes.c_size_t)


class Clock:
    def __init__(self, now=1.0e9):
        self.now = now
        self.callback = NOW(lambda _: self.now)


def path_or_none(handle):
    return string_at(handle) if handle else None


class Ours:
    """A program of the library with its manager. Its variables are `v` and `step`."""

    def __init__(self, directory, clock, keep=None, hours=None, interval=None, name="ckpt"):
        self.program = Program()
        self.v, self.step = self.program.variable(0), self.program.variable(0)
        self.checkpoint = Checkpoint(self.program, self.program.object(step=self.step, v=self.v))
        # No cycle of references: the manager is freed, with its lock, with its last name.
        self.warnings = warnings = []
        self.heard = LOG(lambda _, severity, text, length: warnings.append((severity, text.decode())))
        options = Options("manager", clock=(clock.callback, None, None), log=(self.heard, None, None), checkpoint_name=text(name))
        settings = {"max_to_keep": keep, "keep_checkpoint_every_n_hours": hours, "checkpoint_interval": interval}
        for setting, value in settings.items():
            if value is not None:
                options.set(setting, value)
        options.set("step_counter", self.step)
        self.clock, self.options = clock, options
        self.handle = made("ckpt_manager_open", self.checkpoint.handle, os.fsencode(directory), options.handle)

    def __del__(self):
        if hasattr(self, "handle"):
            LIB.ckpt_manager_free(self.handle)

    def get(self):
        return int(self.program.value(self.v)), int(self.program.value(self.step))

    def set(self, v, step):
        self.program.assign(self.v, v)
        self.program.assign(self.step, step)

    def save(self, number=None, check_interval=True):
        options = Options("manager_save", check_interval=check_interval, save_options=unsynced())
        if number is not None:
            options.set("number", number)
        return path_or_none(made("ckpt_manager_save", self.handle, options.handle).value)

    def plain_save(self, prefix):
        return self.checkpoint.save(prefix)

    def count(self):
        return self.checkpoint.save_count()

    @property
    def passed(self):
        return [text for _, text in self.warnings if "does not list it" in text]

    def restore_or_initialize(self):
        path, status = ctypes.c_void_p(), ctypes.c_void_p()
        call("ckpt_manager_restore_or_initialize", self.handle, None, ctypes.byref(path), ctypes.byref(status))
        if status:
            Status(status).assert_existing_objects_matched()
        return path_or_none(path.value)

    def checkpoints(self):
        return [os.fsdecode(p) for p in strings_at(LIB.ckpt_manager_checkpoints(self.handle))]

    def latest(self):
        return path_or_none(LIB.ckpt_manager_latest_checkpoint(self.handle))


class Theirs:
    """The same of TensorFlow, but for one thing: where its manager would overwrite a checkpoint that the state file did not list when the
    manager last read or wrote it, number and counter are moved first, to the next number at which nothing exists. `passed` has the
    library's words for each such move."""

    def __init__(self, directory, clock, keep=None, hours=None, interval=None, name="ckpt"):
        self.v, self.step = tf.Variable(0, dtype=tf.int64), tf.Variable(0, dtype=tf.int64)
        self.checkpoint = tf.train.Checkpoint(step=self.step, v=self.v)
        self.clock, self.directory, self.name = clock, directory, name
        self.listed, self.passed = listed_in(directory), []
        with self.time():
            self.manager = tf.train.CheckpointManager(
                self.checkpoint, directory, max_to_keep=keep, keep_checkpoint_every_n_hours=hours, checkpoint_interval=interval,
                step_counter=self.step, checkpoint_name=name)

    def time(self):
        patched = mock.patch.object(checkpoint_management, "time")
        patched.new = mock.Mock(time=lambda: self.clock.now)
        return patched

    def get(self):
        return int(self.v), int(self.step)

    def set(self, v, step):
        self.v.assign(v)
        self.step.assign(step)

    def save(self, number=None, check_interval=True):
        count = self.count()
        first = count + 1 if number is None else number
        free, is_lost = first, self.exists(first) and f"{self.name}-{first}" not in self.listed
        if is_lost:
            while self.exists(free):
                free += 1
            if number is None:
                self.checkpoint.save_counter.assign(free - 1)
        with self.time():
            path = self.manager.save(checkpoint_number=None if number is None else free, check_interval=check_interval)
        if path is None:
            self.checkpoint.save_counter.assign(count)
            return None
        self.listed = listed_in(self.directory)
        if is_lost:
            name = self.name
            self.passed.append(f"{name}-{first} exists, and the state file does not list it: the checkpoint is saved as {name}-{free}")
        return path

    def exists(self, number):
        return os.path.exists(os.path.join(self.directory, f"{self.name}-{number}.index"))

    def plain_save(self, prefix):
        return self.checkpoint.save(prefix)

    def count(self):
        return int(self.checkpoint.save_counter)

    def restore_or_initialize(self):
        return self.manager.restore_or_initialize()

    def checkpoints(self):
        return self.manager.checkpoints

    def latest(self):
        return self.manager.latest_checkpoint


def both(theirs, ours, act):
    """What an act comes to on both sides: its result with paths from the directory, or that it failed; the two must agree."""
    def outcome(side, directory):
        def inside(value):
            return os.path.relpath(value, directory) if isinstance(value, str) else [inside(v) for v in value] if isinstance(value, list) else value
        try:
            return inside(act(side, directory))
        except (CheckpointError, tf.errors.OpError, ValueError) as e:
            assert isinstance(e, (tf.errors.NotFoundError, ValueError)) or e.code in ("NOT_FOUND", "DATA_LOSS"), e
            return "failed"
    expected, found = outcome(*theirs), outcome(*ours)
    assert found == expected
    return found


def state_of(directory):
    path = os.path.join(directory, "checkpoint")
    return open(path).read() if os.path.exists(path) else None


def indexes(directory):
    return sorted(n for n in os.listdir(directory) if n.endswith(".index")) if os.path.isdir(directory) else []


def listed_in(directory):
    """The names of the directory's own checkpoints that its state file lists; none if TensorFlow cannot read it."""
    state = tf.train.get_checkpoint_state(directory)
    paths = [state.model_checkpoint_path, *state.all_model_checkpoint_paths] if state else []
    return {os.path.basename(path) for path in paths if os.path.dirname(path) == directory}


def unlisted(directory, listed):
    """{index: which file it is} of the checkpoints that are not listed."""
    found = [(n, os.stat(os.path.join(directory, n))) for n in indexes(directory) if n.removesuffix(".index") not in listed]
    return {n: (status.st_ino, status.st_mtime_ns, status.st_size) for n, status in found}


def agree(their_directory, our_directory):
    assert state_of(our_directory) == state_of(their_directory)
    assert indexes(our_directory) == indexes(their_directory)
    # Nothing of the library's own but the file of locks.
    assert {n for n in os.listdir(our_directory) if ".ckpt-" in n or n == "checkpoint.manager"} <= {".ckpt-lock"}


def damage(rng, directory):
    """Something that happens to directories between two runs."""
    kind = int(rng.integers(8))
    listed = indexes(directory)
    if kind == 0 and listed:
        os.remove(os.path.join(directory, listed[int(rng.integers(len(listed)))]))
    elif kind == 1 and state_of(directory) is not None:
        text = ["", "nonsense", "model_checkpoint_path: 'a' unknown: 1", "all_model_checkpoint_paths: 'ckpt-1'"][int(rng.integers(4))]
        open(os.path.join(directory, "checkpoint"), "w").write(text)
    elif kind == 2 and state_of(directory) is not None:
        os.remove(os.path.join(directory, "checkpoint"))


@pytest.mark.parametrize("case", range(12))
def test_taking_turns(rng, tmp_path, case):
    """From one directory both go on, each in a copy, with the same settings and the same clock; then one of the two copies is the next.

    A manager of the library never replaces a checkpoint that the state file does not list, which TensorFlow's does: see `Theirs`."""
    base, clock, value = tmp_path / "base", Clock(), 0
    os.makedirs(base / "run")
    for run in range(8):
        sides = [tmp_path / f"{run}-theirs", tmp_path / f"{run}-ours"]
        for side in sides:
            shutil.copytree(base, side, copy_function=shutil.copy2)
        directories = [str(side / "run") for side in sides]
        settings = {
            "keep": [None, 1, 2, 3][int(rng.integers(4))],
            "hours": [None, None, 0.5, 1, 2.5][int(rng.integers(5))],
            "interval": [None, None, 2][int(rng.integers(3))],
            "name": ["ckpt", "ckpt", "model.x"][int(rng.integers(3))],
        }
        clock.now += float(rng.integers(20000)) if rng.random() < 0.9 else -30000.25
        programs = []
        opened = both((Theirs, directories[0]), (Ours, directories[1]), lambda side, d: programs.append(side(d, clock, **settings)))
        if opened == "failed":
            assert not programs
            break
        theirs, ours = zip(programs, directories)
        both(theirs, ours, lambda side, d: [side.checkpoints(), side.latest()])
        if rng.random() < 0.8:
            both(theirs, ours, lambda side, d: side.restore_or_initialize())
            both(theirs, ours, lambda side, d: side.get())
        step = ours[0].get()[1]
        for _ in range(int(rng.integers(1, 7))):
            clock.now += float([0, 1, 600, 1800, 3600, 7200.5][int(rng.integers(6))])
            value, step = value + 1, step + int(rng.integers(3))
            both(theirs, ours, lambda side, d: side.set(value, step))
            kind = int(rng.integers(8))
            safe = {} if kind == 2 else unlisted(directories[1], theirs[0].listed)
            if kind == 0:
                number = int(rng.integers(-3, 40))
                both(theirs, ours, lambda side, d: side.save(number=number))
            elif kind == 1:
                both(theirs, ours, lambda side, d: side.save(check_interval=False))
            elif kind == 2:
                name = ["other", "ckpt"][int(rng.integers(2))]
                both(theirs, ours, lambda side, d: side.plain_save(os.path.join(d, name)))
            else:
                both(theirs, ours, lambda side, d: side.save())
            both(theirs, ours, lambda side, d: [side.checkpoints(), side.latest()])
            both(theirs, ours, lambda side, d: side.count())
            assert ours[0].passed == theirs[0].passed
            assert safe.items() <= unlisted(directories[1], []).items()
            agree(*directories)
        del ours, theirs, programs
        shutil.rmtree(base)
        base = sides[int(rng.integers(2))]
        shutil.rmtree(sides[1] if base == sides[0] else sides[0])
        damage(rng, str(base / "run"))


def test_a_moved_directory(rng, tmp_path):
    clock, value = Clock(), 0
    place = tmp_path / "0"
    for move, side in enumerate([Theirs, Ours, Theirs, Ours, Ours]):
        program = side(str(place), clock, keep=2)
        assert (program.restore_or_initialize() is None) == (move == 0)
        assert program.get() == (value, value)
        for _ in range(2):
            value += 1
            clock.now += 1
            program.set(value, value)
            assert program.save() == str(place / f"ckpt-{value}")
        assert len(indexes(place)) == 2
        del program
        moved = tmp_path / f"{move + 1} moved"
        os.rename(place, moved)
        place = moved


def test_names_beyond_ascii(rng, tmp_path):
    """Versions of protobuf write the state file in two ways; the library, which writes in the one, reads both."""
    clock = Clock()
    directory, name = str(tmp_path / "d\u00edr \u4e16"), "\u00fcn\"\u00ef'c\u00f6d\u00e9"
    for number, side in enumerate([Theirs, Ours, Ours, Theirs, Ours], start=1):
        program = side(directory, clock, keep=2, name=name)
        path = program.restore_or_initialize()
        assert path == (None if number == 1 else os.path.join(directory, f"{name}-{number - 1}"))
        clock.now += 1
        program.set(number, 0)
        assert program.save() == os.path.join(directory, f"{name}-{number}")
        assert tf.train.latest_checkpoint(directory) == program.latest()
        assert len(indexes(directory)) == min(number, 2)


def latest_of(directory):
    return path_or_none(made("ckpt_latest_checkpoint", os.fsencode(directory), None).value)


def test_what_the_library_keeps_beside_survives_tensorflow(rng, tmp_path):
    """The best by metric, and one that is held, are not in the state file: TensorFlow's manager removes neither."""
    clock, directory = Clock(), str(tmp_path / "run")
    ours = Ours(directory, clock, keep=1)
    best = Options("manager", max_to_keep=1, keep_best=(1, CONSTANTS["CKPT_BETTER_LOWER"]), clock=(clock.callback, None, None))

    def managed():
        return made("ckpt_manager_open", ours.checkpoint.handle, os.fsencode(directory), best.handle)

    def save(manager, loss):
        clock.now += 1
        options = Options("manager_save", save_options=unsynced(), metric=loss)
        return path_or_none(made("ckpt_manager_save", manager, options.handle).value)

    manager = managed()
    paths = [save(manager, loss) for loss in (0.25, 0.5, 0.75)]
    assert indexes(directory) == ["ckpt-1.index", "ckpt-3.index"]
    LIB.ckpt_manager_free(manager)
    theirs = Theirs(directory, clock, keep=1)
    theirs.restore_or_initialize()
    clock.now += 1
    assert theirs.save() == os.path.join(directory, "ckpt-4")
    assert indexes(directory) == ["ckpt-1.index", "ckpt-4.index"]
    ours.checkpoint.restore(latest_of(directory))
    manager = managed()
    save(manager, 0.5)
    assert indexes(directory) == ["ckpt-1.index", "ckpt-5.index"]
    assert LIB.ckpt_manager_metric(manager, os.fsencode(paths[0]), len(os.fsencode(paths[0]))) == 0.25
    LIB.ckpt_manager_free(manager)


def test_state_files_of_both(rng, tmp_path):
    """What each writes both read, and both take for the latest."""
    for case in range(30):
        directory = str(tmp_path / str(case))
        os.makedirs(directory)
        count = int(rng.integers(1, 6))
        names = [f"m\u00fc {i}'\"\\" if rng.random() < 0.3 else f"m-{i}" for i in range(count)]
        times = [float(rng.random() * 10.0 ** int(rng.integers(-320, 300))) for _ in names] if rng.random() < 0.7 else []
        preserved = float(rng.standard_normal()) if rng.random() < 0.5 else None
        if case % 2:
            checkpoint_management.update_checkpoint_state_internal(
                directory, names[-1], names, save_relative_paths=True, all_model_checkpoint_timestamps=times or None,
                last_preserved_timestamp=preserved)
        else:
            update = made("ckpt_state_update_new", os.fsencode(os.path.join(directory, names[-1])))
            for name in names:
                call("ckpt_state_update_add_path", update, os.fsencode(os.path.join(directory, name)))
            for time in times:
                call("ckpt_state_update_add_timestamp", update, time)
            if preserved is not None:
                call("ckpt_state_update_set_last_preserved", update, preserved)
            call("ckpt_update_checkpoint_state", os.fsencode(directory), update)
            LIB.ckpt_state_update_free(update)
        theirs = tf.train.get_checkpoint_state(directory)
        ours = made("ckpt_get_checkpoint_state", os.fsencode(directory), None, None)
        counted = range(LIB.ckpt_checkpoint_state_count(ours))
        assert [bytes(LIB.ckpt_checkpoint_state_path(ours, i)).decode() for i in counted] == list(theirs.all_model_checkpoint_paths)
        assert bytes(LIB.ckpt_checkpoint_state_latest(ours)).decode() == theirs.model_checkpoint_path
        assert [LIB.ckpt_checkpoint_state_timestamp(ours, i) for i in range(len(times))] == list(theirs.all_model_checkpoint_timestamps) == times
        if preserved is not None:
            assert LIB.ckpt_checkpoint_state_last_preserved(ours) == theirs.last_preserved_timestamp == preserved
        LIB.ckpt_checkpoint_state_free(ours)
        assert [os.path.join(directory, n) for n in names] == list(theirs.all_model_checkpoint_paths)


def test_who_saves_is_named(tmp_path):
    """A second program is refused, and told by whom."""
    directory = str(tmp_path / "run")
    ours = Ours(directory, Clock(), keep=1)
    ours.save()
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(__file__), "CKPT_LIB": str(ckpt.LIBRARY)}
    said = subprocess.run([sys.executable, "-c", SECOND, directory], env=environment, capture_output=True, text=True, check=True).stdout
    assert said.startswith("UNAVAILABLE") and f"process {os.getpid()} (" in said, said


SECOND = """
import ctypes, os, sys
import ckpt
graph, root = ckpt.LIB.ckpt_graph_new(), ctypes.c_uint64()
ckpt.call("ckpt_graph_add_object", graph, None, ctypes.byref(root))
checkpoint = ckpt.made("ckpt_checkpoint_new", graph, root)
manager = ckpt.made("ckpt_manager_open", checkpoint, os.fsencode(sys.argv[1]), None)
try:
    ckpt.made("ckpt_manager_save", manager, None)
    print("saved")
except ckpt.CheckpointError as e:
    print(e)
"""

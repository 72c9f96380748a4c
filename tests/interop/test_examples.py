"""The training examples of all languages: TensorFlow goes on from their checkpoints, and they from TensorFlow's."""
import os
import pathlib
import re
import subprocess

import numpy as np
import pytest
import tensorflow as tf

import ckpt
from test_checkpoint_guide import Guide, arrays

EXAMPLES = ckpt.ROOT / "examples"


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A folder with the library, as loader, linker and pkg-config look for it, and the environment that leads there."""
    folder = tmp_path_factory.mktemp("library")
    for name in ("libcheckpoint.so", "libcheckpoint.so.0"):
        os.symlink(ckpt.LIBRARY.resolve(), folder / name)
    (folder / "checkpoint.pc").write_text("Name: checkpoint\nDescription: for this test\nVersion: 0\n"
                                          f"Cflags: -I{ckpt.ROOT}/include\nLibs: -L{folder} -lcheckpoint\n", encoding="utf-8")
    return folder, {**os.environ, "LD_LIBRARY_PATH": str(folder), "PKG_CONFIG_PATH": str(folder)}


def in_c(folder, program):
    options = [f"-I{ckpt.ROOT}/include", f"-L{folder}", "-lcheckpoint", "-lm", "-o", program]
    return ["cc", "-std=c11", EXAMPLES / "c" / "train.c", *options], [program]


def in_cpp(folder, program):
    options = [f"-I{ckpt.ROOT}/bindings/cpp/include", f"-I{ckpt.ROOT}/include", f"-L{folder}", "-lcheckpoint", "-o", program]
    return ["c++", "-std=c++17", EXAMPLES / "cpp" / "train.cpp", *options], [program]


def in_go(_, program):
    return ["go", "build", "-C", EXAMPLES / "go" / "train", "-tags", "checkpoint_system", "-o", program], [program]


def in_csharp(_, program):
    sources = [EXAMPLES / "csharp" / "Train.cs", *sorted((ckpt.ROOT / "bindings" / "csharp").glob("*.cs"))]
    options = ["-langversion:7.2", "-unsafe", "-d:NETSTANDARD2_0", "-r:System.Numerics.dll", f"-out:{program}"]
    return ["mcs", *options, *sources], ["mono", program]


def in_rust(_, __):
    """A debug build of its own: it has the library in it."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ckpt.ROOT / "target"))
    build = ["cargo", "build", "--locked", "--quiet", "--features", "derive", "--example", "train"]
    return [*build, "--manifest-path", ckpt.ROOT / "Cargo.toml", "--target-dir", target], [target / "debug" / "examples" / "train"]


LANGUAGES = {"c": in_c, "cpp": in_cpp, "go": in_go, "csharp": in_csharp, "rust": in_rust}


@pytest.fixture(scope="module", params=LANGUAGES)
def train(request, library):
    """A function that runs the example of a language: directory, steps, and in which it dies; gives what it printed."""
    folder, environment = library
    build, program = LANGUAGES[request.param](folder, folder / request.param)
    subprocess.run([*map(str, build)], env=environment, check=True)

    def run(*arguments):
        command = [*map(str, [*program, *arguments])]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    return run


def weights(printed):
    """The bits of kernel and bias."""
    lines = dict(re.findall(r"^(kernel|bias) (.+)$", printed, re.MULTILINE))
    return {name: np.array([float.fromhex(word) for word in words.split()], np.float32) for name, words in lines.items()}


def test_tensorflow_goes_on_from_an_example_and_the_example_from_there(train, rng, tmp_path):
    directory = str(tmp_path / "ckpts")
    printed = weights(train(directory, 50))
    assert printed.keys() == {"kernel", "bias"}

    there = Guide(rng, directory)
    # The examples' iterator is a position, TensorFlow's its own: all but that is restored.
    restored = tf.train.Checkpoint(step=there.checkpoint.step, optimizer=there.optimizer, net=there.net)
    status = restored.restore(tf.train.latest_checkpoint(directory))
    there.net(tf.zeros([1, 1]))
    there.optimizer._create_all_weights(there.net.trainable_variables)
    status.assert_existing_objects_matched()
    status.expect_partial()
    values = arrays(there.values())
    assert {name: values[name].tobytes() for name in printed} == {name: value.tobytes() for name, value in printed.items()}
    assert (values["step"], values["iter"]) == (50, 50)
    assert values["kernel.m"].any() and values["bias.v"].any()

    there.checkpoint.save_counter.assign(restored.save_counter)
    there.train(10)
    assert os.path.basename(tf.train.latest_checkpoint(directory)) == "ckpt-6"
    expected = {name: value.tobytes() for name, value in arrays(there.values()).items()}
    again = train(directory, 60)
    assert re.search(r"^from step 60 of .*/ckpt-6$", again, re.MULTILINE), again
    assert all(value.tobytes() == expected[name] for name, value in weights(again).items())
    assert re.search(r"^step 70: loss .*, saved$", train(directory, 70), re.MULTILINE)

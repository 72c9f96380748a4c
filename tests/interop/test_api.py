"""The header and the library agree on every name, and this suite calls nothing that the header lacks."""
import re
from pathlib import Path

import ckpt


def test_every_function_of_the_header_is_exported():
    assert [n for n in ckpt.FUNCTIONS if not hasattr(ckpt.LIB, n)] == []
    assert len(ckpt.FUNCTIONS) > 50


def test_the_header_takes_no_name_without_prefix():
    text = re.sub(r"//[^\n]*", "", ckpt.HEADER.read_text())
    names = re.findall(r"^#define (\w+)[ (]", text, re.M) + re.findall(r"^typedef [^;{]*?(\w+);|^\} (\w+);", text, re.M)
    names = [n if isinstance(n, str) else n[0] or n[1] for n in names]
    assert names and not [n for n in names if not n.lower().startswith("ckpt_")]


def test_every_function_called_here_is_in_the_header():
    text = "\n".join(f.read_text() for f in Path(__file__).parent.glob("*.py"))
    used = re.findall(r"\bLIB\.(ckpt_\w+)|\b(?:call|made|_strings)\(\s*\"(ckpt_\w+)\"", text)
    assert {a or b for a, b in used} <= ckpt.FUNCTIONS.keys()
    assert len(used) > 30


def test_a_dtype_has_the_number_and_name_of_tensorflow():
    import tensorflow as tf
    for number in [n for n in range(1, 34) if n != 20]:
        dtype = tf.as_dtype(number)
        assert ckpt.LIB.ckpt_dtype_name(number).decode() == dtype.name
        if dtype not in (tf.string, tf.variant):
            assert ckpt.LIB.ckpt_dtype_size(number) == dtype.size

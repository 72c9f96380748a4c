"""Writes fixtures.inc, the rows of fixtures.c, from the manifests that TensorFlow's readings left in tests/data.

usage: python3 tests/c/make_fixtures.py > tests/c/fixtures.inc
"""
import json
import pathlib

DATA = pathlib.Path(__file__).parent.parent / "data"
NAMES = {"float32": "FLOAT", "float64": "DOUBLE", "float16": "HALF"}


def literal(text):
    out = "".join(chr(b) if 32 <= b < 127 and b not in b'"\\?' else "\\%03o" % b for b in text.encode())
    return '"%s"' % out


print("/* Made by make_fixtures.py from the manifests in tests/data. */")
print("/* FIXTURE(path, tensors) and then a TENSOR(key, dtype, rank, dims...) for each, sorted by key. */")
for path in sorted(DATA.glob("*/manifest*.json")):
    manifest = json.loads(path.read_text())
    tensors = sorted(manifest["tensors"].items(), key=lambda item: item[0].encode())
    print("FIXTURE(%s, %d)" % (literal("%s/%s" % (path.parent.name, manifest["prefix"])), len(tensors)))
    for key, entry in tensors:
        dtype = NAMES.get(entry["dtype"], entry["dtype"].upper())
        dims = "".join(", %d" % d for d in entry["shape"]) or ", 0"
        print("TENSOR(%s, CKPT_DTYPE_%s, %d%s)" % (literal(key), dtype, len(entry["shape"]), dims))

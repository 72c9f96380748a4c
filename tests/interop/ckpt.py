"""The C ABI of libcheckpoint for Python: each function's signature is read from include/checkpoint.h, so the two cannot differ.

CKPT_LIB names the library and CKPT_TOOL the command line tool; else the newest one built under the project root is taken.
"""
import ctypes
import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADER = ROOT / "include" / "checkpoint.h"


def built(variable, name):
    """The file that the environment names, or the newest of the builds that cargo and CMake make."""
    if os.environ.get(variable):
        return Path(os.environ[variable])
    folders = ["target/release", "target/debug", "build", "build/*", "build/*/*"]
    found = [f for folder in folders for f in ROOT.glob(f"{folder}/{name}") if f.is_file()]
    if not found:
        raise FileNotFoundError(f"no {name} under {ROOT}: build it, or set {variable}")
    return max(found, key=lambda f: f.stat().st_mtime)


class Bytes(ctypes.Structure):
    """`ckpt_bytes`: lent, copied out by bytes()."""
    _fields_ = [("data", ctypes.c_void_p), ("len", ctypes.c_size_t)]

    def __bytes__(self):
        return ctypes.string_at(self.data, self.len) if self.len else b""


class CheckpointError(Exception):
    """A failed call, or a problem that verify found."""

    def __init__(self, error):
        self.code = CODES[LIB.ckpt_error_code(error)]
        self.reason = LIB.ckpt_error_reason(error)
        self.message = LIB.ckpt_error_message(error).decode(errors="replace")
        self.file = bytes(LIB.ckpt_error_file(error))
        self.tensor = bytes(LIB.ckpt_error_tensor(error))
        super().__init__(f"{self.code}: {self.message}")


# --------------------------------------------------------------------------------------- the header

SCALARS = {
    "void": None, "bool": ctypes.c_bool, "char": ctypes.c_char, "size_t": ctypes.c_size_t, "double": ctypes.c_double,
    "int32_t": ctypes.c_int32, "uint32_t": ctypes.c_uint32, "int64_t": ctypes.c_int64, "uint64_t": ctypes.c_uint64,
    "uint8_t": ctypes.c_uint8, "int": ctypes.c_int, "ckpt_bytes": Bytes,
}


def ctype(declaration, typedefs):
    """The ctypes type of a parameter or result such as `const char *key` or `ckpt_code`."""
    words = re.sub(r"\b(const|struct|enum)\b", " ", declaration)
    if "(" in words or "*" in words or "[" in words:
        return ctypes.c_char_p if re.match(r"\s*char\s*\*[^*]*$", words) else ctypes.c_void_p
    name = words.split()[0]
    while name in typedefs:
        if "(" in typedefs[name]:
            return ctypes.c_void_p
        name = typedefs[name].split()[0]
    return SCALARS[name]


def split(parameters):
    """The parameters between commas that no parenthesis hides."""
    parts, depth = [""], 0
    for c in parameters:
        depth += (c == "(") - (c == ")")
        if c == "," and not depth:
            parts.append("")
        else:
            parts[-1] += c
    return [p.strip() for p in parts if p.strip() not in ("", "void")]


def parse(text):
    """Functions {name: (result, [parameters])} and constants {name: number} of a C header."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)
    constants = {n: int(v, 0) for n, v in re.findall(r"^\s*#\s*define\s+(CKPT_\w+)\s+\(?(-?\d+|0x[0-9a-fA-F]+)\)?\s*$", text, re.M)}
    text = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", " ", text, flags=re.M)
    for body in re.findall(r"\benum\b[^{;]*\{([^}]*)\}", text):
        constants.update({n: int(v, 0) for n, v in re.findall(r"(CKPT_\w+)\s*=\s*(-?\w+)", body)})
    typedefs = {}
    for body in re.findall(r"\btypedef\b([^;{}]*);", text):
        callback = re.search(r"\(\s*\*\s*(\w+)\s*\)", body)
        name = callback.group(1) if callback else body.split()[-1].lstrip("*")
        if callback or body.split()[0] not in ("struct", "enum"):
            typedefs[name] = body
    functions = {}
    for statement in re.split(r"[;{}]", text):
        match = re.match(r"(?!\s*typedef\b)(.*?)\b(ckpt_\w+)\s*\((.*)\)\s*$", statement, re.S)
        if match and match.group(1).strip():
            result, name, parameters = match.groups()
            functions[name] = (ctype(result + " _", typedefs), [ctype(p, typedefs) for p in split(parameters)])
    return functions, constants


FUNCTIONS, CONSTANTS = parse(HEADER.read_text())
LIBRARY = built("CKPT_LIB", "libcheckpoint.so")
LIB = ctypes.CDLL(str(LIBRARY))
for _name, (_result, _parameters) in FUNCTIONS.items():
    _function = getattr(LIB, _name)
    _function.restype, _function.argtypes = _result, _parameters

CODES = ["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
         "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE",
         "DATA_LOSS", "UNAUTHENTICATED"]


def call(name, *arguments):
    """Calls a fallible function; its error argument is ours to fill."""
    error = ctypes.c_void_p()
    if getattr(LIB, name)(*arguments, ctypes.byref(error)) != 0:
        try:
            raise CheckpointError(error)
        finally:
            LIB.ckpt_error_free(error)


def made(name, *arguments):
    """Calls a fallible function whose last argument but the error is the handle it makes."""
    handle = ctypes.c_void_p()
    call(name, *arguments, ctypes.byref(handle))
    return handle


def version():
    return LIB.ckpt_version().decode()


# --------------------------------------------------------------------------------------- the reader


class Tensor:
    """What the reader says of one tensor, which it lends."""

    def __init__(self, reader, handle):
        self.reader, self.handle = reader, handle
        self.key = bytes(LIB.ckpt_tensor_key(handle))
        self.dtype = LIB.ckpt_dtype_name(LIB.ckpt_tensor_dtype(handle)).decode()
        self.rank = LIB.ckpt_tensor_rank(handle)
        shape = ctypes.cast(LIB.ckpt_tensor_shape(handle), ctypes.POINTER(ctypes.c_int64))
        self.shape = tuple(shape[i] for i in range(self.rank))
        self.elements = LIB.ckpt_tensor_element_count(handle)
        self.bytes = LIB.ckpt_tensor_byte_size(handle)
        self.element_size = LIB.ckpt_dtype_size(LIB.ckpt_tensor_dtype(handle))
        self.shard = LIB.ckpt_tensor_shard(handle)
        self.offset = LIB.ckpt_tensor_offset(handle)

    def slices(self):
        """Per stored slice a list of (start, length), length -1 for a whole dimension."""
        out = []
        for i in range(LIB.ckpt_tensor_slice_count(self.handle)):
            start, length = (ctypes.c_int64 * self.rank)(), (ctypes.c_int64 * self.rank)()
            call("ckpt_tensor_slice", self.handle, i, start, length)
            out.append(list(zip(start, length)))
        return out


class Reader:
    def __init__(self, path):
        self.handle = made("ckpt_reader_open", os.fsencode(path), None)

    def __del__(self):
        if hasattr(self, "handle"):
            LIB.ckpt_reader_free(self.handle)

    def tensors(self):
        return [Tensor(self, LIB.ckpt_reader_tensor(self.handle, i)) for i in range(LIB.ckpt_reader_count(self.handle))]

    def has(self, key):
        return LIB.ckpt_reader_has(self.handle, key, len(key))

    def find(self, key):
        return Tensor(self, made("ckpt_reader_find", self.handle, key, len(key)))

    def read(self, tensor):
        """The tensor's bytes, or the list of its elements where they have no fixed size."""
        if not tensor.element_size:
            return self._strings("ckpt_reader_read_strings", tensor)
        buffer = ctypes.create_string_buffer(tensor.bytes)
        call("ckpt_reader_read", self.handle, tensor.handle, None, buffer, tensor.bytes)
        return buffer.raw

    def read_slice(self, tensor, box):
        """The same of the part of it that `box` cuts, a list of (start, length)."""
        starts, lengths = ((ctypes.c_int64 * len(box))(*side) for side in zip(*box)) if box else (None, None)
        if not tensor.element_size:
            return self._strings("ckpt_reader_read_strings_slice", tensor, starts, lengths, len(box))
        size = tensor.element_size
        for dim, (start, length) in zip(tensor.shape, box):
            size *= dim - start if length == -1 else length
        size = size if 0 <= size < 1 << 30 else 0
        buffer = ctypes.create_string_buffer(size)
        call("ckpt_reader_read_slice", self.handle, tensor.handle, starts, lengths, len(box), None, buffer, size)
        return buffer.raw

    def _strings(self, function, tensor, *box):
        strings = made(function, self.handle, tensor.handle, *box, None)
        try:
            return [bytes(LIB.ckpt_strings_get(strings, i)) for i in range(LIB.ckpt_strings_count(strings))]
        finally:
            LIB.ckpt_strings_free(strings)

    def read_many(self, tensors, threads):
        """The bytes of several tensors of fixed element size."""
        options = LIB.ckpt_read_options_new()
        buffers = [ctypes.create_string_buffer(t.bytes) for t in tensors]
        count = len(tensors)
        try:
            call("ckpt_read_options_set_threads", options, threads)
            call("ckpt_reader_read_many", self.handle, (ctypes.c_void_p * count)(*[t.handle for t in tensors]), count, options,
                 (ctypes.c_void_p * count)(*[ctypes.addressof(b) for b in buffers]), (ctypes.c_size_t * count)(*[t.bytes for t in tensors]))
        finally:
            LIB.ckpt_read_options_free(options)
        return [b.raw for b in buffers]

    def view(self, tensor):
        """The mapped bytes, copied, and their alignment."""
        view = made("ckpt_reader_view", self.handle, tensor.handle, None)
        try:
            return bytes(LIB.ckpt_view_bytes(view)), LIB.ckpt_view_alignment(view)
        finally:
            LIB.ckpt_view_free(view)

    def graph(self):
        """A dictionary for each node of the object graph; None where there is no graph."""
        try:
            graph = made("ckpt_reader_object_graph", self.handle)
        except CheckpointError as e:
            if e.reason == CONSTANTS["CKPT_REASON_NO_OBJECT_GRAPH"] and e.code == "NOT_FOUND":
                return None
            raise
        try:
            return [node(graph, i) for i in range(LIB.ckpt_object_graph_count(graph))]
        finally:
            LIB.ckpt_object_graph_free(graph)

    def debug_string(self):
        text = made("ckpt_reader_debug_string", self.handle)
        try:
            return bytes(LIB.ckpt_string_bytes(text))
        finally:
            LIB.ckpt_string_free(text)


def node(graph, i):
    def field(what, *index):
        value = getattr(LIB, "ckpt_object_graph_" + what)(graph, i, *index)
        return bytes(value).decode() if isinstance(value, Bytes) else value

    def rows(what, *columns):
        return [tuple(field(c, j) for c in columns) for j in range(field(what + "_count"))]

    saver = field("saver_name"), field("saver_object_name")
    return {
        "children": rows("child", "child_node", "child_name"),
        "attributes": rows("attribute", "attribute_name", "attribute_full_name", "attribute_key"),
        "slots": rows("slot", "slot_original", "slot_name", "slot_node"),
        "saver": saver if any(saver) else None,
        "has_values": {-1: None, 0: False, 1: True}[field("has_values")],
    }


# --------------------------------------------------------------------------------------- the writer


def text(element):
    return ctypes.create_string_buffer(bytes(element), max(1, len(element)))


def numbers(values):
    return (ctypes.c_int64 * len(values))(*values)


FILL = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_void_p, ctypes.c_size_t)


class Writer:
    """Options are those of ckpt_write_options_set_…; durability, threads and so on. What is added is held until finish."""

    def __init__(self, prefix, durability="NONE", **options):
        handle = LIB.ckpt_write_options_new()
        self.held = []
        try:
            call("ckpt_write_options_set_durability", handle, CONSTANTS["CKPT_DURABILITY_" + durability])
            for name, value in options.items():
                call(f"ckpt_write_options_set_{name}", handle, value)
            self.handle = made("ckpt_writer_new", os.fsencode(prefix), handle)
        finally:
            LIB.ckpt_write_options_free(handle)

    def __del__(self):
        if hasattr(self, "handle"):
            LIB.ckpt_writer_free(self.handle)

    def add(self, key, dtype, shape, value, box=None):
        """`value` is bytes, or the list of the elements; `dtype` TensorFlow's number; `box` a list of (start, length)."""
        extents = [numbers(side) for side in zip(*box)] if box is not None else []
        place = (key, len(key)) if isinstance(value, list) else (key, len(key), dtype)
        if not isinstance(value, list):
            self.held.append(value)
            function, end = "ckpt_writer_add", (ctypes.c_char_p(value), len(value))
        else:
            buffers = [text(e) for e in value]
            elements = (Bytes * len(value))(*[Bytes(ctypes.addressof(b), len(e)) for b, e in zip(buffers, value)])
            function = "ckpt_writer_add_variants" if dtype == CONSTANTS["CKPT_DTYPE_VARIANT"] else "ckpt_writer_add_strings"
            end = elements, len(value)
        call(function + ("_slice" if box is not None else ""), self.handle, *place, numbers(shape), *extents, len(shape), *end)

    def add_read(self, key, dtype, shape, value):
        """The same, of bytes that the library asks for."""
        def fill(_, offset, buffer, size):
            ctypes.memmove(buffer, bytes(value[offset:offset + size]), size)
            return 0
        self.held.append(FILL(fill))
        call("ckpt_writer_add_read", self.handle, key, len(key), dtype, numbers(shape), len(shape), self.held[-1], None, None)

    def finish(self):
        call("ckpt_writer_finish", self.handle)


def merge(destination, sections, durability="NONE", **options):
    handle = LIB.ckpt_merge_options_new()
    try:
        call("ckpt_merge_options_set_durability", handle, CONSTANTS["CKPT_DURABILITY_" + durability])
        for name, value in options.items():
            call(f"ckpt_merge_options_set_{name}", handle, value)
        paths = [os.fsencode(s) for s in sections]
        call("ckpt_merge", os.fsencode(destination), (ctypes.c_char_p * len(paths))(*paths), len(paths), handle)
    finally:
        LIB.ckpt_merge_options_free(handle)


def verify(path):
    """The problems found in every checksum of a checkpoint."""
    found = made("ckpt_verify", os.fsencode(path), None)
    try:
        return [CheckpointError(LIB.ckpt_verification_problem(found, i)) for i in range(LIB.ckpt_verification_problem_count(found))]
    finally:
        LIB.ckpt_verification_free(found)

"""Makes NativeMethods.cs and Constants.cs from include/checkpoint.h: `generate.py` checks that they are as it makes them, `generate.py
--write` writes them. What it makes is every function, callback type and constant of the header, one for one; what has a free function
and is kept gets a SafeHandle, which the runtime holds during each call."""
import pathlib
import re
import sys

here = pathlib.Path(__file__).resolve().parent
header = (here.parents[1] / "include" / "checkpoint.h").read_text()
made_from = "// Made from include/checkpoint.h by generate.py; do not edit.\n"

# What a call gives and the binding copies and frees at once needs no handle.
COPIED = {"error", "string", "strings", "nodes", "description", "report", "object_graph", "comparison", "verification", "broken_checkpoints", "repaired_state",
          "checkpoint_state"}
# The class of this one is written by hand: it has more to do than to free.
BY_HAND = {"status"}
ENUMS = {  # type, prefix of its constants, name
    "ckpt_code": ("CKPT_CODE_", "ErrorCode"), "ckpt_reason": ("CKPT_REASON_", "Reason"), "ckpt_dtype": ("CKPT_DTYPE_", "DType"),
    "ckpt_format": ("CKPT_FORMAT_", "Format"), "ckpt_checksums": ("CKPT_CHECKSUMS_", "Checksums"),
    "ckpt_durability": ("CKPT_DURABILITY_", "Durability"), "ckpt_kind": ("CKPT_KIND_", "NodeKind"),
    "ckpt_mismatch": ("CKPT_MISMATCH_", "Mismatch"), "ckpt_busy": ("CKPT_BUSY_", "Busy"), "ckpt_restore_kind": ("CKPT_RESTORE_KIND_", "RestoreKind"),
    "ckpt_row_state": ("CKPT_ROW_STATE_", "RowState"), "ckpt_better": ("CKPT_BETTER_", "Better"), "ckpt_severity": ("CKPT_SEVERITY_", "Severity"),
}
# size_t is 64 bits wherever the library is.
SCALARS = {"void": "void", "size_t": "long", "int32_t": "int", "uint32_t": "uint", "int64_t": "long", "uint64_t": "ulong", "double": "double",
           "bool": "bool", "ckpt_node": "Node", "ckpt_bytes": "Bytes"} | {kind: name for kind, (_, name) in ENUMS.items()}
# Places for arrays, where a place for one value looks the same.
ARRAYS = {("ckpt_tensor_slice", "start"), ("ckpt_tensor_slice", "length"), ("ckpt_checkpoint_mtimes", "mtimes")}


def pascal(snake):
    return "".join(word[:1].upper() + word[1:] for word in snake.split("_"))


def camel(snake):
    name = pascal(snake)
    name = name[:1].lower() + name[1:]
    return "@" + name if name == "string" else name


code = re.sub(r"//[^\n]*|/\*.*?\*/", "", header, flags=re.S)
functions = re.findall(r"^([a-z][\w ]*?[ \*]+)(ckpt_\w+)\(([^()]*)\);", code, re.M)
callbacks = re.findall(r"typedef ([\w ]+?)\s*\(\*(ckpt_\w+)\)\(([^()]*)\);", code)
handles = sorted({name[5:-5] for _, name, _ in functions if name.endswith("_free")} - COPIED)


def handle(name):
    return pascal(name) + "Handle"


def split(declaration):
    """`const ckpt_tensor *const *tensors` is (ckpt_tensor, 2, True, tensors): of type, stars, whether what it points to is const, name."""
    name = re.search(r"(\w+)$", declaration).group(1)
    kind = declaration[: -len(name)]
    const = kind.lstrip().startswith("const ")
    return kind.replace("const", "").replace("*", "").strip(), kind.count("*"), const, name


def parameter(function, declaration):
    kind, stars, const, name = split(declaration)
    given = camel(name)
    own = kind.removeprefix("ckpt_")
    if stars == 0:
        if kind.endswith("_callback"):
            return f"{pascal(own)} {given}"
        return ("[MarshalAs(UnmanagedType.I1)] " if kind == "bool" else "") + f"{SCALARS[kind]} {given}"
    if stars == 2:
        if const or "*const" in declaration:
            if "const ckpt_tensor **" in declaration:
                return f"out IntPtr {given}"
            return f"IntPtr[] {given}"
        return f"out {handle(own) if own in handles else 'IntPtr'} {given}"
    if own in handles:
        return f"{handle(own)} {given}"
    if kind == "char" or kind == "uint8_t":
        return f"byte[] {given}"
    if kind not in SCALARS or kind == "void":
        return f"IntPtr {given}"
    if const:
        return f"{SCALARS[kind]}[] {given}"
    if (function, name) in ARRAYS:
        return f"[In, Out] {SCALARS[kind]}[] {given}"
    return ("[MarshalAs(UnmanagedType.I1)] " if kind == "bool" else "") + f"out {SCALARS[kind]} {given}"


def result(function, kind):
    name, stars, _, _ = split(kind + " x")
    if stars == 0:
        return SCALARS[name]
    own = name.removeprefix("ckpt_")
    return handle(own) if own in handles and not function.endswith("_free") else "IntPtr"


def parameters(function, text, of):
    return ", ".join(of(function, " ".join(part.split())) for part in text.split(",") if part.strip() != "void")


def of_callback(function, declaration):
    kind, stars, _, name = split(declaration)
    if stars:
        return f"IntPtr {camel(name)}"
    return parameter(function, declaration)


def of_free(function, declaration):
    return f"IntPtr {camel(split(declaration)[3])}"


def native_methods():
    lines = [made_from, "using System;", "using System.Runtime.InteropServices;", "", "namespace LibCheckpoint", "{"]
    for kind, name, arguments in callbacks:
        returned = SCALARS[kind.strip()]
        lines.append("    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]")
        if returned == "bool":
            lines.append("    [return: MarshalAs(UnmanagedType.I1)]")
        lines.append(f"    internal delegate {returned} {pascal(name[5:])}({parameters(name, arguments, of_callback)});\n")
    for own in handles:
        if own in BY_HAND:
            continue
        lines.append(f"    internal sealed class {handle(own)} : Handle")
        lines.append("    {")
        if own.endswith("_options") or own == "cancel":
            lines.append(f"        internal static readonly {handle(own)} None = new {handle(own)}(); // stands for NULL")
        lines.append(f"        protected override void Free() => NativeMethods.ckpt_{own}_free(handle);")
        lines.append("    }\n")
    lines += ["    internal static partial class NativeMethods", "    {"]
    for kind, name, arguments in functions:
        own = name[5:-5]
        of = of_free if name.endswith("_free") and own in handles else parameter
        returned = result(name, kind)
        lines.append("        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]")
        if returned == "bool":
            lines.append("        [return: MarshalAs(UnmanagedType.I1)]")
        lines.append(f"        internal static extern {returned} {name}({parameters(name, arguments, of)});\n")
    lines[-1] = lines[-1].rstrip("\n")
    return "\n".join(lines + ["    }", "}", ""])


SPELLING = {"FLOAT": "Float32", "DOUBLE": "Float64", "HALF": "Float16", "BFLOAT16": "BFloat16", "IO": "IO", "DTYPE": "DType",
            "DTYPE_MISMATCH": "DTypeMismatch", "NOT_A_FILE": "NotAFile"}


def member(text):
    if text in SPELLING:
        return SPELLING[text]
    words = [word if re.match(r"E\d", word) else word[:1] + word[1:].lower() for word in text.split("_")]
    return re.sub(r"(Ui|Qui|Qi)nt", lambda m: {"Ui": "UInt", "Qui": "QUInt", "Qi": "QInt"}[m.group(1)], "".join(words))


def xml(text):
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"`([^`]*)`", r"<c>\1</c>", text)


def documented(pattern):
    """What a pattern finds in the header, each time after the comment above it."""
    for comment, *found in re.findall(r"((?:^//[^\n]*\n)+)" + pattern, header, re.M):
        yield " ".join(line.removeprefix("//").strip() for line in comment.splitlines()), *found


def constants():
    lines = [made_from, "namespace LibCheckpoint", "{"]
    about = {name: text for text, name in documented(r"typedef int32_t (\w+);")}
    members = {name: [] for name in ENUMS}
    version = {}
    for text, name, value in documented(r"#define (CKPT_\w+) (\d+)$"):
        if name.startswith("CKPT_VERSION_"):
            version[name] = value
            continue
        if name == "CKPT_MAX_RANK":
            version[name] = value
            continue
        kind = next(kind for kind, (prefix, _) in ENUMS.items() if name.startswith(prefix))
        members[kind].append((text, member(name.removeprefix(ENUMS[kind][0])), value))
    members["ckpt_reason"].insert(0, ("None is given.", "None", "0"))
    for kind, (_, name) in ENUMS.items():
        text = re.sub(r"[:,] (one of )?(the )?(constants from )?`CKPT_.*", ".", about[kind]).replace(", .", ".")
        lines += [f"    /// <summary>{xml(text)}</summary>", f"    public enum {name}", "    {"]
        for text, own, value in members[kind]:
            lines += [f"        /// <summary>{xml(text)}</summary>", f"        {own} = {value},", ""]
        lines[-1] = "    }\n"
    lines += ["    internal static class Header", "    {"]
    lines.append("        internal const string Version = \"{CKPT_VERSION_MAJOR}.{CKPT_VERSION_MINOR}.{CKPT_VERSION_PATCH}\";".format(**version))
    lines.append("        internal const string Major = \"{CKPT_VERSION_MAJOR}\";".format(**version))
    lines.append("        internal const int MaxRank = {CKPT_MAX_RANK};".format(**version))
    return "\n".join(lines + ["    }", "}", ""])


status = 0
for file, text in (("NativeMethods.cs", native_methods()), ("Constants.cs", constants())):
    path = here / file
    if "--write" in sys.argv[1:]:
        path.write_text(text)
    elif not path.exists() or path.read_text() != text:
        print(f"bindings/csharp/{file} is not what include/checkpoint.h says: run bindings/csharp/generate.py --write")
        status = 1
sys.exit(status)

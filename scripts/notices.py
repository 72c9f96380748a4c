#!/usr/bin/env python3
"""Writes THIRD-PARTY-NOTICES: the licences of the crates that Cargo.lock puts into the library and into the tool.
usage: notices.py            writes the file
       notices.py --check    fails if the file is out of date

Crates that run only while something is built (procedural macros, build scripts) are in neither binary and are left out.
"""
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOTICES = ROOT / "THIRD-PARTY-NOTICES"
TARGETS = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"]

# Where a crate leaves the choice, the first of these is taken; each with the ends that names of its
# file may have.
LICENCES = {
    "MIT": ["LICENSE-MIT", "LICENSE", "COPYING"],
    "BSD-3-Clause": ["LICENSE-BSD", "LICENSE", "COPYING"],
    "Zlib": ["LICENSE-ZLIB", "LICENSE"],
    "Apache-2.0": ["LICENSE-APACHE", "LICENSE"],
}

MIT = """\
Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


def carried(package):
    """The crates of the registry that end up in the binary of a package of the workspace."""
    found = {}
    for target in TARGETS:
        command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
        metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
        crates = {crate["id"]: crate for crate in metadata["packages"]}
        edges = {node["id"]: node["deps"] for node in metadata["resolve"]["nodes"]}
        pending = [crate["id"] for crate in crates.values() if crate["name"] == package]
        seen = set()
        while pending:
            at = pending.pop()
            is_macro = any("proc-macro" in target["kind"] for target in crates[at]["targets"])
            if at in seen or is_macro:
                continue
            seen.add(at)
            pending += [edge["pkg"] for edge in edges[at] if any(kind["kind"] is None for kind in edge["dep_kinds"])]
        found |= {(crates[at]["name"], crates[at]["version"]): crates[at] for at in seen if crates[at]["source"]}
    return found


def licence_of(crate):
    """The licence chosen, and its text."""
    # Every part of a conjunction must be met; no crate that is carried has one.
    choices = re.split(r" OR |/", crate["license"])
    chosen = next((licence for licence in LICENCES if licence in choices), None)
    if chosen is None:
        sys.exit(f"{crate['name']}: choose a licence from {crate['license']}, in scripts/notices.py")
    directory = Path(crate["manifest_path"]).parent
    files = {path.name.upper(): path for path in directory.iterdir()}
    for name in LICENCES[chosen]:
        for suffix in ["", ".MD", ".TXT"]:
            if name + suffix in files:
                return chosen, files[name + suffix].read_text().strip() + "\n"
    if chosen != "MIT":
        sys.exit(f"{crate['name']}: no file with its licence, {chosen}")
    authors = ", ".join(re.sub(r" *<[^>]*>", "", author) for author in crate["authors"])
    return chosen, f"Copyright (c) {authors or 'the authors of ' + crate['name']}\n\n{MIT}"


def section(title, crates):
    """The crates in order of their names; those with the same text share it."""
    texts = {}
    for (name, version), crate in sorted(crates.items()):
        licence, text = licence_of(crate)
        same = texts.setdefault((licence, " ".join(text.split())), ([], text))
        same[0].append(f"{name} {version}")
    lines = ["=" * 80, title, "=" * 80, ""]
    for (licence, _), (names, text) in texts.items():
        lines += [f"{licence}: " + ", ".join(names), "-" * 80, text.rstrip(), "", ""]
    return "\n".join(lines)


def notices():
    library, tool = carried("libcheckpoint-c"), carried("libcheckpoint-tool")
    std = f"MIT: the Rust standard library\n{'-' * 80}\nCopyright (c) The Rust Project Contributors\n\n{MIT}\n\n"
    return "\n".join([
        "Third-party notices of libcheckpoint",
        "",
        "The library and the tool contain the following works of others, under these licences.",
        "Written by scripts/notices.py from Cargo.lock; do not edit.",
        "",
        section("In the library (libcheckpoint.so, libcheckpoint.a) and in the tool", library) + std,
        section("In the tool (ckpt) alone", {key: crate for key, crate in tool.items() if key not in library}),
    ]).rstrip() + "\n"


def main():
    text = notices()
    if sys.argv[1:] == ["--check"]:
        if not NOTICES.exists() or NOTICES.read_text() != text:
            sys.exit("THIRD-PARTY-NOTICES is out of date: run scripts/notices.py")
    else:
        NOTICES.write_text(text)


main()

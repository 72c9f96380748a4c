#!/usr/bin/env python3
"""Fails if a line that is a comment ends past column 100: longer ones are hard to read beside the code."""
import pathlib
import re
import subprocess
import sys

WIDTH = 100
COMMENT = re.compile(r"\s*(//|#(?!!))")
ENDINGS = {".rs", ".h", ".hpp", ".c", ".cpp", ".go", ".cs"}
HASHED = {".sh", ".py", ".cmake"}

root = pathlib.Path(__file__).resolve().parent.parent
files = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout.split("\n")
long = []
for name in files:
    ending = pathlib.PurePath(name).suffix
    if name.startswith("tests/data/") or ending not in ENDINGS | HASHED or not (root / name).is_file():
        continue
    marker = "//" if ending in ENDINGS else "#"
    for number, line in enumerate((root / name).read_text().split("\n"), 1):
        found = COMMENT.match(line)
        if found and found.group(1) == marker and len(line) > WIDTH:
            long.append(f"{name}:{number}: a comment of {len(line)} columns, at most {WIDTH}")
print("\n".join(long), end="\n" if long else "")
sys.exit(1 if long else 0)

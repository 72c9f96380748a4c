"""The programs in docs/cpp.md are those of tests/cpp/snippets.cpp, line by line: `snippets.py` checks, `snippets.py --write` mends."""
import pathlib
import re
import sys
import textwrap

root = pathlib.Path(__file__).resolve().parents[2]
page = root / "docs" / "cpp.md"
source = (root / "tests" / "cpp" / "snippets.cpp").read_text()

snippets = {name: textwrap.dedent(body) for name, body in re.findall(r"^ *// \[([^\]]+)\]\n(.*?)^ *// \[end\]$", source, re.M | re.S)}
used = []


def fence(match):
    name = match.group(1)
    used.append(name)
    return f"<!-- {name} -->\n```cpp\n{snippets.get(name, 'there is no such snippet' + chr(10))}```"


text = page.read_text()
expected = re.sub(r"<!-- ([^>]+) -->\n```cpp\n.*?```", fence, text, flags=re.S)
faults = [f"docs/cpp.md has no {name}" for name in snippets if name not in used]
faults += [f"tests/cpp/snippets.cpp has no {name}" for name in used if name not in snippets]
if text.count("```cpp") != len(used):
    faults.append("a program in docs/cpp.md without the name of its snippet")
if "--write" in sys.argv[1:]:
    page.write_text(expected)
elif text != expected:
    faults.append("docs/cpp.md differs from tests/cpp/snippets.cpp: run tests/cpp/snippets.py --write")
print("\n".join(faults) or f"{len(used)} snippets are those of the page")
sys.exit(1 if faults else 0)

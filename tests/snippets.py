"""The programs in pages are those of tests, line by line: `snippets.py PAGE... -- SOURCE...` checks, with `--write` it mends the pages.

In a page a program stands after a comment with its name, in a source between two marks: [name] and [end].
"""
import pathlib
import re
import sys
import textwrap

arguments = [argument for argument in sys.argv[1:] if argument != "--write"]
divide = arguments.index("--")
pages, sources = (list(map(pathlib.Path, names)) for names in (arguments[:divide], arguments[divide + 1:]))

MARKED = re.compile(r"^ *(?://|/\*) \[([^\]]+)\](?: \*/)?\n(.*?)^ *(?://|/\*) \[end\](?: \*/)?$", re.M | re.S)
snippets = {name: textwrap.dedent(body) for source in sources for name, body in MARKED.findall(source.read_text(encoding="utf-8"))}
language = {".c": "c", ".cpp": "cpp"}[sources[0].suffix]
used, faults = [], []


def fence(match):
    used.append(match.group(1))
    return f"<!-- {match.group(1)} -->\n```{language}\n{snippets.get(match.group(1), 'there is no such snippet' + chr(10))}```"


for page in pages:
    text, before = page.read_text(encoding="utf-8"), len(used)
    expected = re.sub(rf"<!-- ([^>]+) -->\n```{language}\n.*?```", fence, text, flags=re.S)
    if text.count(f"```{language}\n") != len(used) - before:
        faults.append(f"{page}: a program without the name of its snippet")
    if "--write" in sys.argv:
        page.write_text(expected, encoding="utf-8")
    elif text != expected:
        faults.append(f"{page} differs from {' '.join(map(str, sources))}: run this with --write")
faults += [f"no page has {name}" for name in snippets if name not in used]
faults += [f"no source has {name}" for name in used if name not in snippets]
print("\n".join(faults) or f"{len(used)} snippets are those of the pages")
sys.exit(1 if faults else 0)

#!/usr/bin/env bash
# Writes the lists of the public API of the C# binding, bindings/csharp/api, from its source: what
# all frameworks have, and in net what is for .NET 8 and newer alone. Read the difference: it is the
# API. `scripts/dotnet.sh` fails where source and lists differ. Needs a .NET SDK, 10 or newer, and
# python3.
# usage: csharp_api.sh
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1
settings=(-c Release --artifacts-path "$work/artifacts" -p:TreatWarningsAsErrors=false)
if [ -n "${NUGET_FALLBACK_PACKAGES:-}" ]; then # the packages are there: no registry is asked
  echo '<configuration><packageSources><clear/></packageSources></configuration>' >"$work/nuget.config"
  settings+=("-p:RestoreConfigFile=$work/nuget.config")
fi
api=bindings/csharp/api
mkdir "$work/before"
cp -r "$api/." "$work/before/"
for list in "$api"/{,net/}PublicAPI.{Shipped,Unshipped}.txt; do : >"$list"; done
for framework in netstandard2.0 net8.0 net10.0; do
  dotnet build bindings/csharp/Checkpoint.csproj "${settings[@]}" -f $framework "-p:ErrorLog=$work/$framework.sarif%2Cversion=2.1" >"$work/log" 2>&1 \
    || { cp -r "$work/before/." "$api/"; cat "$work/log"; exit 1; }
done
python3 - "$work" "$api" <<'END'
import json, pathlib, sys

work, api = map(pathlib.Path, sys.argv[1:])
def names(framework):
    runs = json.loads((work / (framework + ".sarif")).read_text("utf-8-sig"))["runs"]
    return {one["properties"]["customProperties"]["APIName"] for run in runs for one in run["results"] if one["ruleId"] == "RS0016"}
def shipped(where):
    return set((work / "before" / where / "PublicAPI.Shipped.txt").read_text().split("\n")) - {""}
def write(where, found):
    before = shipped(where)
    lists = {"Shipped": before, "Unshipped": (found - before) | {"*REMOVED*" + gone for gone in before - found}}
    for name, lines in lists.items():
        (api / where / f"PublicAPI.{name}.txt").write_text("".join(line + "\n" for line in sorted(lines)))
everywhere, newer, newest = map(names, ("netstandard2.0", "net8.0", "net10.0"))
if not everywhere <= newer or newer != newest:
    sys.exit("frameworks differ in more than additions for .NET 8: " + ", ".join(sorted((everywhere - newer) | (newer ^ newest))))
write("", everywhere)
write("net", newer - everywhere)
print(len(everywhere), "names for all frameworks,", len(newer - everywhere), "more for .NET 8 and newer")
END

#!/usr/bin/env bash
# The Go module as a program gets it: from a proxy that is a file tree, built with nothing but go
# and a C compiler, vendored, with its own tests run from the module cache; and what is said
# where there is no library. Uses no network.
# usage: tests/go/module.sh BUILD-TREE    (one of CMake's, with lib/libcheckpoint.a and .so)
set -euo pipefail
tree=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
root=$PWD
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# Another path than the source's shows that it stands in one place.
module=example.org/checkpoint/go version=v0.0.1
scripts/release.sh go --dirty --module "$module" --tree "$tree" "$work/module"
! grep -rn "$(awk '$1 == "module" { print $2 }' bindings/go/go.mod)" "$work/module" --include='*.go' --include=go.mod ||
  fail "the module's path stands in more than one place"
global=$(nm --defined-only --extern-only "$work"/module/lib/*/libcheckpoint.a | awk 'NF == 3 { print $3 }' | grep -v '^ckpt_' || true)
[ -z "$global" ] || fail "the archive defines more than the C ABI: $global"

say "a proxy that is a file tree"
proxy=$work/proxy/$module/@v
mkdir -p "$proxy" "$work/zip/$module@$version"
cp -r "$work/module/." "$work/zip/$module@$version"
(cd "$work/zip" && python3 -c 'import shutil, sys; shutil.make_archive(sys.argv[1], "zip", ".", sys.argv[2])' "$proxy/$version" "$module@$version")
python3 - "$proxy/$version.zip" <<'END'
import sys, zipfile
# Go takes no entries for folders.
path = sys.argv[1]
with zipfile.ZipFile(path) as made:
    files = [(name, made.read(name)) for name in made.namelist() if not name.endswith("/")]
with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
    for name, content in files:
        out.writestr(name, content)
END
cp "$work/module/go.mod" "$proxy/$version.mod"
printf '{"Version":"%s","Time":"2020-01-01T00:00:00Z"}' "$version" >"$proxy/$version.info"
echo "$version" >"$proxy/list"
size=$(stat -c %s "$proxy/$version.zip")
echo "the module's zip has $size bytes"
[ "$size" -le $((20 << 20)) ] || fail "that is more than 20 MiB"

export GOPROXY=file://$work/proxy GONOSUMDB='*' GONOSUMCHECK=1 GOFLAGS='' GOTOOLCHAIN=local GOMODCACHE=$work/cache GOWORK=off
unset PKG_CONFIG_PATH LD_LIBRARY_PATH
consumer=$work/consumer
mkdir "$consumer"
cat >"$consumer/main.go" <<END
// A program that writes a struct and loads it.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"$module"
)

type weights struct {
	W []float32 \`ckpt:"w"\`
}

func main() {
	path, err := checkpoint.Write(context.Background(), os.Args[1], &weights{[]float32{1, 2, 3}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	var loaded weights
	if _, err := checkpoint.Load(context.Background(), path, &loaded, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(loaded.W)
}
END
cd "$consumer"
runs() { # PROGRAM: does what it should, with no library of ours beside it
  [ "$("$1" "$work/written")" = "[1 2 3]" ] || fail "$1 does not run"
  local needs
  needs=$(ldd "$1")
  ! grep -q libcheckpoint <<<"$needs" || fail "$1 needs the shared library"
}

say "go get, go build"
go mod init example.org/consumer 2>/dev/null
go get "$module@$version"
go build -o "$work/program"
runs "$work/program"

say "the module's tests, from the module cache"
go test -count=1 "$module"

say "go mod vendor"
go mod vendor
rm -rf "$work/program"
GOPROXY=off GOMODCACHE=$work/none go build -mod=vendor -o "$work/program"
runs "$work/program"
rm -rf vendor

say "-tags checkpoint_system takes the installed library"
printf '%s\n' 'Name: checkpoint' 'Description: the build tree' 'Version: 0' "Cflags: -I$root/include" "Libs: -L$tree/lib -lcheckpoint" \
  >"$work/checkpoint.pc"
PKG_CONFIG_PATH=$work go build -tags checkpoint_system -o "$work/program"
needs=$(ldd "$work/program")
grep -q libcheckpoint <<<"$needs" || fail "the program does not use the installed library"
[ "$(LD_LIBRARY_PATH=$tree/lib "$work/program" "$work/written")" = "[1 2 3]" ]

say "where there is no library, one sentence says what to do"
refused() { # SENTENCE COMMAND...
  local sentence=$1 said
  shift
  if said=$("$@" 2>&1); then fail "$*: expected an error"; fi
  # (A compiler shows the line of #error again.)
  [ "$(grep -c 'error: \|nocgo.go:' <<<"$said")" = 1 ] && grep -q "$sentence" <<<"$said" || fail "$*: expected one sentence with '$sentence', found: $said"
}
refused "the module has no library for this platform: install libcheckpoint and build with -tags checkpoint_system" \
  go build -tags checkpoint_musl -o "$work/program"
refused "the package checkpoint needs cgo: set CGO_ENABLED=1" env CGO_ENABLED=0 go build -o "$work/program"
cd "$root/bindings/go"
refused "this is the source tree of libcheckpoint, which has no library: build with -tags checkpoint_system" go build -o "$work/program" .
echo "the Go module: all passed"

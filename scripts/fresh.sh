#!/usr/bin/env bash
# Runs the README's two commands on a fresh machine, a bare Debian by debootstrap with a clone of
# HEAD, and prints the minutes of each.
# usage: scripts/fresh.sh [--debian 12|13] [--short] [--keep]
#   --debian  the release, 12 by default
#   --short   everything is installed and built, the documentation too; the tests are not run
#   --keep    the tree stays, and is named at the end
# Needs root, mounts, and 20 GiB under ${TMPDIR:-/var/tmp}. The resolver, the certificates and the
# settings of apt, pip, cargo, rustup, Go and npm are taken from the caller; so is the Rust
# toolchain, mounted read-only, if rustup's server cannot be reached.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh

debian=12 short='' keep=''
while [ $# -gt 0 ]; do
  case $1 in
    --debian) debian=${2:-}; shift 2 || shift ;;
    --short) short=1; shift ;;
    --keep) keep=1; shift ;;
    *) debian=; shift ;;
  esac
done
case $debian in
  12) suite=bookworm ;;
  13) suite=trixie ;;
  *) echo "usage: scripts/fresh.sh [--debian 12|13] [--short] [--keep]" >&2; exit 2 ;;
esac

[ "$(id -u)" = 0 ] || fail "root (debootstrap, chroot and mounts need it)"
setup_debian ca-certificates curl debootstrap git mount util-linux
unshare --mount --pid --fork true 2>/dev/null || fail "the right to make mount and process namespaces (CAP_SYS_ADMIN)"

# ---------------------------------------------------------------- what is run

# Not copied: what the README says is what is tried.
mapfile -t commands < <(sed -n '/^## Two commands/,/^## /p' README.md | sed -n '/^```sh$/,/^```$/{/^```/d; s/ *#.*//; p}')
[ ${#commands[@]} = 2 ] || { echo "README.md has ${#commands[@]} commands under \"Two commands\"" >&2; exit 1; }

# ---------------------------------------------------------------- the caller's settings

certificates=/etc/ssl/certs/ca-certificates.crt

# The mirror of the caller's Debian, or the one that every Debian knows.
mirror() {
  local uri=
  ! has apt-get || uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 2>/dev/null | head -n 1)
  echo "${uri:-http://deb.debian.org/debian}"
}

# Copies the certificates that the caller trusts and Debian's package lacks, one per file, to where
# update-ca-certificates looks.
copy_certificates() {
  local bundles=() file
  for file in "$certificates" "${SSL_CERT_FILE:-}" "${CURL_CA_BUNDLE:-}" "${REQUESTS_CA_BUNDLE:-}" "${PIP_CERT:-}" "${CARGO_HTTP_CAINFO:-}"; do
    [ ! -f "$file" ] || bundles+=("$file")
  done
  mkdir -p "$tree/usr/local/share/ca-certificates"
  cat /usr/share/ca-certificates/mozilla/*.crt <(echo "the caller's") "${bundles[@]}" | awk -v to="$tree/usr/local/share/ca-certificates/caller" '
    /^the caller/ { own = 1 }
    /^-+BEGIN CERTIFICATE/ { text = ""; inside = 1 }
    inside { text = text $0 "\n" }
    /^-+END CERTIFICATE/ {
      inside = 0
      if (own && !(text in known)) { file = to "-" ++count ".crt"; printf "%s", text >file; close(file) }
      known[text] = 1
    }'
}

# copy FILE [PLACE]: to the same place in the tree, or to that one, if there is such a file.
copy() {
  [ -f "$1" ] || return 0
  mkdir -p "$(dirname "$tree${2:-$1}")"
  cp -L "$1" "$tree${2:-$1}"
}

copy_settings() {
  local file
  for file in /etc/resolv.conf /etc/hosts /etc/hostname /etc/pip.conf /etc/npmrc; do copy "$file"; done
  for file in .pip/pip.conf .config/pip/pip.conf .config/go/env .npmrc; do copy "$HOME/$file" "/root/$file"; done
  for file in config config.toml; do copy "${CARGO_HOME:-$HOME/.cargo}/$file" "/root/.cargo/$file"; done
  copy "${PIP_CONFIG_FILE:-}" /root/.pip/pip.conf
  # Of apt's settings how it fetches; the rest may name programs that are not in the tree.
  ! has apt-config || apt-config dump | grep -E '^Acquire::(https?|socks|Retries|Check-Valid-Until)\b' >"$tree/etc/apt/apt.conf.d/90caller" || true
  copy_certificates
}

# All clients but pip take the system's certificates by themselves.
environment=(HOME=/root LANG=C.UTF-8 "TERM=${TERM:-dumb}" "PIP_CERT=$certificates")
for name in http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST \
  PIP_PROXY PIP_DEFAULT_TIMEOUT PIP_RETRIES GOPROXY GOSUMDB GONOSUMDB GONOPROXY GOPRIVATE GOINSECURE RUSTUP_DIST_SERVER RUSTUP_UPDATE_ROOT \
  NPM_CONFIG_REGISTRY npm_config_registry "${!CARGO_HTTP_@}" "${!CARGO_NET_@}" "${!CARGO_REGISTRIES_@}" "${!CARGO_SOURCE_@}"; do
  [ -z "${!name:-}" ] || [ "$name" = CARGO_HTTP_CAINFO ] || environment+=("$name=${!name}")
done

# ---------------------------------------------------------------- the machine

tree=$(mktemp -d -p "${TMPDIR:-/var/tmp}" fresh-debian.XXXXXX)
chmod 755 "$tree"    # not only root works in there
table='' running=''
finish() {
  # The first process of the namespaces takes all others with it.
  [ -z "$running" ] || { kill -KILL -- "-$running" 2>/dev/null && sleep 1; } || true
  [ -z "$table" ] || printf '\nDebian %s, bare%s\n%s%-50s %s\n' "$debian" "${short:+, short}" "$table" total "$(minutes $SECONDS)"
  rm -f "$tree.log"
  if [ -n "$keep" ]; then echo "kept: $tree"; else rm -rf --one-file-system "$tree"; fi
}
trap finish EXIT
trap 'exit 130' INT TERM

# step NAME COMMAND...: runs it and adds a row to the table. It has a process group of its own, so
# that `finish` can end it.
set -m
step() {
  local start=$SECONDS code=0
  say "$1"
  "${@:2}" &
  running=$!
  wait "$running" || code=$?
  table+="$(printf '%-50s %s %s' "$1" "$(minutes $((SECONDS - start)))" "$([ $code = 0 ] && echo passed || echo FAILED)")"$'\n'
  [ $code = 0 ] || exit 1
  running=
}

# inside COMMAND: runs it in the tree's clone. Its mounts and processes end with its namespaces.
inside() {
  # shellcheck disable=SC2016  # for the shell in the namespaces
  exec unshare --mount --pid --fork --kill-child bash -euo pipefail -c '
    tree=$1 rust=$2
    mount -t proc proc "$tree/proc"
    mount --rbind /sys "$tree/sys"
    mount --rbind /dev "$tree/dev"
    mount -t tmpfs -o mode=1777 tmpfs "$tree/dev/shm"
    if [ -n "$rust" ]; then
      mkdir -p "$tree/opt/rust"
      mount --bind "$rust" "$tree/opt/rust"
      mount -o remount,bind,ro "$tree/opt/rust"
    fi
    exec chroot "$tree" env -i "${@:4}" bash -c "cd /root/libcheckpoint && $3"' \
    inside "$tree" "$rust" "$1" "${environment[@]}"
}

bootstrap() { debootstrap --variant=minbase "$suite" "$tree" "$(mirror)" >"$tree.log" 2>&1 || { cat "$tree.log"; return 1; }; rm "$tree.log"; }

path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin rust=
if ! curl -sfIL -m 20 -o /dev/null "${RUSTUP_UPDATE_ROOT:-https://static.rust-lang.org/rustup}/release-stable.toml"; then
  has rustc || fail "Rust (rustup's server cannot be reached, and there is none here)"
  rust=$(rustc --print sysroot)
  path=/opt/rust/bin:$path
  say "rustup's server cannot be reached: Rust is $rust"
fi
environment+=("PATH=$path")

[ -z "$(git status --porcelain)" ] || say "not in the clone: what is not committed"
step "Debian $debian" bootstrap
copy_settings
git clone -q . "$tree/root/libcheckpoint"
for command in "${commands[@]}"; do
  if [ -n "$short" ] && [ "$command" = scripts/test.sh ]; then command+=" --build"; fi
  step "$command" inside "$command"
done

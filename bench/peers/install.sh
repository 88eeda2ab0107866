#!/bin/sh
# Installs the routers that the benchmarks compare with. Run by hand, never by a test.
#   bench/peers/install.sh [--litellm]
# HAProxy and nginx come from Debian's packages (needs root or sudo), the others from PyPI into .cache/bench-peers.
set -eu

litellm_version=1.99.4

cd "$(dirname "$0")/../.."
venvs=.cache/bench-peers
with_litellm=no
for argument in "$@"; do
  case $argument in
    --litellm) with_litellm=yes ;;
    *) echo "unknown argument $argument; usage: bench/peers/install.sh [--litellm]" >&2; exit 2 ;;
  esac
done

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

install_from_pypi() { # name, requirement, package whose version is printed
  [ -x "$venvs/$1/bin/python" ] || python3 -m venv "$venvs/$1"
  "$venvs/$1/bin/pip" install --quiet --disable-pip-version-check "$2"
  "$venvs/$1/bin/pip" list --disable-pip-version-check 2>/dev/null | grep -i "^$3 "
}

if command -v haproxy >/dev/null && command -v nginx >/dev/null; then
  echo 'haproxy and nginx are installed'
elif command -v apt-get >/dev/null; then
  as_root apt-get update -q
  as_root apt-get install -y -q --no-install-recommends haproxy nginx-light
else
  echo 'no apt-get here: install haproxy and nginx yourself to compare with them' >&2
fi

mkdir -p "$venvs"
scripts/install-sglang-router.sh
[ "$with_litellm" = no ] || install_from_pypi litellm "litellm[proxy]==$litellm_version" litellm

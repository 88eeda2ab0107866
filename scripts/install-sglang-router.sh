#!/bin/sh
# Installs the sglang-router that tests and benchmarks run, from PyPI into a virtual environment of its own.
#   scripts/install-sglang-router.sh
# Does nothing when that version is there already. Fails when it cannot: whoever needs it must not go on without.
set -eu

version=0.3.2
folder=.cache/bench-peers/sglang-router

cd "$(dirname "$0")/.."

installed() {
  "$folder/bin/python" -c 'from importlib.metadata import version; print(version("sglang-router"))' 2>/dev/null || true
}

if [ "$(installed)" = "$version" ]; then
  echo "sglang-router $version is installed in $folder"
  exit 0
fi
if ! command -v python3 >/dev/null; then
  echo 'python3 is missing: sglang-router is a Python package. Install Python 3.8 or later.' >&2
  exit 1
fi
mkdir -p "$(dirname "$folder")"
# What a half-finished installation left behind would only be in the way.
rm -rf "$folder"
if ! python3 -m venv "$folder"; then
  echo 'python3 -m venv failed: on Debian and Ubuntu install the package python3-venv.' >&2
  exit 1
fi
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check "sglang-router==$version"
if [ "$(installed)" != "$version" ]; then
  echo "pip said that it installed sglang-router $version, but $folder/bin/python has: $(installed)" >&2
  exit 1
fi
echo "sglang-router $version is installed in $folder"

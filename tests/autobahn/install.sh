#!/bin/sh
# install.sh [--check] [VENV]
#
# Installs the Autobahn WebSocket test suite (PyPI autobahntestsuite 25.10.1, a
# Python 2 release) into a virtual environment and ports it in place to Python 3
# (see port.py).  Prints the path of `wstest` on its last line.  Needs
# python3 (3.9 - 3.12) with venv, and PyPI.  About 15 s; a second call is instant.
#
# --check installs nothing: it only says whether the suite is there.
#
# VENV defaults to $AUTOBAHN_VENV, then to autobahn-venv in the user's cache folder.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
check=
if [ "${1:-}" = --check ]; then check=1; shift; fi
venv=${1:-${AUTOBAHN_VENV:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/autobahn-venv}}
stamp=$(cat "$0" "$here/port.py" | cksum | tr ' ' -)
if [ ! -x "$venv/bin/wstest" ] || [ "$(cat "$venv/.stamp" 2>/dev/null || true)" != "$stamp" ]; then
  [ -z "$check" ] || { echo "the Autobahn suite is not installed: run $0" >&2; exit 1; }
  rm -rf "$venv"
  "${PYTHON:-python3}" -m venv "$venv" >&2
  "$venv/bin/python" -m pip install -q --disable-pip-version-check \
    autobahntestsuite==25.10.1 autobahn==0.10.9 txaio==2.1.0 six==1.16.0 \
    Twisted==24.11.0 wsaccel==0.6.7 pyOpenSSL==26.4.0 service-identity==26.1.0 \
    'setuptools<81' >&2
  "$venv/bin/python" -W ignore "$here/port.py" >&2
  "$venv/bin/python" -c 'from autobahntestsuite import choosereactor, fuzzing' >&2
  printf '%s\n' "$stamp" > "$venv/.stamp"
fi
printf '%s\n' "$venv/bin/wstest"

#!/bin/sh
# client.sh [options] -- COMMAND [ARG...]
#
# Starts the Autobahn fuzzing server on loopback, runs COMMAND, which must drive a
# client library through every case, then summarises as server.sh does.
# COMMAND gets the base URL in $AUTOBAHN_URL (ws://127.0.0.1:PORT) and wherever an
# ARG contains {url}.  The protocol the command must speak:
#   1. connect to  {url}/getCaseCount          -> one text message: N; then it closes
#   2. for i in 1..N connect to  {url}/runCase?case=i&agent=NAME  and echo every
#      text and binary message until the server closes
#   3. connect to  {url}/updateReports?agent=NAME   (optional here)
#
#   --quick, --medium, --strict, --timeout S, --out DIR    as in server.sh
#   --cases LIST, --exclude LIST                 comma-separated patterns
#   --port P                                     default: a free port
set -eu
here=$(cd "$(dirname "$0")" && pwd)
quick= medium= strict= bound= out= port= cases='*' exclude=
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=1; shift ;;
    --medium) medium=1; shift ;;
    --strict) strict=--strict; shift ;;
    --timeout) bound=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    --port) port=$2; shift 2 ;;
    --cases) cases=$2; shift 2 ;;
    --exclude) exclude=$2; shift 2 ;;
    --) shift; break ;;
    -h|--help) sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//'; exit 0 ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
done
[ $# -ge 1 ] || { echo "usage: client.sh [options] -- COMMAND [ARG...]" >&2; exit 2; }
if [ -n "$quick" ]; then exclude="9.*,12.*,13.*${exclude:+,$exclude}"; fi
if [ -n "$medium" ]; then
  for n in 8 9 10 13 14 15 16 17 18; do exclude="12.*.$n,13.*.$n${exclude:+,$exclude}"; done
fi
: "${bound:=${quick:+120}}"; : "${bound:=1800}"
wstest=$("$here/install.sh" | tail -n 1)
if [ -n "$out" ]; then mkdir -p "$out"; keep=1; else out=$(mktemp -d); keep=; fi
rm -f "$out/results.jsonl"
[ -n "$port" ] || port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export AUTOBAHN_URL="ws://127.0.0.1:$port"
python3 - "$out" "$AUTOBAHN_URL" "$cases" "$exclude" > "$out/spec.json" <<'PY'
import json, sys
out, url, cases, exclude = sys.argv[1:]
split = lambda s: [x.strip() for x in s.split(",") if x.strip()]
json.dump({"outdir": out, "url": url, "cases": split(cases),
           "exclude-cases": split(exclude), "exclude-agent-cases": {}}, sys.stdout)
PY
PYTHONUNBUFFERED=1 PYTHONWARNINGS=ignore "$wstest" -m fuzzingserver -u 0 -s "$out/spec.json" > "$out/wstest.log" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; [ -n "$keep" ] || rm -rf "$out"' EXIT
python3 - "$port" <<'PY' || { tail -n 15 "$out/wstest.log" >&2; echo "the fuzzing server did not start"; exit 2; }
import socket, sys, time
for _ in range(100):
    try:
        socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1).close(); sys.exit(0)
    except OSError:
        time.sleep(0.1)
sys.exit(1)
PY
# {url} in the arguments
n=$#
while [ "$n" -gt 0 ]; do
  a=$1; shift; n=$((n - 1))
  set -- "$@" "$(printf '%s' "$a" | sed "s#{url}#$AUTOBAHN_URL#g")"
done
start=$(date +%s)
rc=0
timeout -k 5 "$bound" "$@" > "$out/command.log" 2>&1 || rc=$?
took=$(( $(date +%s) - start ))
sleep 0.3
expected=$(sed -n 's/^Ok, will run \([0-9]*\) test cases.*/\1/p' "$out/wstest.log" | head -n 1)
res=0
python3 "$here/summary.py" "$out/results.jsonl" "${expected:-0}" $strict || res=$?
[ "$res" != 2 ] || tail -n 15 "$out/command.log" >&2
echo "  wall time ${took} s$([ "$rc" = 124 ] && echo ", stopped at the time bound" || true); the command exited $rc"
exit "$res"

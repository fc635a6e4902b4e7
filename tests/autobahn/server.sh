#!/bin/sh
# server.sh [options] URL [CASES [EXCLUDE]]
#
# Runs the Autobahn fuzzing client against an echo server that is already running
# at URL (ws://host:port/path) and prints
#   N OK, N NON-STRICT, N INFORMATIONAL, N UNIMPLEMENTED, N FAILED
# plus the ids of the cases that are not OK.  CASES and EXCLUDE are comma-separated
# patterns ("1.*,6.4.*"; default "*" and nothing).
#
#   --quick        leave out 9.* (limits/performance), 12.* and 13.* (compression)
#   --medium       of 12.* and 13.* keep the message sizes up to 16 KiB (half the cases)
#   --strict       exit 1 on NON-STRICT or UNIMPLEMENTED too
#   --timeout S    bound on the whole run (default 120 with --quick, else 1800)
#   --out DIR      keep results.jsonl, the case reports and the log there
#   --agent NAME   name in the report
#
# Exit: 0 none FAILED; 1 some FAILED or missing; 2 the suite did not run.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
quick= medium= strict= bound= out= agent=server
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=1; shift ;;
    --medium) medium=1; shift ;;
    --strict) strict=--strict; shift ;;
    --timeout) bound=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    --agent) agent=$2; shift 2 ;;
    -h|--help) sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//'; exit 0 ;;
    -*) echo "unknown option $1" >&2; exit 2 ;;
    *) break ;;
  esac
done
[ $# -ge 1 ] || { echo "usage: server.sh [options] URL [CASES [EXCLUDE]]" >&2; exit 2; }
url=$1 cases=${2:-*} exclude=${3:-}
if [ -n "$quick" ]; then exclude="9.*,12.*,13.*${exclude:+,$exclude}"; fi
if [ -n "$medium" ]; then
  for n in 8 9 10 13 14 15 16 17 18; do exclude="12.*.$n,13.*.$n${exclude:+,$exclude}"; done
fi
: "${bound:=${quick:+120}}"; : "${bound:=1800}"
wstest=$("$here/install.sh" | tail -n 1)
if [ -n "$out" ]; then mkdir -p "$out"; keep=1; else out=$(mktemp -d); keep=; fi
trap '[ -n "$keep" ] || rm -rf "$out"' EXIT
rm -f "$out/results.jsonl"
python3 - "$out" "$url" "$agent" "$cases" "$exclude" > "$out/spec.json" <<'PY'
import json, sys
out, url, agent, cases, exclude = sys.argv[1:]
split = lambda s: [x.strip() for x in s.split(",") if x.strip()]
json.dump({"outdir": out, "servers": [{"agent": agent, "url": url}], "cases": split(cases),
           "exclude-cases": split(exclude), "exclude-agent-cases": {}}, sys.stdout)
PY
start=$(date +%s)
rc=0
PYTHONUNBUFFERED=1 PYTHONWARNINGS=ignore timeout -k 5 "$bound" "$wstest" -m fuzzingclient -s "$out/spec.json" \
  > "$out/wstest.log" 2>&1 || rc=$?
took=$(( $(date +%s) - start ))
expected=$(sed -n 's/^Ok, will run \([0-9]*\) test cases.*/\1/p' "$out/wstest.log" | head -n 1)
if [ -z "$expected" ] || [ "$expected" = 0 ]; then tail -n 15 "$out/wstest.log" >&2; echo "the suite did not run"; exit 2; fi
res=0
python3 "$here/summary.py" "$out/results.jsonl" "$expected" $strict || res=$?
echo "  wall time ${took} s$([ "$rc" = 124 ] && echo ", stopped at the time bound" || true)"
exit "$res"

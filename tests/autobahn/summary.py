#!/usr/bin/env python3
"""summary.py RESULTS.jsonl EXPECTED [--strict] [--label TEXT]

Summarises a fuzzing run (one JSON object per finished case).  A case counts as

  FAILED         behavior FAILED, or behaviorClose FAILED / UNCLEAN / WRONG CODE,
                 or no result although the case was to run
  otherwise      the behaviour Autobahn gave: OK, NON-STRICT, INFORMATIONAL,
                 UNIMPLEMENTED; an OK whose TCP connection the server left for the
                 client to drop (FAILED BY CLIENT) counts as NON-STRICT.

Exit status: 0, or 1 if any case FAILED (with --strict also for NON-STRICT or
UNIMPLEMENTED), or 2 if nothing was run.
"""
import collections
import json
import sys

ORDER = ["OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "FAILED"]


def verdict(r):
    b, c = r["behavior"], r["behaviorClose"]
    if b == "FAILED" or c in ("FAILED", "UNCLEAN", "WRONG CODE"):
        return "FAILED"
    if b == "OK" and c == "FAILED BY CLIENT":
        return "NON-STRICT"
    return b


def ranges(ids):
    """['12.1.1', '12.1.2', '12.1.3', '6.4.3'] -> '6.4.3 12.1.1-3'"""
    keys = sorted(tuple(int(x) for x in i.split(".")) for i in ids)
    out = []
    for k in keys:
        if out and out[-1][0][:-1] == k[:-1] and out[-1][1] + 1 == k[-1]:
            out[-1][1] = k[-1]
        else:
            out.append([k, k[-1]])
    return " ".join(".".join(map(str, k)) + ("-%d" % e if e != k[-1] else "") for k, e in out)


def main(argv):
    strict = "--strict" in argv
    argv = [a for a in argv if a != "--strict"]
    label = ""
    if "--label" in argv:
        i = argv.index("--label")
        label = argv[i + 1] + ": "
        del argv[i:i + 2]
    path, expected = argv[0], int(argv[1])
    agents = collections.OrderedDict()
    try:
        with open(path) as f:
            for line in f:
                try:
                    r = json.loads(line)
                except ValueError:
                    continue
                agents.setdefault(r["agent"], {})[r["id"]] = r
    except OSError:
        pass
    if not agents:
        print(label + "no case was run")
        return 2
    worst = 0
    for agent, cases in agents.items():
        n = collections.Counter(verdict(r) for r in cases.values())
        missing = max(0, expected - len(cases))
        n["FAILED"] += missing
        print("%s%s" % (label, ", ".join("%d %s" % (n[k], k) for k in ORDER)))
        print("  agent %s, %d of %d cases, %.1f s in cases" % (
            agent, len(cases), expected, sum(r["duration"] for r in cases.values()) / 1000))
        for field in ("behavior", "behaviorClose"):
            c = collections.Counter(r[field] for r in cases.values())
            print("  %-13s %s" % (field, ", ".join("%d %s" % (v, k) for k, v in c.most_common())))
        for k in ORDER[1:]:
            ids = [i for i, r in cases.items() if verdict(r) == k]
            if ids:
                print("  %s: %s" % (k, ranges(ids)))
        bad = sorted((tuple(map(int, i.split("."))), i) for i, r in cases.items() if verdict(r) == "FAILED")
        for _, i in bad[:40]:
            r = cases[i]
            print("    %s: %s / %s (close code %s): %s | %s%s" % (
                i, r["behavior"], r["behaviorClose"], r["remoteCloseCode"], r["result"][:120], r["resultClose"][:100],
                " | " + r["wasNotCleanReason"][:100] if r.get("wasNotCleanReason") else ""))
        if missing:
            print("  MISSING: %d cases have no result (time bound hit, or the peer went away)" % missing)
        if n["FAILED"] or (strict and (n["NON-STRICT"] or n["UNIMPLEMENTED"])):
            worst = 1
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

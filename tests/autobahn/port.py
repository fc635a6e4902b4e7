#!/usr/bin/env python3
"""Make the PyPI release autobahntestsuite 25.10.1 run under Python 3.

The release on PyPI is still Python 2.7 source (its own requirements pin a
Python 2 stack).  This script is run by install.sh with the Python of
the virtual environment the package is installed in, and rewrites the installed
copy in place:

  1. every module we need goes through lib2to3 (3.9 - 3.12; `fissix` from PyPI
     is the drop-in where lib2to3 is gone);
  2. byte strings: the sources are read as latin-1, so a Python 2 byte string
     becomes a str holding the same octets as code points 0..255.  The fuzzing
     protocol converts at its edges (bytes <-> such str), so the case files keep
     their literals, slices and comparisons unchanged;
  3. a handful of named replacements, each asserted to match, below;
  4. one Python 2 integer division in the pinned autobahn 0.10.9.

HTML reports are switched off; instead each finished case is appended at once to
results.jsonl in the report folder, which is what the wrappers read.
Running it twice is harmless.
"""
import importlib.util
import os
import re
import sys

try:
    from lib2to3.refactor import RefactoringTool
    FIX = "lib2to3.fixes.fix_"
except ImportError:  # Python >= 3.13
    from fissix.refactor import RefactoringTool
    FIX = "fissix.fixes.fix_"

FIXERS = [FIX + n for n in (
    "except", "has_key", "import", "print", "raise", "unicode", "xrange", "dict", "ne", "repr")]
MODULES = ["choosereactor.py", "caseset.py", "fuzzing.py", "spectemplate.py",
           "wstest.py", "testee.py", "echo.py", "broadcast.py", "massconnect.py"]
MARK = "# ported to Python 3 by port.py\n"


def pkgdir(name):
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        sys.exit("port: package %s is not installed" % name)
    return list(spec.submodule_search_locations)[0]


def sub(text, old, new, count=1, where=""):
    """Literal replacement that must match exactly `count` times (None: at least once)."""
    got = text.count(old)
    if (count is None and got == 0) or (count is not None and got != count):
        sys.exit("port: %s: %r found %d times, wanted %s" % (where, old[:60], got, count))
    return text.replace(old, new)


def to3(tool, path):
    with open(path, "rb") as f:
        src = f.read()
    text = src.decode("latin-1").replace("\r\n", "\n")
    if text.startswith(MARK):
        return None
    text = re.sub(r"(?m)^#.*coding[:=].*$", "#", text, count=2)
    if not text.endswith("\n"):
        text += "\n"
    return str(tool.refactor_string(text, path))


def save(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(MARK + text)


EDGE = '''
def _b(x):
   """Octets kept in a str (Python 2 style) -> bytes."""
   return x.encode("latin-1") if isinstance(x, str) else x


def _s(x):
   """bytes -> octets kept in a str (Python 2 style)."""
   return x.decode("latin-1") if isinstance(x, (bytes, bytearray)) else x


def _jsonable(x):
   return _s(x) if isinstance(x, (bytes, bytearray)) else str(x)


class FuzzingProtocol:
   """
   Common mixin-base class for fuzzing server and client protocols.
   """

   def sendFrame(self, opcode, payload = b"", **kw):
      return super().sendFrame(opcode, _b(payload), **kw)

   def sendMessage(self, payload, isBinary = False, **kw):
      return super().sendMessage(_b(payload), isBinary, **kw)

   def sendMessageFrame(self, payload, sync = False):
      return super().sendMessageFrame(_b(payload), sync)

   def sendMessageFrameData(self, payload, sync = False):
      return super().sendMessageFrameData(_b(payload), sync)

   def sendCloseFrame(self, code = None, reasonUtf8 = None, isReply = False):
      return super().sendCloseFrame(code, _b(reasonUtf8), isReply)

'''


def port_fuzzing(t):
    w = "fuzzing.py"
    t = sub(t, 'class FuzzingProtocol:\n   """\n   Common mixin-base class for fuzzing server and client protocols.\n   """\n',
            EDGE, where=w)
    t = sub(t, "binascii.b2a_hex(", "_hex(", None, w)
    t = sub(t, "def binLogData(", "def _hex(x):\n   return binascii.b2a_hex(_b(x)).decode()\n\n\ndef binLogData(", 1, w)
    t = sub(t, "   ellipses = \" ...\"\n   try:\n", "   ellipses = b\" ...\"\n   data = _b(data)\n   try:\n", 1, w)
    t = sub(t, "p = ''.join(payload)", "p = b''.join(payload)", 1, w)
    t = sub(t, "   def onPong(self, payload):\n", "   def onPong(self, payload):\n      payload = _s(payload)\n", 1, w)
    t = sub(t, "         self.runCase.onMessage(msg, binary)\n",
            "         self.runCase.onMessage(msg if self.runCase.RAW_BYTES else _s(msg), binary)\n", 1, w)
    # no HTML reports: drop the CSS import and the switch
    t, n = re.subn(r"from \.report import CSS_COMMON,.*?JS_MASTER_REPORT\n",
                   'CSS_COMMON = CSS_DETAIL_REPORT = CSS_MASTER_REPORT = JS_MASTER_REPORT = ""\n', t, flags=re.S)
    assert n == 1, "report import"
    t = sub(t, "def createReports(self, produceHtml = True, produceJson = True):",
            "def createReports(self, produceHtml = False, produceJson = True):", 1, w)
    # one line per finished case, so that a run cut short still has results
    t = sub(t, """      agent = caseResults["agent"]
      case = caseResults["id"]
""", """      agent = caseResults["agent"]
      case = caseResults["id"]
      os.makedirs(self.outdir, exist_ok = True)
      with open(os.path.join(self.outdir, "results.jsonl"), "a") as f:
         f.write(json.dumps(dict([(k, caseResults[k]) for k in ("agent", "id", "behavior", "behaviorClose",
            "remoteCloseCode", "duration", "result", "resultClose", "wasNotCleanReason")]), default = _jsonable) + "\\n")
""", 1, w)
    # bytes may remain in the detail reports
    t, n = re.subn(r"json\.dumps\(case, ", "json.dumps(case, default = _jsonable, ", t)
    assert n == 1, "detail report dump"
    return t


def port_case(name, t):
    # Python 3 refuses (object, Case) as bases: object would precede its subclass
    t = t.replace("(object, Case, )", "(Case, )")
    if "binascii" in t:
        t = t.replace("binascii.b2a_hex(", "_hex(").replace("binascii.hexlify(", "_hex(")
        t = sub(t, "import binascii\n", "import binascii\n\ndef _hex(x):\n"
                "   return binascii.b2a_hex(x.encode('latin-1') if isinstance(x, str) else x).decode()\n\n",
                t.count("import binascii\n"), name) if "import binascii\n" in t else t
    if name == "__init__.py":  # not in the case list, and needs a zope API that is gone
        t = sub(t, "from .case9_9_1 import *\n", "", 1, "case/" + name)
    elif name == "case.py":
        # pickles of equal values differ in Python 3 (memoised strings)
        t = sub(t, "return pickle.dumps(obj1) == pickle.dumps(obj2)", "return obj1 == obj2", 1, name)
        t = sub(t, "   SUBCASES = []\n", "   SUBCASES = []\n\n   RAW_BYTES = False\n", 1, name)
    elif name == "case6_x_x.py":
        t = sub(t, "res = v.validate(vss[:i])", "res = v.validate(vss[:i].encode('latin-1'))", 1, name)
    elif name == "case10_1_1.py":
        t = sub(t, "len(self.payload) / self.p.autoFragmentSize", "len(self.payload) // self.p.autoFragmentSize", 1, name)
    elif name == "case12_x_x.py":
        t = sub(t, '"sendOne": sendOne,\n', '"sendOne": sendOne,\n                 "RAW_BYTES": True,\n', 2, name)
        t = sub(t, "      msg = ''\n", "      msg = payload[:0]\n", 1, name)
        t = t.replace("import copy, os, pkg_resources, hashlib, binascii",
                      "import copy, os, pkg_resources, hashlib, binascii\n\ndef _hex(x):\n   return binascii.b2a_hex(x).decode()\n")
    return t


def main():
    root = pkgdir("autobahntestsuite")
    tool = RefactoringTool(FIXERS)
    done = 0
    for rel in MODULES:
        path = os.path.join(root, rel)
        t = to3(tool, path)
        if t is None:
            continue
        if rel == "fuzzing.py":
            t = port_fuzzing(t)
        elif rel == "wstest.py":
            t = t.replace("from . import serializer\n", "")
        save(path, t)
        done += 1
    casedir = os.path.join(root, "case")
    for name in sorted(os.listdir(casedir)):
        if name.endswith(".py"):
            path = os.path.join(casedir, name)
            t = to3(tool, path)
            if t is not None:
                save(path, port_case(name, t))
                done += 1
    with open(os.path.join(root, "__init__.py"), "w") as f:
        f.write(MARK + "import warnings\nwarnings.filterwarnings('ignore', category=DeprecationWarning)\n"
                "warnings.filterwarnings('ignore', message='.*pkg_resources.*')\n"
                "from ._version import __version__\nversion = __version__\n")
    # the pinned autobahn: one Python 2 division
    p = os.path.join(pkgdir("autobahn"), "websocket", "protocol.py")
    with open(p, encoding="utf-8") as f:
        t = f.read()
    if "range(payload_len / len(payload))" in t:
        with open(p, "w", encoding="utf-8") as f:
            f.write(t.replace("range(payload_len / len(payload))", "range(payload_len // len(payload))"))
    print("port: %d modules rewritten" % done)


if __name__ == "__main__":
    main()

"""Compressed messages with the package `websockets` at one end, whose zlib is the one in C. An end that refers to what the
other one does not remember is found out.

    deflate.py ws://HOST:PORT    random messages through an echo at that URL, with each set of parameters
    deflate.py                   echoes, one for each set: prints a line for each, and ends with its input

A line is `URL SERVER_FORGETS CLIENT_FORGETS SERVER_BITS CLIENT_BITS`: what has to be agreed on.
"""


import itertools
import random
import sys
import threading

from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from websockets.sync.client import connect
from websockets.sync.server import serve

import tls

PATIENCE = 20  # seconds; nothing here takes that long unless it hangs


def messages(dice, count):
    said = [b""]
    for number in range(count):
        length = dice.choice([0, dice.randrange(200), dice.randrange(4000), dice.randrange(40000)])
        said.append(
            dice.choice([
                lambda: dice.randbytes(length),
                lambda: dice.choice(said),
                lambda: bytes([dice.randrange(256)]) * length,
                lambda: f"número {number} ".encode() * (length // 10),
            ])()
        )
        yield said[-1]


def echo(url, count, **parameters):
    offer = ClientPerMessageDeflateFactory(**parameters)
    patience = {"open_timeout": PATIENCE, "close_timeout": PATIENCE}
    with connect(url, ssl=tls.context(url), extensions=[offer], max_size=None, **patience) as ws:
        (agreed,) = ws.protocol.extensions
        for message in messages(random.Random(str(parameters)), count):
            ws.send(message)
            heard = ws.recv(timeout=PATIENCE)
            assert heard == message, f"{parameters}: {len(heard)} octets instead of {len(message)}"
        return agreed


def talk(url):
    echo(url, 1000, client_max_window_bits=True)
    for server_forgets, client_forgets, server_bits, client_bits in itertools.product(
        FORGETS, FORGETS, [None, 9, 12, 15], [None, True, 9, 15]
    ):
        agreed = echo(
            url,
            30,
            server_no_context_takeover=server_forgets,
            client_no_context_takeover=client_forgets,
            server_max_window_bits=server_bits,
            client_max_window_bits=client_bits,
        )
        assert agreed.remote_no_context_takeover == server_forgets, agreed
        assert agreed.local_no_context_takeover == client_forgets, agreed
        assert agreed.remote_max_window_bits == (server_bits or 15), agreed


def echoes():
    def session(ws):
        for message in ws:
            ws.send(message)

    for server_forgets, client_forgets, server_bits, client_bits in itertools.product(FORGETS, FORGETS, BITS, BITS):
        accepts = ServerPerMessageDeflateFactory(
            server_no_context_takeover=server_forgets,
            client_no_context_takeover=client_forgets,
            server_max_window_bits=server_bits,
            client_max_window_bits=client_bits,
        )
        server = serve(session, "127.0.0.1", 0, extensions=[accepts], max_size=None)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.socket.getsockname()[1]
        words = [str(forgets).lower() for forgets in (server_forgets, client_forgets)]
        print(f"ws://127.0.0.1:{port}", *words, server_bits or 15, client_bits or 15, flush=True)
    sys.stdin.read()


FORGETS = [False, True]
BITS = [None, 9, 12]

if len(sys.argv) > 1:
    talk(sys.argv[1])
else:
    echoes()

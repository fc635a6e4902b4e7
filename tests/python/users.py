"""Users of both chats, on the package `websockets`: what the scripts in this folder say and hear."""

import json
import time
import urllib.request

from websockets.sync.client import connect

import tls

PATIENCE = 20  # seconds; nothing here takes that long unless it hangs

ACTIVE, BUSY, INACTIVE = 1, 2, 3


class User:
    """A connection, while it is entered."""

    def __init__(self, url, **options):
        self.connecting = connect(url, ssl=tls.context(url), open_timeout=PATIENCE, close_timeout=PATIENCE, **options)

    def __enter__(self):
        self.ws = self.connecting.__enter__()
        return self

    def __exit__(self, *failure):
        return self.connecting.__exit__(*failure)

    def hear(self):
        return self.ws.recv(timeout=PATIENCE)

    def hears(self, *expected):
        """Exactly these come next, in this order."""
        for message in expected:
            heard = self.hear()
            assert heard == message, f"heard {heard!r} instead of {message!r}"


class Binary(User):
    """A user of the binary chat: every message is an id and fields, a string field its length and its bytes."""

    def __init__(self, base, name, **options):
        super().__init__(f"{base}/?name={name}", **options)

    def ask(self, number, *fields):
        self.ws.send(bytes([number]) + b"".join(map(field, fields)))

    def say(self, to, text):
        self.ask(4, to, text)


class Json(User):
    """A user of the JSON chat, registered."""

    def __init__(self, base, name, **options):
        super().__init__(f"{base}/chat", **options)
        self.name = name

    def __enter__(self):
        super().__enter__()
        self.ask("register", sender=self.name, content=None)
        self.welcome = self.hear()
        assert self.welcome["type"] == "register_success", self.welcome
        return self

    def ask(self, kind, **fields):
        self.ws.send(json.dumps({"type": kind, **fields}))

    def hear(self):
        """The next message without its time, which is checked."""
        text = super().hear()
        assert isinstance(text, str), text
        message = json.loads(text)
        stamp = message.pop("timestamp")
        assert len(stamp) in (20, 24) and stamp[10] == "T" and stamp.endswith("Z"), stamp
        return message


def until_alone(base):
    """Waits until the server has noticed that everybody has left."""
    http = base.replace("ws", "http", 1)
    deadline = time.monotonic() + PATIENCE
    while True:
        with urllib.request.urlopen(f"{http}/metrics", timeout=PATIENCE) as answer:
            # The one connection is this one.
            if "\nenchufe_connections_open 1\n" in answer.read().decode():
                return
        assert time.monotonic() < deadline, "somebody does not leave"
        time.sleep(0.01)


def field(value):
    """One field: a number is a byte, a text its length and its bytes."""
    if isinstance(value, int):
        return bytes([value])
    octets = value.encode() if isinstance(value, str) else value
    return bytes([len(octets)]) + octets


def told(number, *fields):
    """What a binary user hears."""
    return bytes([number]) + b"".join(map(field, fields))


def listed(*users):
    return bytes([51, len(users)]) + b"".join(field(name) + bytes([status]) for name, status in users)


def history(*messages):
    return bytes([56, len(messages)]) + b"".join(field(author) + field(text) for author, text in messages)


def from_server(kind, **fields):
    """What a JSON user hears from the server itself."""
    return {"type": kind, "sender": "server", **fields}


def error(sentence):
    return from_server("error", content=sentence)


def status(user, word):
    return from_server("status_update", content={"user": user, "status": word})


def broadcast(sender, text):
    return {"type": "broadcast", "sender": sender, "content": text}


def private(sender, target, text):
    return {"type": "private", "sender": sender, "target": target, "content": text}

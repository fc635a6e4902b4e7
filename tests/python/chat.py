"""chat.py URL: both chats, and a conversation between them, with the package `websockets`.

URL is ws://HOST:PORT of a server on which nobody is connected, and nobody has been.
"""

import sys
import urllib.error
import urllib.request

from websockets.exceptions import ConnectionClosed, InvalidStatus

from users import (
    ACTIVE,
    BUSY,
    INACTIVE,
    PATIENCE,
    Binary,
    Json,
    User,
    broadcast,
    error,
    from_server,
    history,
    listed,
    private,
    status,
    told,
    until_alone,
)


def binary_chat(base):
    with Binary(base, "ana") as ana, Binary(base, "Jos%C3%A9") as jose:
        ana.hears(told(53, "José", ACTIVE))
        ana.ask(1)
        ana.hears(listed(("José", ACTIVE), ("ana", ACTIVE)))
        ana.ask(2, "José")
        ana.hears(told(52, "José", ACTIVE))
        ana.ask(2, "nobody")
        ana.hears(told(50, 1))

        ana.say("~", "¡hola!")
        ana.say("José", "psst")
        for user in ana, jose:
            user.hears(told(55, "ana", "¡hola!"), told(55, "ana", "psst"))
        ana.say("ana", "nota")
        ana.hears(told(55, "ana", "nota"))
        ana.say("~", "")
        ana.hears(told(50, 3))
        ana.say("nobody", "x")
        ana.hears(told(50, 4))

        # Known clients say text and mean bytes.
        jose.ws.send("\x05\x01~", text=True)
        jose.hears(history(("ana", "¡hola!")))
        jose.ask(5, "ana")
        jose.hears(history(("ana", "psst")))

        jose.ask(3, "José", BUSY)
        for user in ana, jose:
            user.hears(told(54, "José", BUSY))
        jose.ask(3, "ana", BUSY)
        jose.hears(told(50, 2))
        jose.ask(3, "José", 4)
        jose.hears(told(50, 2))

        # What is no message is ignored, and the connection kept.
        for nonsense in b"", b"\xff", b"\x04\x05a", b"\x00", b"\x02":
            jose.ws.send(nonsense)
        jose.ask(2, "José")
        jose.hears(told(52, "José", BUSY))
        assert jose.ws.ping().wait(PATIENCE), "a Ping has its Pong"

        jose.ws.close()
        ana.hears(told(54, "José", 0))
        with Binary(base, "Jos%C3%A9") as jose:
            ana.hears(told(54, "José", ACTIVE))
            jose.ask(5, "~")
            jose.hears(history(("ana", "¡hola!")))
        ana.hears(told(54, "José", 0))


def names(base):
    http = base.replace("ws", "http", 1)
    for name, free in ("new", True), ("", False), ("~", False), ("%7E", False), ("server", False), ("%FF", False):
        assert may_connect(http, name) == free, name
        if not free:
            refused(f"{base}/?name={name}")
    assert not may_connect(http, "x" * 256)
    with Binary(base, "once"):
        assert not may_connect(http, "once")
        refused(f"{base}/?name=once")


def may_connect(http, name):
    try:
        with urllib.request.urlopen(f"{http}/?name={name}", timeout=PATIENCE) as answer:
            return answer.status == 200
    except urllib.error.HTTPError as refusal:
        assert refusal.code == 400 and refusal.read(), refusal.code
        return False


def refused(url):
    try:
        with User(url):
            pass
    except InvalidStatus as refusal:
        assert refusal.response.status_code == 400, refusal
        assert refusal.response.body, "it says why"
    else:
        raise AssertionError(f"{url} was not refused")


def json_chat(base):
    with Json(base, "bea") as bea, Json(base, "Iñigo") as inigo:
        assert sorted(inigo.welcome["userList"]) == ["Iñigo", "bea"], inigo.welcome
        bea.hears(status("Iñigo", "ACTIVO"))
        bea.ask("list_users", sender="bea")
        bea.hears(from_server("list_users_response", content=["Iñigo", "bea"]))
        bea.ask("user_info", target="Iñigo")
        bea.hears(from_server("user_info_response", target="Iñigo", content={"ip": "127.0.0.1", "status": "ACTIVO"}))
        bea.ask("user_info", target="nobody")
        bea.hears(error("Usuario no encontrado"))

        bea.ask("broadcast", sender="bea", content="¿qué tal?")
        for user in bea, inigo:
            user.hears(broadcast("bea", "¿qué tal?"))
        inigo.ask("private", target="bea", content="psst")
        for user in bea, inigo:
            user.hears(private("Iñigo", "bea", "psst"))
        inigo.ask("change_status", content="OCUPADO")
        for user in bea, inigo:
            user.hears(status("Iñigo", "OCUPADO"))
        inigo.ask("change_status", content="DESCONECTADO")
        assert inigo.hear()["type"] == "error"

        inigo.ask("disconnect", sender="Iñigo", content="Cierre de sesión")
        for user in bea, inigo:
            user.hears(from_server("user_disconnected", content="Iñigo ha salido"))
        code(inigo, 1000)
        # One that breaks off leaves in the same words.
        with Json(base, "ciro") as ciro:
            bea.hears(status("ciro", "ACTIVO"))
            ciro.ws.socket.shutdown(2)
            bea.hears(from_server("user_disconnected", content="ciro ha salido"))


def registering(base):
    with User(f"{base}/chat", subprotocols=["other", "chat-protocol"]) as user:
        assert user.ws.subprotocol == "chat-protocol"
        hears_error(user)
    with Json(base, "bea") as bea:
        with User(f"{base}/") as user:
            for first in ["hola", "{}", '{"type":"broadcast","content":"x"}', b'{"type":"register","sender":"x"}']:
                user.ws.send(first)
                hears_error(user)
            user.ws.send('{"type":"register","sender":"bea"}')
            assert "El usuario ya existe" in user.hear()
        bea.ask("register", sender="other")
        assert bea.hear()["type"] == "error"


def hears_error(user):
    if user.ws.subprotocol:
        user.ws.send("[]")
    heard = user.hear()
    assert '"type":"error"' in heard, heard


def bad_input(base):
    """Each is told what is wrong with it, and the connection goes on."""
    deep = "[" * 40 + "]" * 40
    with Json(base, "bea") as bea:
        for text in [
            "",
            "hola",
            "null",
            "[]",
            "{",
            "{}",
            '{"type":5}',
            '{"type":"nothing"}',
            '{"type":"broadcast"}',
            '{"type":"broadcast","content":5}',
            '{"type":"broadcast","content":["x"]}',
            '{"type":"broadcast","content":"x","content":"y"}',
            '{"type":"broadcast","content":"\\ud800"}',
            '{"type":"broadcast","content":"x","sender":"other"}',
            '{"type":"broadcast","content":"x","n":1e999}',
            '{"type":"broadcast","content":"x","deep":%s}' % deep,
            "[" * 30_000,
            '{"type":"broadcast","content":"x"} {}',
            "\ufeff{}",
            "\0{}",
            '{"type":"change_status","content":"ACTIVO","content":1}',
        ]:
            bea.ws.send(text)
            heard = bea.hear()
            assert heard["type"] == "error" and heard["content"], (text[:80], heard)
        bea.ws.send(b'{"type":"list_users"}')
        assert bea.hear()["type"] == "error"
        # What follows a NUL is not looked at.
        bea.ws.send('{"type":"broadcast","content":"sigo aquí"}\0}}garbage')
        bea.hears(broadcast("bea", "sigo aquí"))


def one_room(base):
    with Binary(base, "bin") as bin_, Json(base, "jota") as jota:
        assert sorted(jota.welcome["userList"]) == ["bin", "jota"]
        bin_.hears(told(53, "jota", ACTIVE))
        bin_.say("~", "hola")
        bin_.hears(told(55, "bin", "hola"))
        jota.hears(broadcast("bin", "hola"))
        jota.ask("private", target="bin", content="psst")
        bin_.hears(told(55, "jota", "psst"))
        jota.hears(private("jota", "bin", "psst"))
        bin_.ask(3, "bin", INACTIVE)
        bin_.hears(told(54, "bin", INACTIVE))
        jota.hears(status("bin", "INACTIVO"))

        # A long text reaches binary users in pieces, cut on the borders of characters.
        text = "ñ€🦀" * 100
        jota.ask("broadcast", content=text)
        jota.hears(broadcast("jota", text))
        pieces = b""
        while len(pieces) < len(text.encode()):
            heard = bin_.hear()
            assert heard.startswith(told(55, "jota")), heard
            piece = heard[len(told(55, "jota")) + 1 :]
            piece.decode()
            pieces += piece
        assert pieces.decode() == text
        # Bytes that are not UTF-8 reach JSON users too.
        bin_.say("jota", b"\xff!")
        bin_.hears(told(54, "bin", ACTIVE), told(55, "bin", b"\xff!"))
        jota.hears(status("bin", "ACTIVO"), private("bin", "jota", "\ufffd!"))

        # Who comes again asks for exactly what was missed.
        jota.ask("history", target="bin")
        seen = jota.hear()["content"]
        assert [entry["content"] for entry in seen] == ["psst", "\ufffd!"], seen
        last = seen[-1]["seq"]
        jota.ws.close()
        bin_.hears(told(54, "jota", 0))
        with Json(base, "jota") as jota:
            bin_.hears(told(54, "jota", ACTIVE))
            bin_.say("jota", "otra vez")
            bin_.hears(told(55, "bin", "otra vez"))
            jota.hears(private("bin", "jota", "otra vez"))
            jota.ask("history", target="bin", after=last)
            missed = jota.hear()["content"]
            assert [entry["content"] for entry in missed] == ["otra vez"], missed
            assert missed[0]["seq"] > last


def too_big(base):
    with Json(base, "bea") as bea:
        bea.ws.send("x" * 70_000)
        code(bea, 1009)
    with User(f"{base}/chat") as stranger:
        stranger.ws.send("x" * 5_000)
        code(stranger, 1009)


def code(user, expected):
    """The server closes with this code."""
    try:
        heard = User.hear(user)
    except ConnectionClosed as closed:
        assert closed.rcvd and closed.rcvd.code == expected, closed
    else:
        raise AssertionError(f"heard {heard!r} instead of a Close")


def main():
    base = sys.argv[1].rstrip("/")
    for part in names, binary_chat, registering, json_chat, bad_input, one_room, too_big:
        part(base)
        until_alone(base)
        print("ok", part.__name__, flush=True)


if __name__ == "__main__":
    main()

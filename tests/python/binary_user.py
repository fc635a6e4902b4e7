"""binary_user.py URL: a user of the binary chat who talks with the JSON user of tests/node/json-user.mjs."""

import sys

from users import ACTIVE, BUSY, INACTIVE, Binary, listed, told


def main():
    with Binary(sys.argv[1].rstrip("/"), "pita") as pita:
        heard = pita.hear()
        if heard == told(53, "nodo", ACTIVE):  # otherwise the other was there first
            heard = pita.hear()
        assert heard == told(55, "nodo", "hola, ¿hay alguien? 🦀"), heard
        pita.ask(1)
        pita.hears(listed(("nodo", ACTIVE), ("pita", ACTIVE)))
        pita.say("nodo", "sí, yo")
        pita.hears(told(55, "pita", "sí, yo"))

        pita.hears(told(54, "nodo", BUSY))
        pita.ask(3, "pita", INACTIVE)
        pita.hears(told(54, "pita", INACTIVE))

        text = "ñ€🦀" * 100
        received = b""
        while len(received) < len(text.encode()):
            message = pita.hear()
            start = len(told(55, "nodo")) + 1
            assert message[: start - 1] == told(55, "nodo"), message
            received += message[start:]
        assert received.decode() == text
        pita.say("nodo", str(len(received)))
        pita.hears(told(54, "pita", ACTIVE), told(55, "pita", str(len(received))))
        pita.hears(told(54, "nodo", 0))
    print("ok")


if __name__ == "__main__":
    main()

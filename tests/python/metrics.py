"""metrics.py URL: the parser of the Prometheus project reads /metrics, before and after something has happened.

URL is ws://HOST:PORT.
"""

import sys
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from users import PATIENCE, User


def read(http):
    with urllib.request.urlopen(f"{http}/metrics", timeout=PATIENCE) as answer:
        kind = answer.headers["Content-Type"]
        text = answer.read().decode()
    assert kind == "text/plain; version=0.0.4; charset=utf-8", kind
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(families, name, **labels):
    for family in families.values():
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return 0


def main():
    base = sys.argv[1].rstrip("/")
    http = base.replace("ws", "http", 1)
    before = read(http)
    for name, family in before.items():
        assert name.startswith("enchufe_"), name
        assert family.type in ("counter", "gauge"), (name, family.type)
        assert family.documentation, name
        for sample in family.samples:
            assert sample.value >= 0, sample
    assert len(before) >= 11, sorted(before)

    with User(f"{base}/echo") as user:
        for text in "uno", "dos":
            user.ws.send(text)
            user.hears(text)
    try:
        urllib.request.urlopen(f"{http}/nothing", timeout=PATIENCE)
    except urllib.error.HTTPError as refusal:
        assert refusal.code == 404

    after = read(http)
    for name, labels, least in [
        ("enchufe_connections_accepted_total", {}, 3),
        ("enchufe_websockets_opened_total", {}, 1),
        ("enchufe_messages_received_total", {}, 2),
        ("enchufe_messages_sent_total", {}, 2),
        ("enchufe_received_bytes_total", {}, 6),
        ("enchufe_sent_bytes_total", {}, 6),
        ("enchufe_http_responses_total", {"status": "101"}, 1),
        ("enchufe_http_responses_total", {"status": "404"}, 1),
        ("enchufe_http_responses_total", {"status": "200"}, 1),
        ("enchufe_closes_total", {"code": "1000"}, 1),
    ]:
        grown = value(after, name, **labels) - value(before, name, **labels)
        assert grown >= least, (name, labels, grown)
    for name in "enchufe_panics_total", "enchufe_queue_overflows_total":
        assert value(after, name) == 0, name
    assert value(after, "enchufe_connections_open") >= 1
    print("ok", len(after), "families")


if __name__ == "__main__":
    main()

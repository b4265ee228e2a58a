"""A RabbitMQ message as the quarantine keeps it, and as it is sent once more."""

import json

from amqp import Message

from tests.samples.envelopes import body, text
from worker.broker.rabbitmq.messages import as_sent, whole


def message(**properties: object) -> Message:
    """One that a producer sent."""
    properties = {"content_type": "application/json", "content_encoding": "utf-8", **properties}
    return Message(body([text(id="1", occurred_at="2")]).encode(), **properties)


def test_what_is_kept_is_sent_as_it_was() -> None:
    """Body, headers, priority and properties; what the server had written into it is left out."""
    sent = message(application_headers={"task": "t", "x-delivery-count": 3}, priority=4, correlation_id="c")
    again = as_sent(whole(sent))
    assert (sent.body, {"task": "t"}, 4) == (again["body"], again["headers"], again["priority"])
    assert {"delivery_mode": 2, "correlation_id": "c"} == again["properties"]


def test_headers_of_every_kind_are_kept() -> None:
    """In lists and mappings too; what JSON does not know is there as a text, the same each time."""
    headers = {"list": [1, b"\xff", {"a": [None, True]}], "bytes": b"text", "number": 0.5}
    kept = whole(message(application_headers=headers))
    expected = {"list": [1, "\\xff", {"a": [None, True]}], "bytes": "text", "number": 0.5}
    assert expected == json.loads(kept)["headers"]
    assert kept == whole(message(application_headers=headers))


def test_what_came_from_another_broker_is_a_bare_body() -> None:
    """So everything in the quarantine can be sent again, byte for byte."""
    for raw in (b"no JSON", b"[1]", b"{}", b'{"body": "no base64!", "properties": {}}', b"[" * 100_000):
        assert {"body": raw, "properties": {"delivery_mode": 2}} == as_sent(raw)

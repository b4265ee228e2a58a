"""A RabbitMQ message as the quarantine keeps it: the bytes that kombu would write for it on a queue of Redis."""

import json
from base64 import b64decode, b64encode
from typing import Any, cast

from amqp import Message

from ostinato.messages.routing import QUEUE

Json = dict[str, Any]
# The server adds these at each delivery, or when it gives a message up; they were not sent.
_SERVERS = ("x-delivery-count", "x-death", "x-first-death-exchange", "x-first-death-queue", "x-first-death-reason")
# In kombu's envelope, but not among the properties that a message is sent with.
_ENVELOPES = ("body_encoding", "delivery_info", "delivery_tag")


def headers_of(message: Message) -> Json | None:
    """The headers that a message was sent with; None if it has none."""
    headers: Json | None = message.properties.get("application_headers")
    return None if headers is None else {name: value for name, value in headers.items() if name not in _SERVERS}


def body_of(message: Message) -> bytes:
    """The body as it was sent; py-amqp has a text for an empty one."""
    body = message.body
    return body.encode() if isinstance(body, str) else bytes(body)


def size_of(message: Message) -> int:
    """About how many bytes the whole message has."""
    return len(body_of(message)) + len(json.dumps(_plain(message.properties)))


def whole(message: Message) -> bytes:
    """The message with all its properties, as one text of JSON; the same message always gives the same text."""
    properties = dict(message.properties)
    properties.pop("application_headers", None)
    envelope = {
        "body": b64encode(body_of(message)).decode(),
        "content-encoding": properties.pop("content_encoding", None),
        "content-type": properties.pop("content_type", None),
        "headers": headers_of(message),
        "properties": {
            **properties,
            "body_encoding": "base64",
            "delivery_info": {"exchange": "", "routing_key": QUEUE},
        },
    }
    return json.dumps(_plain(envelope), sort_keys=True).encode()


def as_sent(raw: bytes) -> Json:
    """The message of a text of `whole`, as arguments of kombu's `prepare_message`; any other text is a bare body."""
    try:
        envelope = cast("Json", json.loads(raw))
        properties = {name: value for name, value in envelope["properties"].items() if name not in _ENVELOPES}
        return {
            "body": b64decode(envelope["body"], validate=True),
            "content_type": envelope["content-type"],
            "content_encoding": envelope["content-encoding"],
            "headers": envelope["headers"],
            "priority": properties.pop("priority", None),
            "properties": {"delivery_mode": 2, **properties},
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {"body": raw, "properties": {"delivery_mode": 2}}


def _plain(value: object) -> object:
    """The value as JSON; what JSON cannot express becomes a text."""
    match value:
        case dict():
            return {_text(name): _plain(each) for name, each in cast("dict[object, object]", value).items()}
        case list():
            return [_plain(each) for each in cast("list[object]", value)]
        case None | bool() | int() | float() | str():
            return value
        case _:
            return _text(value)


def _text(value: object) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes | bytearray) else str(value)

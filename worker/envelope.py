"""What a queued message must look like before Celery may take it apart: Celery drops, or dies of, some that do not."""

import binascii
import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, NoReturn, cast

from store.errors import MalformedMessage
from tasks.messages import MESSAGES
from tasks.wire import BATCH_BYTES

# The text of a batch, once more as JSON, in which one byte can take up to six.
_BODY_BYTES = 6 * BATCH_BYTES
# What goes with the body: Celery's own producers send less than 2 kB.
_REST_BYTES = 64_000
_ENVELOPE_BYTES = _BODY_BYTES * 4 // 3 + _REST_BYTES
_UNWANTED = ("eta", "expires", "compression", "group", "stamped_headers")
_UNWANTED_EMBEDDED = ("callbacks", "errbacks", "chain", "chord")
_TEXTS = ("root_id", "parent_id", "origin", "shadow", "argsrepr", "kwargsrepr")

Json = dict[str, Any]


def opened(raw: bytes) -> Json:
    """The parts of a queued message that Celery may take apart; MalformedMessage, with a reason code, for any other."""
    envelope = _parts(raw)
    _check_properties(_mapping(envelope, "properties"))
    _check_headers(_mapping(envelope, "headers"))
    body = _body(envelope)
    if len(raw) - len(envelope["body"]) > _REST_BYTES:
        _refuse("too_large", f"{len(raw)} bytes, of which at most {_REST_BYTES} may be other than the body")
    _check_arguments(body)
    return envelope


def _refuse(what: str, detail: str) -> NoReturn:
    raise MalformedMessage(f"envelope_{what}", detail)


def _parts(raw: bytes) -> Json:
    if len(raw) > _ENVELOPE_BYTES:
        _refuse("too_large", f"{len(raw)} bytes, at most {_ENVELOPE_BYTES} are allowed")
    try:
        envelope = json.loads(raw)
    except (ValueError, RecursionError):
        _refuse("not_json", "what lies on the queue is not JSON")
    if not isinstance(envelope, dict):
        _refuse("not_an_object", "what lies on the queue is not an object")
    return cast("Json", envelope)


def _mapping(parent: Json, name: str) -> Json:
    value = parent.get(name)
    if not isinstance(value, dict):
        _refuse(name, f"there are no {name.replace('_', ' ')}")
    return cast("Json", value)


def _check_properties(properties: Json) -> None:
    _mapping(properties, "delivery_info")
    if not isinstance(properties.get("priority", 0), int | None):
        _refuse("priority", "the priority is not a number")
    for name in ("reply_to", "correlation_id"):
        if not isinstance(properties.get(name), str | None):
            _refuse(name, f"{name} is not a text")
    if properties.get("body_encoding") not in {None, "base64"}:
        _refuse("body_encoding", "the body must be in base64")


def _check_headers(headers: Mapping[str, object]) -> None:
    task = headers.get("task")
    if not isinstance(task, str) or task not in MESSAGES:
        raise MalformedMessage("unknown_task", f"the task must be one of {', '.join(MESSAGES)}")
    if not isinstance(headers.get("id"), str):
        _refuse("id", "the task has no id")
    for name in _UNWANTED:
        if headers.get(name):
            _refuse(name, f"{name} is set; a message is applied once, as soon as it arrives")
    for name in _TEXTS:
        if not isinstance(headers.get(name), str | None):
            _refuse(name, f"{name} is not a text")
    if not isinstance(headers.get("retries", 0), int):
        _refuse("retries", "retries is not a number")
    if headers.get("timelimit") not in (None, [None, None]):
        _refuse("timelimit", "a time limit is set")


def _body(envelope: Json) -> object:
    written = (envelope.get("content-type"), envelope.get("content-encoding"))
    if written != ("application/json", "utf-8"):
        _refuse("content_type", f"the body must be application/json in utf-8, not {written!r:.200}")
    body = envelope.get("body")
    if not isinstance(body, str):
        _refuse("body", "there is no body")
    try:
        encoded = envelope["properties"].get("body_encoding") == "base64"
        return json.loads(b64decode(body, validate=True) if encoded else body)
    except (ValueError, RecursionError, binascii.Error):
        _refuse("body", "the body is not JSON in base64")


def _check_arguments(body: object) -> None:
    if not (isinstance(body, list) and [type(part) for part in cast("list[object]", body)] == [list, dict, dict]):
        _refuse("body", "the body is not [arguments, named arguments, what follows]")
    embedded = cast("list[Json]", body)[2]
    for name in _UNWANTED_EMBEDDED:
        if embedded.get(name):
            _refuse(name, f"{name} is set; nothing follows a message")

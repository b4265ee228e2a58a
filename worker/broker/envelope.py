"""What a queued message must look like before Celery may take it apart: others Celery drops, or dies of."""

import binascii
import json
from base64 import b64decode
from collections.abc import Iterable
from typing import Any, NoReturn, cast

from ostinato.errors import MalformedMessage
from ostinato.messages.models import MESSAGES
from ostinato.messages.wire import BATCH_BYTES
from ostinato.reasons import Reason
from tasks.receiver import RawDelivery

# A batch as a JSON text within JSON, where one byte can take up to six.
_BODY_BYTES = 6 * BATCH_BYTES
# For everything but the body; Celery's own producers send less than 2 kB.
_REST_BYTES = 64_000
_ENVELOPE_BYTES = _BODY_BYTES * 4 // 3 + _REST_BYTES
# Code that reads or writes JSON fails at some depth of nesting, and sooner deeper in the call stack. A message that can
# be read here, but not by Celery later, would be lost.
_DEEPEST = 100
_UNWANTED = {
    "eta": Reason.ENVELOPE_ETA,
    "expires": Reason.ENVELOPE_EXPIRES,
    "compression": Reason.ENVELOPE_COMPRESSION,
    "group": Reason.ENVELOPE_GROUP,
    "stamped_headers": Reason.ENVELOPE_STAMPED_HEADERS,
}
_UNWANTED_EMBEDDED = {
    "callbacks": Reason.ENVELOPE_CALLBACKS,
    "errbacks": Reason.ENVELOPE_ERRBACKS,
    "chain": Reason.ENVELOPE_CHAIN,
    "chord": Reason.ENVELOPE_CHORD,
}
# Celery writes bytes or a date as an object with these keys. Decoding a forged one may give any value, or fail.
_MARKERS = {"__type__", "__value__"}
# Celery itself passes this argument to a task, and fails if a message has it too.
_CELERYS_ARGUMENT = "self"
_TRACES = frozenset({"traceparent", "tracestate"})
_TEXTS = frozenset({"root_id", "parent_id", "origin", "shadow", "argsrepr", "kwargsrepr"})
_KNOWN = _TEXTS | _TRACES | {"id", "lang", "task"}

Json = dict[str, Any]


def opened(raw: bytes) -> Json:
    """The parts of a queued message, if Celery may take it apart; MalformedMessage, with a reason code, if not."""
    envelope = _parts(raw)
    _check_properties(envelope.get("properties"))
    _check_headers(envelope.get("headers"))
    body = _body(envelope)
    _check_rest(len(raw), len(envelope["body"]))
    _check_arguments(body)
    return envelope


def delivered(envelope: Json) -> RawDelivery | None:
    """What an opened envelope brings to its task; None if the task's arguments are not one text."""
    arguments, named, _ = cast("list[Any]", _body(envelope))
    if named or len(arguments) != 1 or not isinstance(arguments[0], str):
        return None
    return RawDelivery(envelope["headers"]["task"], arguments[0], envelope["headers"]["id"])


def known(headers: Json) -> Json:
    """The headers that Celery may be given: any other would overwrite what Celery itself knows of the task."""
    return {name: value for name, value in headers.items() if name in _KNOWN and isinstance(value, str)}


def check(headers: Json | None, content: tuple[object, object], body: bytes, size: int) -> None:
    """Raise MalformedMessage as `opened` does, for a message whose parts the broker itself keeps apart.

    ``content`` is the type and the encoding of the body, ``size`` the bytes of the whole message.
    """
    _check_size(size, _BODY_BYTES + _REST_BYTES)
    _check_headers(headers)
    _check_content(*content)
    arguments = _loaded(body)
    _check_rest(size, len(body))
    _check_arguments(arguments)


def is_deep(value: object) -> bool:
    """Whether objects and lists are nested deeper than any valid message is, and than all code can read."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [each for outer in level for each in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterable[object]:
    match value:
        case dict():
            return cast("Json", value).values()
        case list():
            return cast("list[object]", value)
        case _:
            return ()


def _refuse(reason_code: Reason, detail: str) -> NoReturn:
    raise MalformedMessage(reason_code, detail)


def _parts(raw: bytes) -> Json:
    _check_size(len(raw), _ENVELOPE_BYTES)
    try:
        envelope = json.loads(raw)
    except (ValueError, RecursionError):
        _refuse(Reason.ENVELOPE_NOT_JSON, "the queue item is not JSON")
    if not isinstance(envelope, dict):
        _refuse(Reason.ENVELOPE_NOT_AN_OBJECT, "the queue item is not an object")
    return cast("Json", envelope)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        _refuse(Reason.ENVELOPE_TOO_LARGE, f"{size} bytes, at most {limit} are allowed")


def _check_rest(size: int, body: int) -> None:
    if size - body > _REST_BYTES:
        _refuse(Reason.ENVELOPE_TOO_LARGE, f"{size} bytes, of which at most {_REST_BYTES} may be other than the body")


def _check_properties(value: object) -> None:
    properties = cast("Json", value) if isinstance(value, dict) else {}
    texts_or_nothing = [properties.get(name) for name in ("reply_to", "correlation_id")]
    if not (
        isinstance(properties.get("delivery_info"), dict)
        and isinstance(properties.get("priority", 0), int | None)
        and all(isinstance(each, str | None) for each in texts_or_nothing)
    ):
        _refuse(Reason.ENVELOPE_PROPERTIES, "the properties are not what Celery's producers send")
    if properties.get("body_encoding") not in (None, "base64"):
        _refuse(Reason.ENVELOPE_BODY_ENCODING, "the body must be in base64")


def _check_headers(value: object) -> None:
    if not isinstance(value, dict):
        _refuse(Reason.ENVELOPE_HEADERS, "there are no headers")
    headers = cast("Json", value)
    task = headers.get("task")
    if not isinstance(task, str) or task not in MESSAGES:
        _refuse(Reason.UNKNOWN_TASK, f"the task must be one of {', '.join(MESSAGES)}")
    if not isinstance(headers.get("id"), str):
        _refuse(Reason.ENVELOPE_ID, "the task has no id")
    for name, code in _UNWANTED.items():
        if headers.get(name):
            _refuse(code, f"{name} is set; a message is applied once, as soon as it arrives")
    for name in _TEXTS:
        if not isinstance(headers.get(name), str | None):
            _refuse(Reason.ENVELOPE_HEADERS, f"{name} is not a text")
    if not isinstance(headers.get("retries", 0), int):
        _refuse(Reason.ENVELOPE_RETRIES, "retries is not a number")
    if headers.get("timelimit") not in (None, [None, None]):
        _refuse(Reason.ENVELOPE_TIMELIMIT, "a time limit is set")


def _body(envelope: Json) -> object:
    _check_content(envelope.get("content-type"), envelope.get("content-encoding"))
    body = envelope.get("body")
    if not isinstance(body, str):
        _refuse(Reason.ENVELOPE_BODY, "there is no body")
    if envelope["properties"].get("body_encoding") != "base64":
        return _loaded(body)
    try:
        return _loaded(b64decode(body, validate=True))
    except binascii.Error:
        _refuse(Reason.ENVELOPE_BODY, "the body is not in base64")


def _check_content(content_type: object, encoding: object) -> None:
    written = (content_type, encoding)
    if written != ("application/json", "utf-8"):
        _refuse(Reason.ENVELOPE_CONTENT_TYPE, f"the body must be application/json in utf-8, not {written!r:.200}")


def _loaded(body: str | bytes) -> object:
    try:
        # As strictly as Celery, which drops what it cannot decode: it reads no other encoding of JSON.
        text = body if isinstance(body, str) else body.decode()
        return json.loads(text, object_hook=_plain)
    except (ValueError, RecursionError):
        _refuse(Reason.ENVELOPE_BODY, "the body is not JSON")


def _plain(value: Json) -> Json:
    if value.keys() == _MARKERS:
        _refuse(Reason.ENVELOPE_BODY, "the body has what Celery's JSON takes for a value of another type")
    return value


def _check_arguments(body: object) -> None:
    if is_deep(body):
        _refuse(Reason.ENVELOPE_BODY, f"the body has more than {_DEEPEST} objects and lists in each other")
    if not (isinstance(body, list) and [type(part) for part in cast("list[object]", body)] == [list, dict, dict]):
        _refuse(Reason.ENVELOPE_BODY, "the body is not [arguments, named arguments, what follows]")
    _, named, embedded = cast("list[Json]", body)
    if _CELERYS_ARGUMENT in named:
        _refuse(Reason.ENVELOPE_BODY, f"no argument may have the name {_CELERYS_ARGUMENT}")
    if embedded.keys() - _UNWANTED_EMBEDDED.keys():
        _refuse(Reason.ENVELOPE_BODY, f"only {', '.join(_UNWANTED_EMBEDDED)} may be said of what follows")
    for name, code in _UNWANTED_EMBEDDED.items():
        if embedded.get(name):
            _refuse(code, f"{name} is set; nothing follows a message")

"""What a queued message must look like before Celery may take it apart: Celery drops, or dies of, some that do not."""

import json
from collections.abc import Mapping
from typing import NamedTuple, cast

from tasks.messages import MESSAGES
from tasks.wire import BATCH_BYTES

# The text of a batch, once more as JSON, in which one byte can take up to six.
_BODY_BYTES = 6 * BATCH_BYTES
_UNWANTED = ("eta", "expires", "compression", "group")
_UNWANTED_EMBEDDED = ("callbacks", "errbacks", "chain", "chord")


class Problem(NamedTuple):
    """Why a message is not taken: a reason code, and a sentence for people."""

    reason_code: str
    detail: str


class Envelope(NamedTuple):
    """What carries a message: Celery's headers, the body as bytes or text, and how the body is written."""

    headers: object
    body: object
    content_type: object
    content_encoding: object


def problem_with(envelope: Envelope) -> Problem | None:
    """Why Celery must not see this message; None if it may."""
    headers = envelope.headers
    if not isinstance(headers, dict):
        return Problem("envelope_headers", "there are no headers")
    return _problem_in_headers(cast("dict[str, object]", headers)) or _problem_in_body(envelope)


def _problem_in_headers(headers: Mapping[str, object]) -> Problem | None:
    if headers.get("task") not in tuple(MESSAGES):
        return Problem("unknown_task", f"the task must be one of {', '.join(MESSAGES)}")
    if not isinstance(headers.get("id"), str):
        return Problem("envelope_id", "the task has no id")
    for name in _UNWANTED:
        if headers.get(name):
            return Problem(f"envelope_{name}", f"{name} is set; a message is applied once, as soon as it arrives")
    if not isinstance(headers.get("retries", 0), int):
        return Problem("envelope_retries", "retries is not a number")
    if headers.get("timelimit") not in (None, [None, None]):
        return Problem("envelope_timelimit", "a time limit is set")
    return None


def _problem_in_body(envelope: Envelope) -> Problem | None:
    written = (envelope.content_type, envelope.content_encoding)
    if written != ("application/json", "utf-8"):
        return Problem("envelope_content_type", f"the body must be application/json in utf-8, not {written!r:.200}")
    if not isinstance(envelope.body, bytes | str):
        return Problem("envelope_body", "there is no body")
    if len(envelope.body) > _BODY_BYTES:
        return Problem("envelope_too_large", f"the body has {len(envelope.body)} bytes, at most {_BODY_BYTES}")
    try:
        body = json.loads(envelope.body)
    except (ValueError, RecursionError):
        return Problem("envelope_body", "the body is not JSON")
    return _problem_in_arguments(body)


def _problem_in_arguments(body: object) -> Problem | None:
    if not (isinstance(body, list) and [type(part) for part in cast("list[object]", body)] == [list, dict, dict]):
        return Problem("envelope_body", "the body is not [arguments, named arguments, what follows]")
    embedded = cast("list[dict[str, object]]", body)[2]
    found = [name for name in _UNWANTED_EMBEDDED if embedded.get(name)]
    return Problem(f"envelope_{found[0]}", f"{found[0]} is set; nothing follows a message") if found else None

"""Sending a message from the quarantine again, as it was or edited."""

import hashlib
import json
from typing import cast
from uuid import UUID

from ostinato.errors import ConfigurationError
from ostinato.messages.models import MESSAGES, Message
from ostinato.messages.routing import lane_of, queue_of
from ostinato.messages.uuid7 import uuid7_of
from ostinato.messages.wire import read_line
from ostinato.publishing.celery_app import OwnCelery
from ostinato.publishing.publisher import publish_text
from ostinato.reasons import Reason
from ostinato.times import to_micros
from store.reading.quarantine import Quarantined
from worker.broker.client import BrokerClient

_TRANSPORT = "transport"


def replay(app: OwnCelery, broker: BrokerClient, message: Quarantined, lanes: int = 1) -> None:
    """Send the same bytes again, in the form they came in: a whole queue item, or the text of one message.

    A message that still cannot be applied returns to its place in the quarantine. BrokerUnavailable if the broker does
    not take the bytes.
    """
    if message.source == _TRANSPORT:
        broker.enqueue(message.raw)
        return
    text = message.raw.decode(errors="surrogatepass")
    queue = queue_of(lane_of(text, lanes))
    publish_text(app, _kind_of(message, text), text, queue=queue, summary=f"{message.id}, replayed", task_id=message.id)


def edited(message: Quarantined, text: str) -> Message:
    """The message of a text that is to replace one in the quarantine.

    It keeps the id, unless that belongs to an applied message or is no UUID: then it has another. An id or a time that
    is left out is derived from the message in the quarantine, so that the same text is the same message each time.
    MalformedMessage if the text is no message; ConfigurationError if it has not the id that it must have.
    """
    found = read_line(_completed(message, text))
    own = _own_id(message)
    if message.reason_code == Reason.ID_REUSE.value:
        if found.id == own:
            raise ConfigurationError(
                f"The id {found.id} belongs to another message: give it a new one, or leave it out. Nothing is sent."
            )
    elif own not in (None, found.id):
        raise ConfigurationError(f"The id has to stay {own}, so that it is applied once: nothing is sent.")
    return found


def _own_id(message: Quarantined) -> UUID | None:
    """The message's id if it has a valid UUID, else None."""
    try:
        return UUID(message.message_id or "")
    except ValueError:
        return None


def _completed(message: Quarantined, text: str) -> str:
    """The text with the ids and times that it leaves out, also those of a batch's members."""
    try:
        whole = _stamped(message, json.loads(text), 0)
        members = cast("dict[str, object]", whole).get("messages") if isinstance(whole, dict) else None
        if isinstance(members, list):
            numbered = enumerate(cast("list[object]", members), start=1)
            members[:] = [_stamped(message, each, number) for number, each in numbered]
        return json.dumps(whole, ensure_ascii=False)
    except (ValueError, RecursionError):
        # `read_line` says what is wrong with it.
        return text


def _stamped(message: Quarantined, value: object, number: int) -> object:
    if not isinstance(value, dict):
        return value
    own = hashlib.sha256(f"{message.id} {number}".encode()).digest()
    made = uuid7_of(to_micros(message.received_at) // 1_000, int.from_bytes(own[:9]))
    if number == 0 and message.reason_code != Reason.ID_REUSE.value:
        made = _own_id(message) or made
    fields = cast("dict[str, object]", value)
    return {"id": str(made), "occurred_at": message.received_at.isoformat(), **fields}


def _kind_of(message: Quarantined, text: str) -> str:
    """The kind that a member of a batch names; else the task that the message came to."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    kind = cast("dict[str, object]", value).get("kind") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) and kind in MESSAGES else str(message.task)

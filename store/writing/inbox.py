"""Which messages have been applied: every id once, with its content (spec 5)."""

import hashlib
from collections.abc import Sequence
from enum import Enum

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from ostinato.reasons import Reason
from store.database.tables import inbox
from store.events import Event, Rejected

_WRITE = {
    "sqlite": sqlite.insert(inbox).on_conflict_do_nothing().returning(inbox.c.message_id),
    "postgresql": postgresql.insert(inbox).on_conflict_do_nothing().returning(inbox.c.message_id),
}
_KNOWN_OF = select(inbox.c.message_id, inbox.c.content_sha256).where(
    inbox.c.message_id.in_(bindparam("ids", expanding=True))
)


class Receipt(Enum):
    """What the inbox knows of a message that arrives."""

    NEW = "new"
    DUPLICATE = "its id was applied before with this content"
    ID_REUSE = "its id was applied before with another content"


def receive(connection: Connection, events: Sequence[Event], now: int) -> list[Receipt]:
    """Add the ids that the inbox does not have; the result says of each event what the inbox knew of it.

    Of several events with one new id, the first one is new.
    """
    firsts = {event.id: place for place, event in reversed([*enumerate(events)])}
    values = [_values(events[place], now) for place in sorted(firsts.values())]
    # A returned row means that the id is new; `rowcount` would be -1 with psycopg 3.
    new = set(connection.execute(_WRITE[connection.dialect.name], values).scalars())
    known = {str(each["message_id"]): str(each["content_sha256"]) for each in values}
    if len(new) < len(firsts):
        known.update(_known(connection, [key for key in firsts if key not in new]))
    return [
        Receipt.NEW if event.id in new and firsts[event.id] == place else _receipt(event, known[event.id])
        for place, event in enumerate(events)
    ]


def receipts(connection: Connection, events: Sequence[Event]) -> list[Receipt]:
    """What the inbox knows of each event, as if it arrived next; nothing is written."""
    known = _known(connection, [event.id for event in events])
    return [_receipt(event, known.get(event.id)) for event in events]


def rejected_for_reuse(event: Event) -> Rejected:
    """The message as the quarantine keeps it if its id belongs to another message."""
    return Rejected(
        raw=event.content.encode(),
        reason_code=Reason.ID_REUSE,
        reason_detail=f"The id {event.id} was applied before with another content.",
        source="domain",
        message_id=event.id,
    )


def _values(event: Event, now: int) -> dict[str, object]:
    return {
        "message_id": event.id,
        "kind": event.kind,
        "occurred_at": event.occurred_at,
        "applied_at": now,
        "content_sha256": _sha256(event),
        "content": event.content,
    }


def _known(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    return dict(connection.execute(_KNOWN_OF, {"ids": ids}).all())


def _receipt(event: Event, known: str | None) -> Receipt:
    """The receipt of an event whose id was applied with a content of this hash; None if it was not applied."""
    if known is None:
        return Receipt.NEW
    return Receipt.DUPLICATE if known == _sha256(event) else Receipt.ID_REUSE


def _sha256(event: Event) -> str:
    return hashlib.sha256(event.content.encode()).hexdigest()

"""Which messages have been applied: every id once, with the content it came with (spec 5)."""

import hashlib
from enum import Enum

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from store.events import Event, Rejected
from store.tables import inbox

_WRITE = {
    "sqlite": sqlite.insert(inbox).on_conflict_do_nothing().returning(inbox.c.message_id),
    "postgresql": postgresql.insert(inbox).on_conflict_do_nothing().returning(inbox.c.message_id),
}
_KNOWN = select(inbox.c.content_sha256).where(inbox.c.message_id == bindparam("id"))


class Receipt(Enum):
    """What the inbox says of a message that arrives."""

    NEW = "new"
    DUPLICATE = "its id was applied before with this content"
    ID_REUSE = "its id was applied before with another content"


def receive(connection: Connection, event: Event, now: int) -> Receipt:
    """Write the message's id down, unless it is there already."""
    sha256 = hashlib.sha256(event.content.encode()).hexdigest()
    values = {
        "message_id": event.id,
        "kind": event.kind,
        "occurred_at": event.occurred_at,
        "applied_at": now,
        "content_sha256": sha256,
        "content": event.content,
    }
    # A row back says that it is new; rowcount would say -1 with psycopg 3.
    if connection.execute(_WRITE[connection.dialect.name], values).one_or_none() is not None:
        return Receipt.NEW
    known = connection.execute(_KNOWN, {"id": event.id}).scalar_one()
    return Receipt.DUPLICATE if known == sha256 else Receipt.ID_REUSE


def rejected_for_reuse(event: Event) -> Rejected:
    """The message as the quarantine keeps it when its id belongs to another."""
    return Rejected(
        raw=event.content.encode(),
        reason_code="id_reuse",
        reason_detail=f"The id {event.id} was applied before with another content.",
        source="domain",
        message_id=event.id,
    )

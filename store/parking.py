"""Applications and soft deletes that came before their pattern: kept until it appears (spec 5.2, 5.3)."""

import json
from dataclasses import asdict

from sqlalchemy import bindparam, delete, insert, select

from store.events import Application, SoftDelete
from store.tables import parked
from store.transaction import Transaction

Parkable = Application | SoftDelete
PATTERN_NOT_FOUND = "pattern_not_found"
_TYPES: dict[str, type[Application] | type[SoftDelete]] = {each.__name__: each for each in (Application, SoftDelete)}
_WAITING = parked.c.pattern_id == bindparam("waits_for")
# Built once, as it is asked for every pattern that appears.
_WAITING_EVENTS = select(parked.c.event).where(_WAITING).order_by(parked.c.occurred_at, parked.c.message_id)
_WAIT_NO_LONGER = delete(parked).where(_WAITING)


def park(transaction: Transaction, event: Parkable) -> None:
    """Keep an event until its pattern appears."""
    row = {
        "message_id": event.id,
        "kind": event.kind,
        "pattern_id": event.pattern_id,
        "occurred_at": event.occurred_at,
        "parked_at": transaction.now,
        "reason": PATTERN_NOT_FOUND,
        "event": json.dumps({"type": type(event).__name__, **asdict(event)}, ensure_ascii=False),
    }
    transaction.connection.execute(insert(parked).values(row))


def take_parked(transaction: Transaction, pattern_id: str) -> list[Parkable]:
    """What waited for this id, in the order of event time, then message id; it waits no longer."""
    key = {"waits_for": pattern_id}
    events = [_event(text) for text in transaction.connection.execute(_WAITING_EVENTS, key).scalars()]
    if events:
        transaction.connection.execute(_WAIT_NO_LONGER, key)
    return events


def _event(text: str) -> Parkable:
    values = json.loads(text)
    return _TYPES[values.pop("type")](**values)

"""Applications and soft deletes that arrived before their pattern: kept until it appears (spec 5.2, 5.3)."""

import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import asdict

from sqlalchemy import Connection, bindparam, delete, insert, select

from store.database.tables import parked
from store.events import Application, SoftDelete

Parkable = Application | SoftDelete
PATTERN_NOT_FOUND = "pattern_not_found"
_TYPES: dict[str, type[Application] | type[SoftDelete]] = {each.__name__: each for each in (Application, SoftDelete)}
_PARK = insert(parked)
_WAITING = select(parked.c.pattern_id, parked.c.event).where(parked.c.pattern_id.in_(bindparam("keys", expanding=True)))
_WAIT_NO_LONGER = delete(parked).where(parked.c.pattern_id == bindparam("key"))


class Parking:
    """The events that wait for the patterns with some ids, with the changes made so far."""

    def __init__(self, connection: Connection, ids: Collection[str]) -> None:
        self._connection = connection
        self._stored: dict[str, list[Parkable]] = defaultdict(list)
        self._new: dict[str, list[Parkable]] = defaultdict(list)
        self._taken: list[dict[str, str]] = []
        if ids:
            for pattern_id, text in connection.execute(_WAITING, {"keys": sorted(ids)}):
                self._stored[pattern_id].append(_event(text))

    def park(self, event: Parkable) -> None:
        """Keep an event until its pattern appears."""
        self._new[event.pattern_id].append(event)

    def take(self, pattern_id: str) -> list[Parkable]:
        """Stop keeping the events that wait for this id; they are in the order of event time, then message id."""
        stored = self._stored.pop(pattern_id, [])
        if stored:
            self._taken.append({"key": pattern_id})
        return sorted([*stored, *self._new.pop(pattern_id, [])], key=lambda event: event.stamp)

    def write(self, now: int) -> None:
        """Write which events were parked, at ``now``, and which were taken."""
        if self._taken:
            self._connection.execute(_WAIT_NO_LONGER, self._taken)
        rows = [_row(event, now) for events in self._new.values() for event in events]
        if rows:
            self._connection.execute(_PARK, rows)


def _row(event: Parkable, now: int) -> dict[str, object]:
    return {
        "message_id": event.id,
        "kind": event.kind,
        "pattern_id": event.pattern_id,
        "occurred_at": event.occurred_at,
        "parked_at": now,
        "reason": PATTERN_NOT_FOUND,
        "event": json.dumps({"type": type(event).__name__, **asdict(event)}, ensure_ascii=False),
    }


def _event(text: str) -> Parkable:
    values = json.loads(text)
    return _TYPES[values.pop("type")](**values)

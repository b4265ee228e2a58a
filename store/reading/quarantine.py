"""Messages in the quarantine: listed, or found by the beginning of an id."""

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, func, select

from store.database.tables import NEW, quarantine
from store.errors import AmbiguousPrefix, NotFound
from store.reading.names import SHORTEST_PREFIX, begins_with
from store.reading.ranking import bounded, values_of

_OF = quarantine.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A message that was not applied, with the reason; ``raw`` is what arrived, byte for byte.

    ``source`` is ``transport``, ``validation`` or ``domain``; ``state`` is ``new``, ``replayed`` or ``discarded``.
    """

    id: str
    received_at: datetime
    source: str
    reason_code: str
    reason_detail: str
    raw: bytes
    sha256: str
    message_id: str | None
    task: str | None
    state: str
    resolved_at: datetime | None
    note: str | None


_COLUMNS = tuple(_OF[each.name] for each in fields(Quarantined))


def messages(connection: Connection, *, resolved: bool = False, limit: int = 100) -> list[Quarantined]:
    """At most ``limit`` new messages, the latest first; with ``resolved``, also those replayed or discarded.

    ValueError for a negative limit.
    """
    chosen = select(*_COLUMNS).order_by(_OF.received_at.desc(), _OF.id).limit(bounded(limit))
    rows = connection.execute(chosen if resolved else chosen.where(_OF.state == NEW)).mappings()
    return [Quarantined(**values_of(row)) for row in rows]


def message(connection: Connection, name: str) -> Quarantined:
    """The message whose id begins with these 6 or more characters; NotFound, AmbiguousPrefix."""
    if len(name) < SHORTEST_PREFIX or not name.isalnum():
        raise NotFound(f"No message in the quarantine is called {name!r}: give 6 or more characters of its id.")
    chosen = select(*_COLUMNS).where(begins_with(_OF.id, name)).limit(2)
    found = [Quarantined(**values_of(row)) for row in connection.execute(chosen).mappings()]
    if not found:
        raise NotFound(f"No message in the quarantine is called {name!r}.")
    if len(found) > 1:
        raise AmbiguousPrefix(f"{name!r} is the beginning of more than one id in the quarantine.")
    return found[0]


def count_new(connection: Connection) -> int:
    """The number of messages that were neither replayed nor discarded."""
    return int(connection.execute(select(func.count()).where(_OF.state == NEW)).scalar_one())

"""Looking into the quarantine, and saying what becomes of a message there; its row stays, whatever that is."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, case, func, select, update

from ostinato.times import from_micros
from store.database.tables import quarantine
from store.errors import AmbiguousPrefix, NotFound
from store.reading.ranking import bounded
from store.reading.store import SHORTEST_PREFIX, Store, begins_with
from store.writing.quarantine import DISCARDED, NEW, REPLAYED
from store.writing.transaction import Clock, Writer

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


class Quarantine(Store):
    """A store's quarantine, for reading."""

    def messages(self, *, resolved: bool = False, limit: int = 100) -> list[Quarantined]:
        """At most ``limit`` messages, the latest first; with ``resolved``, also those that were dealt with.

        ValueError for a negative limit.
        """
        chosen = select(*_COLUMNS).order_by(_OF.received_at.desc(), _OF.id).limit(bounded(limit))
        with self._reading() as connection:
            rows = connection.execute(chosen if resolved else chosen.where(_OF.state == NEW)).mappings()
            return [_message(row) for row in rows]

    def message(self, name: str) -> Quarantined:
        """The message whose id begins with these 6 or more characters; NotFound, AmbiguousPrefix."""
        if len(name) < SHORTEST_PREFIX or not name.isalnum():
            raise NotFound(f"No message in the quarantine is called {name!r}: give 6 or more characters of its id.")
        with self._reading() as connection:
            chosen = select(*_COLUMNS).where(begins_with(_OF.id, name)).limit(2)
            found = [_message(row) for row in connection.execute(chosen).mappings()]
        if not found:
            raise NotFound(f"No message in the quarantine is called {name!r}.")
        if len(found) > 1:
            raise AmbiguousPrefix(f"{name!r} is the beginning of more than one id in the quarantine.")
        return found[0]

    def waiting(self) -> int:
        """How many messages nobody has dealt with."""
        with self._reading() as connection:
            return int(connection.execute(select(func.count()).where(_OF.state == NEW)).scalar_one())


def discard(writer: Writer, clock: Clock, message: Quarantined, note: str | None) -> None:
    """Write down that a message needs no attention any more, and why."""
    with writer.transaction(clock) as transaction:
        values = {"state": DISCARDED, "resolved_at": transaction.now, "note": note}
        transaction.connection.execute(update(quarantine).where(_OF.id == message.id).values(values))
        transaction.happened("quarantined_message_discarded", quarantine_id=message.id)


@contextmanager
def replaying(writer: Writer, clock: Clock, message: Quarantined, note: str | None) -> Generator[None]:
    """Write down, after the block has sent the message again, that it was replayed; not if it has come back by then.

    One that was discarded is new from the beginning of the block, and stays so if the block raises.
    """
    with writer.transaction(clock) as transaction:
        begun = transaction.now
        state = case((_OF.state == DISCARDED, NEW), else_=_OF.state)
        values = {"state": state, "resolved_at": begun}
        transaction.connection.execute(update(quarantine).where(_OF.id == message.id).values(values))
    yield
    with writer.transaction(clock) as transaction:
        transaction.connection.execute(
            update(quarantine).where(_OF.id == message.id, _OF.resolved_at == begun).values(state=REPLAYED, note=note)
        )
        transaction.happened("quarantined_message_replayed", quarantine_id=message.id)


def _message(row: RowMapping) -> Quarantined:
    values: dict[str, Any] = dict(row)
    for name in ("received_at", "resolved_at"):
        values[name] = None if row[name] is None else from_micros(row[name])
    return Quarantined(**values)

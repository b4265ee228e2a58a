"""A store on a bench: events made by hand, applied by its one writer at a clock of the test's choice, and looked at."""

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, NoReturn
from uuid import UUID

from sqlalchemy import Table, text
from structlog.testing import capture_logs
from structlog.typing import EventDict

from ostinato.messages.models import (
    RecalculateAllPatternPriorities,
    RecordPattern,
    RecordPatternApplication,
    SoftDeletePattern,
    UpdatePatternEffectiveness,
)
from ostinato.messages.wire import make
from ostinato.times import to_micros
from store.events import Application, Item, Recalculation, Rescore, Sighting, SoftDelete
from store.reading.store import Store
from store.writing.effects import apply
from store.writing.recalculation import CHUNK, recalculate
from store.writing.transaction import Transaction, Writer
from tasks import events

DAY = 86_400_000_000
TODAY = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOW = to_micros(TODAY)
_numbers = count(1)


def sighting(name: str = "n", day: int = 0, **fields: object) -> Sighting:
    """A sighting, this many days from today, of a pattern of type ``T`` unless said otherwise."""
    return events.sighting(make(RecordPattern, _fields(day, fields, pattern_type="T", pattern_name=name)))


def application(pattern_id: str, outcome: str = "S", day: int = 0, **fields: object) -> Application:
    """An application with outcome ``S`` or ``F``, this many days from today."""
    said = _fields(day, fields, pattern_id=pattern_id, execution_id="e", pattern_led_to_success=outcome == "S")
    return events.application(make(RecordPatternApplication, said))


def soft_delete(pattern_id: str, day: int = 0, **fields: object) -> SoftDelete:
    """A soft delete, this many days from today."""
    return events.soft_delete(make(SoftDeletePattern, _fields(day, fields, pattern_id=pattern_id)))


def rescore(pattern_id: str, **fields: object) -> Rescore:
    """A request to recompute one pattern's scores."""
    return events.rescore(make(UpdatePatternEffectiveness, _fields(0, fields, pattern_id=pattern_id)))


def recalculation(**fields: object) -> Recalculation:
    """A request to recompute every pattern's scores."""
    return events.recalculation(make(RecalculateAllPatternPriorities, _fields(0, fields)))


def _fields(day: int, fields: Mapping[str, object], **said: object) -> dict[str, object]:
    # Ids ascend in the order in which events are made, so that ties of event time are no accident.
    return {"id": UUID(int=next(_numbers)), "occurred_at": TODAY + timedelta(days=day), **said, **fields}


class Crash(Exception):
    """What a test raises where anything could go wrong."""


@dataclass
class Bench:
    """A store, its writer and its reader.

    ``logs`` holds what was logged since the bench was made, each entry with its ``event``.
    """

    url: str
    writer: Writer
    store: Store
    logs: list[EventDict] = field(default_factory=list[EventDict])

    @contextmanager
    def transaction(self, now: int = NOW) -> Generator[Transaction]:
        """One transaction of the writer, at a clock that stands still."""
        with capture_logs() as entries:
            try:
                with self.writer.transaction(lambda: now) as transaction:
                    yield transaction
            finally:
                self.logs += entries

    def apply(self, *items: Item, now: int = NOW, delivery: str = "delivery") -> None:
        """Apply items in one transaction."""
        with self.transaction(now) as transaction:
            apply(transaction, items, task="apply_batch", delivery=delivery)

    def crash_after(self, *items: Item) -> NoReturn:
        """Apply items, and then raise Crash before the transaction is committed."""
        with self.transaction() as transaction:
            apply(transaction, items, task="apply_batch", delivery="delivery")
            raise Crash

    def recalculate(self, event: Recalculation | None = None, *, now: int = NOW, chunk: int = CHUNK) -> bool:
        """One delivery of a recalculation; True when there is nothing more to do for it."""
        with self.transaction(now) as transaction:
            return recalculate(transaction, event or recalculation(), task="recalculate", delivery="d", chunk=chunk)

    def rows(self, table: Table) -> list[dict[str, Any]]:
        """Every row of a table, in the order of its key."""
        with self.writer.transaction(lambda: NOW) as transaction:
            found = transaction.connection.execute(table.select().order_by(*table.primary_key.columns)).mappings()
            return [dict(row) for row in found]

    def row(self, table: Table) -> dict[str, Any]:
        """The only row of a table."""
        (row,) = self.rows(table)
        return row

    def sql(self, statement: str, **values: object) -> None:
        """Write past every rule, as a database client would."""
        with self.writer.transaction(lambda: NOW) as transaction:
            transaction.connection.execute(text(statement), values)

    def logged(self, *names: str) -> list[str]:
        """The names of what was logged, in order; only these, if any are given."""
        return [entry["event"] for entry in self.logs if not names or entry["event"] in names]

    def ledger(self) -> tuple[int, int, int, int]:
        """How many messages were applied, are parked, are in quarantine, and came again."""
        stats = self.store.stats()
        return stats.applied, stats.parked, stats.quarantined, stats.duplicates


def ids(found: Iterable[Any]) -> list[str]:
    """The ids of patterns or applications, in order."""
    return [each.id for each in found]

"""A glance at the store: what somebody who watches it wants to know every other second, for little."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from ostinato.times import from_micros
from store.database.counters import APPLIED, DUPLICATES
from store.database.tables import inbox, patterns, quarantine
from store.reading.ranking import Filters, ranked
from store.reading.records import Pattern
from store.reading.store import Store, pattern_of
from store.reading.vitals import vitals_of
from store.writing.quarantine import NEW

_RECALCULATION = "recalculate_all_pattern_priorities"
_DETAIL = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The last message that was applied or parked: its event time, and when the worker had it."""

    occurred_at: datetime
    applied_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A message in the quarantine that nobody has dealt with; ``detail`` may be cut off."""

    received_at: datetime
    reason_code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """The store at one moment; the counts are those of `Stats`."""

    ranking: tuple[Pattern, ...]
    patterns: int
    applied: int
    duplicates: int
    parked: int
    quarantined: int
    last: Arrival | None
    last_recalculation: datetime | None
    refusals: tuple[Refusal, ...]


class Watched(Store):
    """A store, for reading, that is looked at again and again."""

    def glance(self, filters: Filters, *, limit: int, refusals: int) -> Glance:
        """The first ``limit`` patterns that pass, the counts, and so many of the latest refusals."""
        with self._reading() as connection:
            vitals = vitals_of(connection)
            ranking = connection.execute(ranked(connection, filters, limit=limit)).mappings()
            return Glance(
                ranking=tuple(map(pattern_of, ranking)),
                patterns=int(connection.execute(select(func.count()).select_from(patterns)).scalar_one()),
                applied=vitals.counts[APPLIED],
                duplicates=vitals.counts[DUPLICATES],
                parked=vitals.parked,
                quarantined=sum(vitals.quarantined.values()),
                last=_last(connection),
                last_recalculation=None if vitals.recalculated is None else from_micros(vitals.recalculated),
                refusals=_refusals(connection, refusals),
            )


def _last(connection: Connection) -> Arrival | None:
    of = inbox.c
    # A recalculation's event time is its slot's, which may be hours ago.
    chosen = select(of.occurred_at, of.applied_at).where(of.kind != _RECALCULATION).order_by(of.seq.desc()).limit(1)
    row = connection.execute(chosen).one_or_none()
    return None if row is None else Arrival(occurred_at=from_micros(row[0]), applied_at=from_micros(row[1]))


def _refusals(connection: Connection, limit: int) -> tuple[Refusal, ...]:
    of = quarantine.c
    columns = (of.received_at, of.reason_code, func.substr(of.reason_detail, 1, _DETAIL))
    latest = select(*columns).where(of.state == NEW).order_by(of.received_at.desc(), of.id).limit(limit)
    return tuple(
        Refusal(received_at=from_micros(at), reason_code=code, detail=detail)
        for at, code, detail in connection.execute(latest)
    )

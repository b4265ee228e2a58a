"""The few numbers that are asked for every few seconds: they cost little however much the store holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from ostinato.times import from_micros
from store.database.counters import APPLIED, DUPLICATES, read_counters
from store.database.tables import NEW, inbox, parked, patterns, quarantine, recalculations
from store.reading.ranking import Filters, ranking, values_of
from store.reading.records import Pattern

_PARKED = select(func.count(), func.min(parked.c.parked_at))
_QUARANTINED = (
    select(quarantine.c.reason_code, func.count()).where(quarantine.c.state == NEW).group_by(quarantine.c.reason_code)
)
_RECALCULATED = select(func.max(recalculations.c.finished_at))
_RECALCULATION = "recalculate_all_pattern_priorities"
_DETAIL = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """The state of a store, for metrics. Times are microseconds since 1970 UTC, None if there is nothing to time.

    ``counters`` has the store's own counters by name; ``parked`` messages wait for their pattern, the first of them
    since ``parked_since``; ``quarantined`` has the number of new messages in the quarantine by reason code.
    """

    counters: Mapping[str, int]
    parked: int
    parked_since: int | None
    quarantined: Mapping[str, int]
    recalculated: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The last message that was applied or parked: its event time, and when the worker applied or parked it."""

    occurred_at: datetime
    applied_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A new message in the quarantine; ``detail`` may be cut off."""

    received_at: datetime
    reason_code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """The state of a store, for people; the counts are those of `Stats`."""

    ranking: tuple[Pattern, ...]
    patterns: int
    applied: int
    duplicates: int
    parked: int
    quarantined: int
    last: Arrival | None
    last_recalculation: datetime | None
    refusals: tuple[Refusal, ...]


def vitals(connection: Connection) -> Vitals:
    """The state of a store, for metrics."""
    waiting, since = connection.execute(_PARKED).one()
    return Vitals(
        counters=read_counters(connection),
        parked=waiting,
        parked_since=since,
        quarantined=dict(connection.execute(_QUARANTINED).all()),
        recalculated=connection.execute(_RECALCULATED).scalar(),
    )


def glance(connection: Connection, filters: Filters, *, limit: int, refusals: int) -> Glance:
    """The first ``limit`` patterns that pass, the counts, and at most ``refusals`` of the latest refusals."""
    found = vitals(connection)
    return Glance(
        ranking=tuple(ranking(connection, filters, limit=limit)),
        patterns=int(connection.execute(select(func.count()).select_from(patterns)).scalar_one()),
        applied=found.counters[APPLIED],
        duplicates=found.counters[DUPLICATES],
        parked=found.parked,
        quarantined=sum(found.quarantined.values()),
        last=_last(connection),
        last_recalculation=None if found.recalculated is None else from_micros(found.recalculated),
        refusals=_refusals(connection, refusals),
    )


def _last(connection: Connection) -> Arrival | None:
    of = inbox.c
    # A recalculation's event time is its slot's, which may be hours ago.
    chosen = select(of.occurred_at, of.applied_at).where(of.kind != _RECALCULATION).order_by(of.seq.desc()).limit(1)
    row = connection.execute(chosen).mappings().one_or_none()
    return None if row is None else Arrival(**values_of(row))


def _refusals(connection: Connection, limit: int) -> tuple[Refusal, ...]:
    of = quarantine.c
    columns = (of.received_at, of.reason_code, func.substr(of.reason_detail, 1, _DETAIL).label("detail"))
    latest = select(*columns).where(of.state == NEW).order_by(of.received_at.desc(), of.id).limit(limit)
    return tuple(Refusal(**values_of(row)) for row in connection.execute(latest).mappings())

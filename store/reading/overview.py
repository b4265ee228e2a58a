"""The store as a whole: its numbers, how priorities are spread, how applications went, what waits or was refused."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, Connection, Select, Table, and_, case, cast, func, select, true

from ostinato.times import LATEST, from_micros
from store.database import tables
from store.database.counters import read_counters
from store.database.tables import DISCARDED, NEW, REPLAYED, applications, patterns, quarantine, recalculations
from store.reading.ranking import bounded
from store.reading.records import Stats

SHARES = 20
_BY_STATE = select(quarantine.c.state, func.count()).group_by(quarantine.c.state)
_RECALCULATED = select(func.max(recalculations.c.finished_at))
_OF_PATTERNS = select(
    func.count().label("patterns"),
    func.count().filter(patterns.c.active).label("patterns_active"),
    func.count().filter(~patterns.c.active).label("patterns_deleted"),
    func.count()
    .filter(patterns.c.led_to_success_count + patterns.c.led_to_failure_count == 0)
    .label("patterns_never_applied"),
    cast(func.coalesce(func.sum(patterns.c.occurrence_count), 0), BigInteger).label("sightings"),
    func.avg(patterns.c.effectiveness_score).filter(patterns.c.active).label("average_effectiveness"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Parked messages of one pattern that was never sighted: how many, and their earliest event time."""

    pattern_id: str
    messages: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """New messages in the quarantine with one reason: how many, and when the latest arrived."""

    reason_code: str
    messages: int
    latest: datetime


class Span(NamedTuple):
    """A span of time: the successes and failures among the applications in it."""

    begin: datetime
    end: datetime
    successes: int
    failures: int


def stats(connection: Connection) -> Stats:
    """The store in numbers."""
    kept: dict[str, int] = dict(connection.execute(_BY_STATE).all())
    quarantined, discarded = kept.get(NEW, 0), kept.get(DISCARDED, 0)
    last = connection.execute(_RECALCULATED).scalar()
    return Stats(
        **read_counters(connection),
        **connection.execute(_OF_PATTERNS).mappings().one(),
        received=_rows_in(connection, tables.inbox) + quarantined + discarded,
        parked=_rows_in(connection, tables.parked),
        quarantined=quarantined,
        discarded=discarded,
        replayed=kept.get(REPLAYED, 0),
        applications=_rows_in(connection, applications),
        last_recalculation=None if last is None else from_micros(last),
    )


def _rows_in(connection: Connection, table: Table) -> int:
    """How many rows a table has."""
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def priorities(connection: Connection) -> list[int]:
    """The number of active patterns in each of `SHARES` equal parts of the priorities from 0 to 1."""
    of = patterns.c
    edges = [part / SHARES for part in range(1, SHARES)]
    above = [true(), *(of.priority_score >= edge for edge in edges)]
    below = [*(of.priority_score < edge for edge in edges), true()]
    parts = [and_(low, high) for low, high in zip(above, below, strict=True)]
    counts = connection.execute(select(*(func.count().filter(part) for part in parts)).where(of.active)).one()
    return [int(each) for each in counts]


def waiting(connection: Connection, limit: int = 10) -> list[Waiting]:
    """The unknown patterns for which most messages are parked, the most first."""
    of = tables.parked.c
    columns = (of.pattern_id, func.count().label("messages"), func.min(of.occurred_at))
    chosen = select(*columns).group_by(of.pattern_id).order_by(func.count().desc(), of.pattern_id)
    return [
        Waiting(pattern_id=key, messages=count, since=from_micros(since))
        for key, count, since in connection.execute(chosen.limit(bounded(limit)))
    ]


def refused(connection: Connection) -> list[Refused]:
    """What is new in the quarantine, by reason, the most frequent first."""
    of = quarantine.c
    columns = (of.reason_code, func.count(), func.max(of.received_at))
    chosen = select(*columns).where(of.state == NEW).group_by(of.reason_code)
    return [
        Refused(reason_code=code, messages=count, latest=from_micros(latest))
        for code, count, latest in connection.execute(chosen.order_by(func.count().desc(), of.reason_code))
    ]


def outcomes(connection: Connection, *, upto: int, spans: int = 40) -> list[Span]:
    """How applications went, in equal spans from the first event time to ``upto`` in microseconds.

    The last span includes those of later event times. If all are later, the spans are as short as possible and end at
    ``upto``. Empty if nothing was applied.
    """
    first = connection.execute(select(func.min(applications.c.occurred_at))).scalar()
    if first is None:
        return []
    first = min(first, upto - spans + 1)
    width = -((first - upto - 1) // spans)
    rows = connection.execute(_in_spans(first, width, spans))
    found = {int(span): (int(successes), int(failures)) for span, successes, failures in rows}
    # The clock may be at the latest possible time, and the last span would end after it.
    edges = [from_micros(min(first + width * span, LATEST)) for span in range(spans + 1)]
    return [Span(edges[span], edges[span + 1], *found.get(span, (0, 0))) for span in range(spans)]


def _in_spans(first: int, width: int, spans: int) -> Select[int, int, int]:
    of = applications.c
    place = (of.occurred_at - first) // width
    counts = (func.count().filter(of.pattern_led_to_success), func.count().filter(~of.pattern_led_to_success))
    span = case((place >= spans, spans - 1), else_=place).label("span")
    return select(span, *counts).group_by(span)

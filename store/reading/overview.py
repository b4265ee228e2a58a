"""Asking for the store as a whole: how priorities are spread, how applications went, and what waits or was refused."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, and_, case, func, select, true

from ostinato.times import LATEST, from_micros
from store.database.tables import applications, parked, patterns, quarantine
from store.reading.ranking import bounded
from store.reading.store import Store
from store.writing.quarantine import NEW

SHARES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Parked messages of one pattern that nobody has sighted: how many, and the earliest event time."""

    pattern_id: str
    messages: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """New messages in the quarantine for one reason: how many, and when the latest came."""

    reason_code: str
    messages: int
    latest: datetime


class Outcomes(NamedTuple):
    """The applications of a span of time: successes and failures."""

    begin: datetime
    end: datetime
    successes: int
    failures: int


class Overview(Store):
    """A store, for reading, as a whole."""

    def priorities(self) -> list[int]:
        """How many active patterns there are in each of `SHARES` equal parts of the priorities from 0 to 1."""
        of = patterns.c
        edges = [part / SHARES for part in range(1, SHARES)]
        above = [true(), *(of.priority_score >= edge for edge in edges)]
        below = [*(of.priority_score < edge for edge in edges), true()]
        parts = [and_(low, high) for low, high in zip(above, below, strict=True)]
        with self._reading() as connection:
            counts = connection.execute(select(*(func.count().filter(part) for part in parts)).where(of.active)).one()
        return [int(each) for each in counts]

    def waiting(self, limit: int = 10) -> list[Waiting]:
        """For which unknown patterns most is parked, the most first."""
        of = parked.c
        columns = (of.pattern_id, func.count().label("messages"), func.min(of.occurred_at))
        chosen = select(*columns).group_by(of.pattern_id).order_by(func.count().desc(), of.pattern_id)
        with self._reading() as connection:
            return [
                Waiting(pattern_id=key, messages=count, since=from_micros(since))
                for key, count, since in connection.execute(chosen.limit(bounded(limit)))
            ]

    def refused(self) -> list[Refused]:
        """What is new in the quarantine, by reason, the most frequent first."""
        of = quarantine.c
        columns = (of.reason_code, func.count(), func.max(of.received_at))
        chosen = select(*columns).where(of.state == NEW).group_by(of.reason_code)
        with self._reading() as connection:
            return [
                Refused(reason_code=code, messages=count, latest=from_micros(latest))
                for code, count, latest in connection.execute(chosen.order_by(func.count().desc(), of.reason_code))
            ]

    def outcomes(self, *, upto: int, spans: int = 40) -> list[Outcomes]:
        """How applications went, in equal spans from the first event time to ``upto`` in microseconds.

        Those of later event times are in the last span; where all are later, the spans end at ``upto``, each as short
        as can be. Empty where nothing was applied.
        """
        with self._reading() as connection:
            first = connection.execute(select(func.min(applications.c.occurred_at))).scalar()
            if first is None:
                return []
            first = min(first, upto - spans + 1)
            width = -((first - upto - 1) // spans)
            rows = connection.execute(_in_spans(first, width, spans))
            found = {int(span): (int(successes), int(failures)) for span, successes, failures in rows}
        # The clock may stand at the end of all time, which the last span would go beyond.
        edges = [from_micros(min(first + width * span, LATEST)) for span in range(spans + 1)]
        return [Outcomes(edges[span], edges[span + 1], *found.get(span, (0, 0))) for span in range(spans)]


def _in_spans(first: int, width: int, spans: int) -> Select[int, int, int]:
    of = applications.c
    place = (of.occurred_at - first) // width
    counts = (func.count().filter(of.pattern_led_to_success), func.count().filter(~of.pattern_led_to_success))
    span = case((place >= spans, spans - 1), else_=place).label("span")
    return select(span, *counts).group_by(span)

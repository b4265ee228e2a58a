"""What somebody on call asks a store again and again: the few numbers that cost little however much it holds."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from store.database.counters import read_counts
from store.database.tables import parked, quarantine, recalculations
from store.reading.store import Store
from store.writing.quarantine import NEW

_PARKED = select(func.count(), func.min(parked.c.parked_at))
_QUARANTINED = (
    select(quarantine.c.reason_code, func.count()).where(quarantine.c.state == NEW).group_by(quarantine.c.reason_code)
)
_RECALCULATED = select(func.max(recalculations.c.finished_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """How a store does, all of one moment. Times are microseconds since 1970 UTC, None if there is nothing to time.

    ``counts`` has the store's own counters by name (`tallies`); ``parked`` messages wait for their pattern, since
    ``parked_since``; ``quarantined`` has by reason code what nobody has dealt with.
    """

    counts: Mapping[str, int]
    parked: int
    parked_since: int | None
    quarantined: Mapping[str, int]
    recalculated: int | None


class VitalSigns(Store):
    """A store, for asking how it does."""

    def vitals(self) -> Vitals:
        """How it does; StoreUnavailable and StoreOutdated as for `Store`."""
        with self._reading() as connection:
            return vitals_of(connection)


def vitals_of(connection: Connection) -> Vitals:
    """How the store does that a connection leads to."""
    waiting, since = connection.execute(_PARKED).one()
    return Vitals(
        counts=read_counts(connection),
        parked=waiting,
        parked_since=since,
        quarantined=dict(connection.execute(_QUARANTINED).all()),
        recalculated=connection.execute(_RECALCULATED).scalar(),
    )

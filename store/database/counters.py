"""The store's counters: what was applied, came twice or was merged, which no other table says."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Connection, cast, func, select
from sqlalchemy.dialects import postgresql, sqlite

from store.database.tables import counters

APPLIED = "applied"
DUPLICATES = "duplicates"
MERGES = "merges"


def _add(statement: sqlite.Insert | postgresql.Insert) -> sqlite.Insert | postgresql.Insert:
    both = counters.c.value + statement.excluded.value
    return statement.on_conflict_do_update(index_elements=[counters.c.name, counters.c.lane], set_={"value": both})


_ADD = {"sqlite": _add(sqlite.insert(counters)), "postgresql": _add(postgresql.insert(counters))}
_READ = select(counters.c.name, cast(func.sum(counters.c.value), BigInteger)).group_by(counters.c.name)


def add_counts(connection: Connection, counts: Mapping[str, int], lane: int = 0) -> None:
    """Add to a lane's part of the named counters; each lane has a part, so that no lane waits for another."""
    rows = [{"name": name, "lane": lane, "value": count} for name, count in sorted(counts.items()) if count]
    if rows:
        connection.execute(_ADD[connection.dialect.name], rows)


def read_counters(connection: Connection) -> dict[str, int]:
    """Every counter by name, summed over the lanes; each of them exists since the first migration."""
    return dict(connection.execute(_READ).all())

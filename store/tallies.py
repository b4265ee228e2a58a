"""Counts that no table can be asked for: what was applied, came twice or was merged."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Connection, bindparam, select, update

from store.tables import counters

APPLIED = "applied"
DUPLICATES = "duplicates"
MERGES = "merges"
_ADD = (
    update(counters)
    .where(counters.c.name == bindparam("counter"))
    .values(value=counters.c.value + bindparam("count", type_=BigInteger))
)


def add_counts(connection: Connection, counts: Mapping[str, int]) -> None:
    """Add to the named counters; each of them exists since the first migration."""
    for name, count in counts.items():
        if count:
            connection.execute(_ADD, {"counter": name, "count": count})


def read_counts(connection: Connection) -> dict[str, int]:
    """Every counter by name."""
    return dict(connection.execute(select(counters.c.name, counters.c.value)).all())

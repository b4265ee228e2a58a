"""Whether two stores have learnt the same; when they last computed a score does not matter."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, Text, case, select, type_coerce

from store.database.counters import APPLIED, MERGES, read_counters
from store.database.tables import Json, aliases, applications, inbox, parked, pattern_tags, patterns
from store.writing.scoring_sql import possible, scores_at

PRESENT = "present"
MISSING = "missing"
TOLERANCE = 1e-12
_ROWS_AT_ONCE = 1_000
_SCORES = ("effectiveness_score", "priority_score")
# Places may have gaps, and the other store was made from the contents.
_NOT_COMPARED = {"inbox": ("seq", "content")}

Values = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not the same in both stores.

    ``key`` names the row by its id. If one store does not have the row at all, ``column`` is None, and the two values
    are `PRESENT` and `MISSING`.
    """

    table: str
    key: str
    column: str | None
    live: object
    rebuilt: object


@dataclass(frozen=True, slots=True)
class _Compared:
    """A table's columns by name, as they are compared; the first ``keys`` of them are the key of a row."""

    name: str
    keys: int
    columns: Mapping[str, ColumnElement[Any]]


def differences(live: Connection, rebuilt: Connection, now: int) -> Iterator[Difference]:
    """Every difference, table by table, by id; nothing is written.

    Both scores are recomputed in either store as of ``now``; they are equal if they differ by at most `TOLERANCE`.
    """
    for table in _tables(now):
        for one, other in _matched(_rows(live, table), _rows(rebuilt, table), table.keys):
            yield from _between(table, one, other)
    counted, recounted = read_counters(live), read_counters(rebuilt)
    for name in (APPLIED, MERGES):
        if counted[name] != recounted[name]:
            yield Difference("counters", name, "value", counted[name], recounted[name])


def _tables(now: int) -> tuple[_Compared, ...]:
    scores = scores_at(now)
    values = (scores.effectiveness, scores.priority)
    # A row with impossible values has no scores, and computing them would be an error.
    recomputed = {name: case((possible, value), else_=None) for name, value in zip(_SCORES, values, strict=True)}
    return (
        _compared(inbox, "message_id"),
        _compared(patterns, "id", instead=recomputed),
        _compared(pattern_tags, "pattern_id", "tag"),
        _compared(aliases, "alias"),
        _compared(applications, "id"),
        _compared(parked, "message_id"),
    )


def _compared(table: Table, *keys: str, instead: Mapping[str, ColumnElement[Any]] | None = None) -> _Compared:
    left_out = (*keys, *_NOT_COMPARED.get(table.name, ()))
    names = (*keys, *(column.name for column in table.columns if column.name not in left_out))
    own = {name: _as_kept(table.columns[name]) for name in names}
    return _Compared(table.name, len(keys), {**own, **(instead or {})})


def _as_kept(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """JSON as its text: that can be compared even if it is not valid JSON any more."""
    return type_coerce(column, Text) if isinstance(column.type, Json) else column


def _rows(connection: Connection, table: _Compared) -> Iterator[Values]:
    named = [column.label(name) for name, column in table.columns.items()]
    keys = list(table.columns.values())[: table.keys]
    if connection.dialect.name == "postgresql":
        # Ordered by bytes, as SQLite and Python do.
        keys = [key.collate("C") for key in keys]
    chosen = select(*named).order_by(*keys).execution_options(yield_per=_ROWS_AT_ONCE)
    return (tuple(row) for row in connection.execute(chosen))


def _matched(
    live: Iterator[Values], rebuilt: Iterator[Values], keys: int
) -> Iterator[tuple[Values | None, Values | None]]:
    """The rows of both stores in the order of their keys; two with the same key come together."""
    both = merge(((row[:keys], 0, row) for row in live), ((row[:keys], 1, row) for row in rebuilt))
    for _, group in groupby(both, key=itemgetter(0)):
        rows = {side: row for _, side, row in group}
        yield rows.get(0), rows.get(1)


def _between(table: _Compared, one: Values | None, other: Values | None) -> Iterator[Difference]:
    key = " ".join(map(str, (one or other or ())[: table.keys]))
    if one is None or other is None:
        yield Difference(table.name, key, None, *(MISSING if each is None else PRESENT for each in (one, other)))
    elif one != other:
        for name, live, rebuilt in zip(table.columns, one, other, strict=True):
            if not _same(name, live, rebuilt):
                yield Difference(table.name, key, name, live, rebuilt)


def _same(name: str, live: object, rebuilt: object) -> bool:
    if name in _SCORES and isinstance(live, float) and isinstance(rebuilt, float):
        return abs(live - rebuilt) <= TOLERANCE
    return live == rebuilt

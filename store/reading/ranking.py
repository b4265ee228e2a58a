"""Which patterns deserve attention most (spec section 8), as one query: the question that the store exists for.

The query is cheap for any filter. The patterns with a rare property are looked up and sorted. Those with a common one
are met soon on the way down the ranking, which is an index, with another for each type. More indexes of that kind
would cost more at every message, which rewrites them.
"""

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, false, func, or_, select

from ostinato.times import from_micros, to_micros
from store.database.tables import pattern_tags, patterns
from store.reading.records import Pattern

Predicate = ColumnElement[bool]
PATTERN_COLUMNS = tuple(patterns.c[each.name] for each in fields(Pattern))
# Looking up and sorting this many rows is faster than walking the ranking for one row in fifty.
FEW = 2_000
_LARGEST_LIMIT = 2**63 - 1
_TIMES = {"first_seen", "last_seen", "last_confirmed", "occurred_at", "applied_at", "received_at", "resolved_at"}
_OF = patterns.c


class _Columns(NamedTuple):
    """The columns that filters compare: as they are, or as expressions for which the database chooses no index."""

    pattern_type: ColumnElement[str]
    quarantine_status: ColumnElement[str]
    instrument_name: ColumnElement[Any]
    priority: ColumnElement[float]
    trust: ColumnElement[float]


_PLAIN = _Columns(_OF.pattern_type, _OF.quarantine_status, _OF.instrument_name, _OF.priority_score, _OF.trust_score)
_LOOKED_AT = _Columns(
    _OF.pattern_type.concat(""),
    _OF.quarantine_status.concat(""),
    _OF.instrument_name.concat(""),
    _OF.priority_score + 0.0,
    _OF.trust_score + 0.0,
)
# PostgreSQL knows how common each value is. SQLite does not: it would look up a value that all rows have.
_WALKED = {
    "postgresql": _PLAIN,
    "sqlite": _LOOKED_AT._replace(pattern_type=_OF.pattern_type, priority=_OF.priority_score),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which patterns may be in the ranking; see `Store.patterns`. The order and repetition of tags do not matter."""

    pattern_type: str | None = None
    min_priority: float = 0.01
    context_tags: tuple[str, ...] = ()
    instrument_name: str | None = None
    include_universal: bool = True
    include_inactive: bool = False
    quarantine_status: str | None = None
    min_trust: float | None = None
    max_trust: float | None = None

    def __post_init__(self) -> None:
        """Make filters with the same tags equal."""
        object.__setattr__(self, "context_tags", tuple(sorted(set(self.context_tags))))


def bounded(limit: int) -> int:
    """The limit, or the largest that every database takes; ValueError for a negative one."""
    if limit < 0:
        raise ValueError(f"limit is {limit}; it must be 0 or more")
    return min(limit, _LARGEST_LIMIT)


def ranked(connection: Connection, filters: Filters, *, limit: int, after: Pattern | None = None) -> Select[Any]:
    """The query for the first patterns that pass, by priority and ``last_seen`` descending, then id.

    With ``after``, those that rank behind that pattern. ValueError for a negative limit.
    """
    limit = bounded(limit)
    if not _can_pass(filters):
        return select(*PATTERN_COLUMNS).where(false())
    rare = next((each for each in _narrow(filters) if _are_few(connection, each)), None)
    of = _WALKED[connection.dialect.name] if rare is None else _LOOKED_AT
    conditions = _conditions(filters, of)
    if after is not None:
        conditions.append(_behind(after, of))
    if rare is not None:
        conditions.append(_OF.id.in_(rare))
    # Where a rare property is looked up, the database must not use another index: it would walk the ranking to avoid
    # the sorting.
    order = (of.priority.desc(), _OF.last_seen.desc(), _OF.id)
    return select(*PATTERN_COLUMNS).where(*conditions).order_by(*order).limit(limit)


def ranking(connection: Connection, filters: Filters, *, limit: int, after: Pattern | None = None) -> list[Pattern]:
    """The patterns that `ranked` chooses."""
    chosen = ranked(connection, filters, limit=limit, after=after)
    return [Pattern(**values_of(row)) for row in connection.execute(chosen).mappings()]


def values_of(row: RowMapping) -> dict[str, Any]:
    """The values of a row by name, times as aware datetimes."""
    return {name: from_micros(value) if name in _TIMES and value is not None else value for name, value in row.items()}


def _conditions(filters: Filters, of: _Columns) -> list[Predicate]:
    wanted = [
        of.priority >= filters.min_priority,
        None if filters.include_inactive else _OF.active,
        None if filters.pattern_type is None else of.pattern_type == filters.pattern_type,
        None if filters.instrument_name is None else _instrument(filters, of.instrument_name),
        None if filters.quarantine_status is None else of.quarantine_status == filters.quarantine_status,
        None if filters.min_trust is None else of.trust >= filters.min_trust,
        None if filters.max_trust is None else of.trust <= filters.max_trust,
    ]
    conditions = [each for each in wanted if each is not None]
    if tags := _tags(filters):
        tagged = pattern_tags.c.pattern_id == _OF.id
        conditions.append(select(pattern_tags.c.tag).where(tagged, pattern_tags.c.tag.in_(tags)).exists())
    return conditions


def _can_pass(filters: Filters) -> bool:
    """False if a filter asks for a text that no database can hold: one with a NUL or a lone surrogate."""
    wanted = [[filters.pattern_type], [filters.instrument_name], [filters.quarantine_status], filters.context_tags]
    return all(not texts or any(text is None or _can_be_held(text) for text in texts) for texts in wanted)


def _tags(filters: Filters) -> list[str]:
    return [tag for tag in filters.context_tags if _can_be_held(tag)]


def _can_be_held(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _instrument(filters: Filters, column: ColumnElement[Any]) -> Predicate:
    own = column == filters.instrument_name
    return or_(own, column.is_(None)) if filters.include_universal else own


def _narrow(filters: Filters) -> list[Select[str]]:
    """For each filter that has an index but no ranking of its own, a query for the ids that pass it."""
    narrow: list[Select[str]] = []
    if tags := _tags(filters):
        narrow.append(select(pattern_tags.c.pattern_id).where(pattern_tags.c.tag.in_(tags)))
    if filters.min_trust is not None or filters.max_trust is not None:
        lowest, highest = filters.min_trust or 0.0, 1.0 if filters.max_trust is None else filters.max_trust
        narrow.append(select(_OF.id).where(_OF.trust_score.between(lowest, highest)))
    if filters.instrument_name is not None:
        narrow.append(select(_OF.id).where(_instrument(filters, _OF.instrument_name)))
    if filters.quarantine_status is not None:
        narrow.append(select(_OF.id).where(_OF.quarantine_status == filters.quarantine_status))
    return narrow


def _are_few(connection: Connection, ids: Select[str]) -> bool:
    met = select(func.count()).select_from(ids.limit(FEW).subquery())
    return connection.execute(met).scalar_one() < FEW


def _behind(after: Pattern, of: _Columns) -> Predicate:
    """Whether a row ranks behind a pattern, with the pattern's values of when it was read."""
    priority, seen = after.priority_score, to_micros(after.last_seen)
    later = or_(_OF.last_seen < seen, and_(_OF.last_seen == seen, _OF.id > after.id))
    # The first condition follows from the second; it tells an index where to begin.
    return and_(of.priority <= priority, or_(of.priority < priority, later))

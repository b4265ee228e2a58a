"""The question that the store is there for: which patterns deserve attention most (spec section 8), as one query.

Cheap for any filter: a rare property is looked up and what has it is sorted; a common one is met soon on the way down
the ranking, which every type has in an index of its own. Each further index of that kind would be rewritten at every
message.
"""

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, false, func, or_, select

from ostinato.times import to_micros
from store.database.tables import pattern_tags, patterns
from store.reading.records import Pattern

Condition = ColumnElement[bool]
PATTERN_COLUMNS = tuple(patterns.c[each.name] for each in fields(Pattern))
# So many rows are looked up and sorted faster than the ranking is walked for one in fifty.
FEW = 2_000
_LARGEST_LIMIT = 2**63 - 1
_OF = patterns.c


class _Columns(NamedTuple):
    """What is asked of a pattern, as the ranking's indexes have it, or so that no index is chosen for it."""

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
# PostgreSQL knows how common each value is; SQLite does not, and would look up what all have.
_WALKED = {
    "postgresql": _PLAIN,
    "sqlite": _LOOKED_AT._replace(pattern_type=_OF.pattern_type, priority=_OF.priority_score),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which patterns may be among the ranked; see `Store.patterns`. Tags have no order, and none counts twice."""

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
        """Make equal filters of equal questions."""
        object.__setattr__(self, "context_tags", tuple(sorted(set(self.context_tags))))


def bounded(limit: int) -> int:
    """A limit as every database takes it, however large; ValueError for a negative one."""
    if limit < 0:
        raise ValueError(f"limit is {limit}; it must be 0 or more")
    return min(limit, _LARGEST_LIMIT)


def ranked(connection: Connection, filters: Filters, *, limit: int, after: Pattern | None = None) -> Select[Any]:
    """The first patterns that pass, by priority and ``last_seen`` descending, then id; behind ``after``, if given.

    ValueError for a negative limit.
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
    # Where a rare property is looked up, no index but that is of use: no database walks the ranking only to save itself
    # the sorting.
    order = (of.priority.desc(), _OF.last_seen.desc(), _OF.id)
    return select(*PATTERN_COLUMNS).where(*conditions).order_by(*order).limit(limit)


def _conditions(filters: Filters, of: _Columns) -> list[Condition]:
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
    """False where a filter asks for a text that no database can hold: one with a NUL or a lone surrogate."""
    wanted = [[filters.pattern_type], [filters.instrument_name], [filters.quarantine_status], filters.context_tags]
    return all(not texts or any(text is None or _can_be_held(text) for text in texts) for texts in wanted)


def _tags(filters: Filters) -> list[str]:
    return [tag for tag in filters.context_tags if _can_be_held(tag)]


def _can_be_held(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _instrument(filters: Filters, column: ColumnElement[Any]) -> Condition:
    own = column == filters.instrument_name
    return or_(own, column.is_(None)) if filters.include_universal else own


def _narrow(filters: Filters) -> list[Select[str]]:
    """The ids that pass one filter, for each filter that has an index but no ranking of its own."""
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


def _behind(after: Pattern, of: _Columns) -> Condition:
    """Whether a row ranks behind a pattern, as that pattern was when it was read."""
    priority, seen = after.priority_score, to_micros(after.last_seen)
    later = or_(_OF.last_seen < seen, and_(_OF.last_seen == seen, _OF.id > after.id))
    # The first condition follows from the second; it is what an index can begin at.
    return and_(of.priority <= priority, or_(of.priority < priority, later))

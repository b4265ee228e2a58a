"""Patterns as rows: what is loaded of them in a transaction, and written back."""

from dataclasses import fields

from sqlalchemy import Connection, RowMapping, String, bindparam, delete, insert, or_, select, update

from store.pattern import PatternState
from store.tables import aliases, pattern_tags, patterns

_NAMES = tuple(each.name for each in fields(PatternState))
_COLUMNS = tuple(patterns.c[name] for name in _NAMES)
_KEY = bindparam("key", type_=String)
# Built once: building a statement of so many columns costs more than running it.
_BY_ID = select(*_COLUMNS).where(patterns.c.id == _KEY)
_MEANT = select(aliases.c.pattern_id).where(aliases.c.alias == _KEY).scalar_subquery()
_BY_ALIAS = select(*_COLUMNS).where(patterns.c.id == _MEANT)
_BY_ID_OR_ALIAS = (
    select(*_COLUMNS)
    .where(or_(patterns.c.id == _KEY, patterns.c.id == _MEANT))
    .order_by(patterns.c.id != _KEY)
    .limit(1)
)
_BY_CONTENT = (
    select(*_COLUMNS)
    .where(patterns.c.content_hash == _KEY)
    .order_by(patterns.c.priority_score.desc(), patterns.c.id)
    .limit(1)
)
_ADD = insert(patterns)
_ADD_TAG = insert(pattern_tags)


def load(connection: Connection, pattern_id: str) -> PatternState | None:
    """The pattern with this very id."""
    return _state(connection.execute(_BY_ID, {"key": pattern_id}).mappings().one_or_none())


def load_by_alias(connection: Connection, alias: str) -> PatternState | None:
    """The pattern that an alias points to."""
    return _state(connection.execute(_BY_ALIAS, {"key": alias}).mappings().one_or_none())


def load_meant(connection: Connection, key: str) -> PatternState | None:
    """The pattern with this very id, else the one that it points to as an alias."""
    return _state(connection.execute(_BY_ID_OR_ALIAS, {"key": key}).mappings().one_or_none())


def load_by_content(connection: Connection, content_hash: str) -> PatternState | None:
    """The pattern with this content hash; of several, the one with the highest priority, then the lowest id."""
    return _state(connection.execute(_BY_CONTENT, {"key": content_hash}).mappings().one_or_none())


def add(connection: Connection, pattern: PatternState) -> None:
    """Insert a pattern that is not there yet."""
    connection.execute(_ADD, _values(pattern))
    _add_tags(connection, pattern)


def change(connection: Connection, before: PatternState, after: PatternState) -> None:
    """Write what differs between two states of one pattern."""
    old, new = _values(before), _values(after)
    changed = {name: value for name, value in new.items() if value != old[name]}
    if changed:
        connection.execute(update(patterns).where(patterns.c.id == after.id).values(changed))
    if "context_tags" in changed:
        connection.execute(delete(pattern_tags).where(pattern_tags.c.pattern_id == after.id))
        _add_tags(connection, after)


def add_alias(connection: Connection, alias: str, pattern_id: str) -> bool:
    """Remember that an id means a pattern; False if that was known."""
    known = connection.execute(select(aliases.c.alias).where(aliases.c.alias == alias)).one_or_none()
    if known is None:
        connection.execute(insert(aliases).values(alias=alias, pattern_id=pattern_id))
    return known is None


def _add_tags(connection: Connection, pattern: PatternState) -> None:
    if tags := sorted(set(pattern.context_tags or ())):
        connection.execute(_ADD_TAG, [{"pattern_id": pattern.id, "tag": tag} for tag in tags])


def _values(pattern: PatternState) -> dict[str, object]:
    return {name: getattr(pattern, name) for name in _NAMES}


def _state(row: RowMapping | None) -> PatternState | None:
    return None if row is None else PatternState(**{name: row[name] for name in _NAMES})

"""The rows that some events touch: loaded by a few statements, changed in memory, written back by a few."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, Update, bindparam, delete, insert, select, update

from store.database.locks import Held, Locks
from store.database.tables import aliases, applications, pattern_tags, patterns
from store.events import Described, Effect
from store.rules.pattern import PatternState, hash_of
from store.writing.parking import Parking
from store.writing.transaction import Transaction

_NAMES = PatternState._fields
_COLUMNS = tuple(patterns.c[name] for name in _NAMES)
_KEYS: BindParameter[str] = bindparam("keys", expanding=True)
# Built once: to build a statement of this many columns costs more than to run it.
_BY_ID = select(*_COLUMNS).where(patterns.c.id.in_(_KEYS))
_BY_CONTENT = select(*_COLUMNS).where(patterns.c.content_hash.in_(_KEYS))
_BY_ALIAS = select(aliases.c.alias, *_COLUMNS).join_from(aliases, patterns).where(aliases.c.alias.in_(_KEYS))
_ALL = frozenset(_NAMES)
_SEEN = frozenset({"occurrence_count", "first_seen", "last_seen", "last_confirmed", "active"})
_SCORED = frozenset({"effectiveness_score", "priority_score"})
_APPLIED = _SCORED | {
    *("led_to_success_count", "led_to_failure_count", "newest_success", "last_confirmed"),
    *("window", "recent", "grounding"),
}
_NEW = {name: f"new_{name}" for name in _NAMES}


def _changing(names: frozenset[str]) -> Update:
    values = {name: bindparam(_NEW[name], type_=patterns.c[name].type) for name in sorted(names)}
    return update(patterns).where(patterns.c.id == bindparam("key")).values(values)


# Columns that usually change together share a statement, so that a batch takes only a few.
_CHANGE = {names: _changing(names) for names in (_SEEN, _APPLIED, _SEEN | _APPLIED, _ALL - {"id"})}
_ADD, _ADD_TAG, _ADD_ALIAS = insert(patterns), insert(pattern_tags), insert(aliases)
_ADD_APPLICATIONS = insert(applications)
_REMOVE_TAGS = delete(pattern_tags).where(pattern_tags.c.pattern_id == bindparam("key"))


class Work:
    """The rows that some events touch: their patterns, the events parked for those, and applications.

    ``delivery`` is the id of the delivery that is being applied, for the log.
    """

    def __init__(self, transaction: Transaction, events: Sequence[Effect]) -> None:
        self.transaction = transaction
        self.delivery = ""
        self.patterns = PatternRows(transaction.connection, transaction.held, events)
        names = {event.pattern_id for event in events}
        self.parking = Parking(transaction.connection, {each for each in names if self.patterns.meant(each) is None})
        self.applications: list[dict[str, object]] = []

    def write(self) -> None:
        """Write what the events have changed."""
        self.patterns.write()
        if self.applications:
            self.transaction.connection.execute(_ADD_APPLICATIONS, self.applications)
        self.parking.write(self.transaction.now)


class PatternRows:
    """The patterns that some events name, by id, by alias or by content.

    Only ids and contents of those events may be asked for; every answer has the changes made so far.
    """

    def __init__(self, connection: Connection, held: Held, events: Collection[Effect]) -> None:
        self._connection = connection
        self._held = held
        self._stored: dict[str, PatternState] = {}
        self._states: dict[str, PatternState] = {}
        self._aliases: dict[str, str] = {}
        self._new_aliases: list[dict[str, str]] = []
        self._by_content: dict[str, set[str]] = defaultdict(set)
        self._load(events)

    def known(self, pattern_id: str) -> PatternState | None:
        """The pattern with this id."""
        return self._states.get(pattern_id)

    def known_by_alias(self, alias: str) -> PatternState | None:
        """The pattern with this alias."""
        target = self._aliases.get(alias)
        return None if target is None else self._states[target]

    def meant(self, key: str) -> PatternState | None:
        """The pattern with this id, else the one with this alias."""
        return self.known(key) or self.known_by_alias(key)

    def known_by_content(self, content_hash: str) -> PatternState | None:
        """The pattern with this content hash; of several, that with the highest priority, then the lowest id."""
        found = [self._states[each] for each in self._by_content.get(content_hash, ())]
        return min(found, key=_choice, default=None)

    def put(self, pattern: PatternState) -> None:
        """Add a pattern, or change it to this state."""
        before = self._states.get(pattern.id)
        if before is not None:
            self._by_content[before.content_hash].discard(before.id)
        self._states[pattern.id] = pattern
        self._by_content[pattern.content_hash].add(pattern.id)

    def add_alias(self, alias: str, pattern_id: str) -> bool:
        """Add an alias of a pattern; False if it is known already."""
        if alias in self._aliases:
            return False
        self._aliases[alias] = pattern_id
        self._new_aliases.append({"alias": alias, "pattern_id": pattern_id})
        return True

    def write(self) -> None:
        """Write the differences from the loaded rows."""
        changed: dict[frozenset[str], list[PatternState]] = defaultdict(list)
        for pattern, names in self._differences():
            changed[names].append(pattern)
        self._held.require(Locks.of_contents(self._contents_changed()))
        for names, rows in changed.items():
            self._change(names, rows) if names in _CHANGE else self._add(rows)
        if self._new_aliases:
            self._connection.execute(_ADD_ALIAS, self._new_aliases)

    def _contents_changed(self) -> Iterator[str]:
        """The content hashes that patterns have gained or lost."""
        for pattern in self._states.values():
            before = self._stored.get(pattern.id)
            if before is None:
                yield pattern.content_hash
            elif before.content_hash != pattern.content_hash:
                yield from (before.content_hash, pattern.content_hash)

    def _load(self, events: Collection[Effect]) -> None:
        keys = {event.pattern_id for event in events}
        self._take(self._rows(_BY_ID, keys))
        by_alias = self._rows_held(_BY_ALIAS, keys - self._states.keys())
        self._aliases.update({row.alias: row.id for row in by_alias})
        self._take(row[1:] for row in by_alias)
        unknown = (each for each in events if isinstance(each, Described) and self.meant(each.pattern_id) is None)
        contents = {hash_of(each) for each in unknown}
        self._held.add(Locks.of_contents(contents))
        self._take(self._rows_held(_BY_CONTENT, contents))

    def _rows_held(self, chosen: Select[Any], keys: Collection[str]) -> Sequence[Row[Any]]:
        """The rows, read again after their patterns are locked."""
        rows = self._rows(chosen, keys)
        while self._held.add(Locks.of_patterns(row.id for row in rows)):
            rows = self._rows(chosen, keys)
        return rows

    def _rows(self, chosen: Select[Any], keys: Iterable[str]) -> Sequence[Row[Any]]:
        ordered = sorted(keys)
        return self._connection.execute(chosen, {"keys": ordered}).all() if ordered else ()

    def _take(self, rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            state = PatternState(*row)
            if state.id not in self._stored:
                self._stored[state.id] = state
                self.put(state)

    def _differences(self) -> Iterator[tuple[PatternState, frozenset[str]]]:
        """The patterns that differ from their loaded rows, and the columns to write; for a new pattern, all of them."""
        for pattern in self._states.values():
            before = self._stored.get(pattern.id)
            if before is None:
                yield pattern, _ALL
            elif before is not pattern:
                names = {name for name, old, new in zip(_NAMES, before, pattern, strict=True) if old != new}
                if names:
                    yield pattern, next(each for each in _CHANGE if names <= each)

    def _add(self, rows: Sequence[PatternState]) -> None:
        self._connection.execute(_ADD, [{name: getattr(each, name) for name in _NAMES} for each in rows])
        self._add_tags(rows)

    def _change(self, names: frozenset[str], rows: Sequence[PatternState]) -> None:
        values = [{"key": each.id, **{_NEW[name]: getattr(each, name) for name in names}} for each in rows]
        self._connection.execute(_CHANGE[names], values)
        if "context_tags" in names:
            self._connection.execute(_REMOVE_TAGS, [{"key": each.id} for each in rows])
            self._add_tags(rows)

    def _add_tags(self, tagged: Sequence[PatternState]) -> None:
        rows = [{"pattern_id": each.id, "tag": tag} for each in tagged for tag in sorted(set(each.context_tags or ()))]
        if rows:
            self._connection.execute(_ADD_TAG, rows)


def _choice(pattern: PatternState) -> tuple[float, str]:
    return -pattern.priority_score, pattern.id

"""Asking the store (spec section 8): which patterns deserve attention, and how things stand.

Readers see one state of the store each; they never wait for the writer and never block it.
"""

import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import fields
from types import TracebackType
from typing import Any, Self

from sqlalchemy import BigInteger, ColumnElement, Connection, RowMapping, Select, cast, func, select

from ostinato.times import from_micros
from store.database.counters import read_counts
from store.database.engines import file_of, reader_engine, store_url, trouble_is_transient
from store.database.schema import check_revision, require_there
from store.database.tables import aliases, applications, inbox, parked, patterns, quarantine, recalculations
from store.errors import AmbiguousPrefix, NotFound
from store.reading.ranking import PATTERN_COLUMNS, Filters, bounded, ranked
from store.reading.records import Pattern, RecordedApplication, Stats
from store.writing.quarantine import DISCARDED, NEW, REPLAYED

SHORTEST_PREFIX = 6
_TIMES = frozenset({"first_seen", "last_seen", "last_confirmed", "occurred_at", "applied_at"})
_BY_STATE = select(quarantine.c.state, func.count()).group_by(quarantine.c.state)
_APPLICATION = tuple(applications.c[each.name] for each in fields(RecordedApplication))


class Store:
    """A store, for reading. A context manager; safe to share between threads.

    Every call may raise StoreUnavailable (the database does not answer: try again) or StoreOutdated (it has another
    schema than this version: migrate it).
    """

    def __init__(self, url: str) -> None:
        """Take the store at ``url``: ``sqlite:///PATH`` or a PostgreSQL URL; connects at the first question."""
        self._url = store_url(url)
        self._engine = reader_engine(self._url)
        self._current = False
        self._file: tuple[int, int] | None = None

    def patterns(  # noqa: PLR0913 - the filters of the specification
        self,
        *,
        pattern_type: str | None = None,
        min_priority: float = 0.01,
        limit: int = 20,
        context_tags: Iterable[str] = (),
        instrument_name: str | None = None,
        include_universal: bool = True,
        include_inactive: bool = False,
        quarantine_status: str | None = None,
        min_trust: float | None = None,
        max_trust: float | None = None,
        after: Pattern | None = None,
    ) -> list[Pattern]:
        """The patterns that deserve attention most: by priority descending, then ``last_seen`` descending, then id.

        At most ``limit`` of those whose priority is at least ``min_priority`` and that pass every filter given:
        any one of ``context_tags``; seen by ``instrument_name`` or, with ``include_universal``, by none in
        particular; trust between both bounds, inclusive. Soft-deleted ones only with ``include_inactive``. With
        ``after``, the last pattern of one page, the page behind it: by key, so that no page costs more than another.
        ValueError for a negative limit; TypeError for a text where tags are due.
        """
        if isinstance(context_tags, str):
            raise TypeError(f"context_tags is {context_tags!r}; give a list of tags")
        filters = Filters(
            pattern_type=pattern_type,
            min_priority=min_priority,
            context_tags=tuple(context_tags),
            instrument_name=instrument_name,
            include_universal=include_universal,
            include_inactive=include_inactive,
            quarantine_status=quarantine_status,
            min_trust=min_trust,
            max_trust=max_trust,
        )
        with self._reading() as connection:
            rows = connection.execute(ranked(connection, filters, limit=limit, after=after)).mappings()
            return [pattern_of(row) for row in rows]

    def pattern(self, name: str) -> Pattern:
        """The pattern with this id or alias, or whose id or alias alone begins with these 6 or more characters.

        NotFound if there is none, AmbiguousPrefix if there is more than one.
        """
        with self._reading() as connection:
            found = _named(connection, name)
            row = connection.execute(select(*PATTERN_COLUMNS).where(patterns.c.id == found)).mappings().one()
        return pattern_of(row)

    def applications(self, name: str, *, limit: int = 100) -> list[RecordedApplication]:
        """At most ``limit`` of a pattern's applications, newest first by event time.

        NotFound and AmbiguousPrefix as `pattern`; ValueError for a negative limit.
        """
        of, limit = applications.c, bounded(limit)
        with self._reading() as connection:
            chosen = select(*_APPLICATION).where(of.pattern_id == _named(connection, name))
            rows = connection.execute(chosen.order_by(of.occurred_at.desc(), of.id.desc()).limit(limit)).mappings()
            return [RecordedApplication(**_values(row)) for row in rows]

    def stats(self) -> Stats:
        """How things stand."""
        with self._reading() as connection:
            counts = read_counts(connection)
            kept: dict[str, int] = dict(connection.execute(_BY_STATE).all())
            quarantined, discarded = kept.get(NEW, 0), kept.get(DISCARDED, 0)
            last = connection.execute(select(func.max(recalculations.c.finished_at))).scalar()
            return Stats(
                **counts,
                **connection.execute(_summary()).mappings().one(),
                received=_count(connection, select(func.count()).select_from(inbox)) + quarantined + discarded,
                parked=_count(connection, select(func.count()).select_from(parked)),
                quarantined=quarantined,
                discarded=discarded,
                replayed=kept.get(REPLAYED, 0),
                applications=_count(connection, select(func.count()).select_from(applications)),
                last_recalculation=None if last is None else from_micros(last),
            )

    def recalculated(self, message_id: str) -> bool:
        """Whether the recalculation that this message asked for is finished."""
        if not message_id.isprintable():
            # No id has such characters, and databases refuse some of them.
            return False
        of = recalculations.c
        with self._reading() as connection:
            finished = select(func.count()).where(of.message_id == message_id, of.finished_at.is_not(None))
            return bool(_count(connection, finished))

    def arrived(self, message_ids: Sequence[str]) -> set[str]:
        """Which of these messages, at most some thousand, have come to the store: applied, parked or quarantined."""
        ids = [each for each in message_ids if each.isprintable()]
        applied = select(inbox.c.message_id).where(inbox.c.message_id.in_(ids))
        kept = select(quarantine.c.message_id).where(quarantine.c.message_id.in_(ids))
        with self._reading() as connection:
            return {str(each) for each in connection.execute(applied.union(kept)).scalars()}

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @contextmanager
    def _reading(self) -> Generator[Connection]:
        require_there(self._url)
        file = file_of(self._url)
        if file != self._file:
            # Another one is in its place: what the connections still read is no store of anybody's.
            self._engine.dispose()
            self._current, self._file = False, file
        with trouble_is_transient(self._url), self._engine.connect() as connection:
            if not self._current:
                check_revision(connection, self._url)
                self._current = True
            yield connection


def _named(connection: Connection, name: str) -> str:
    if not name.isprintable():
        # No id has such characters, and databases refuse some of them.
        raise NotFound(f"No pattern is called {name!r}.")
    exact = select(patterns.c.id).where(patterns.c.id == name)
    alias = select(aliases.c.pattern_id).where(aliases.c.alias == name)
    found = list(connection.execute(exact.union(alias)).scalars())
    if not found and len(name) >= SHORTEST_PREFIX:
        found = _beginning_with(connection, name)
    if not found:
        raise NotFound(f"No pattern is called {name!r}.")
    if len(found) > 1:
        raise AmbiguousPrefix(f"{name!r} is the beginning of {len(found)} ids or more: {', '.join(sorted(found))}.")
    return str(found[0])


def begins_with(key: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Whether a key, one that is compared by its bytes, begins so."""
    # A range, not LIKE: that is blind to case in one database, and served by no index in the other.
    return key.between(prefix, prefix + chr(sys.maxunicode))


def pattern_of(row: RowMapping) -> Pattern:
    """The pattern that a row of `PATTERN_COLUMNS` holds."""
    return Pattern(**_values(row))


def _beginning_with(connection: Connection, prefix: str) -> list[str]:
    exact = select(patterns.c.id).where(begins_with(patterns.c.id, prefix))
    alias = select(aliases.c.pattern_id).where(begins_with(aliases.c.alias, prefix))
    return list(connection.execute(exact.union(alias).limit(5)).scalars())


def _summary() -> Select[int, int, int, int, int, Any]:
    of = patterns.c
    return select(
        func.count().label("patterns"),
        func.count().filter(of.active).label("patterns_active"),
        func.count().filter(~of.active).label("patterns_deleted"),
        func.count().filter(of.led_to_success_count + of.led_to_failure_count == 0).label("patterns_never_applied"),
        cast(func.coalesce(func.sum(of.occurrence_count), 0), BigInteger).label("sightings"),
        func.avg(of.effectiveness_score).filter(of.active).label("average_effectiveness"),
    )


def _count(connection: Connection, chosen: Select[int]) -> int:
    return int(connection.execute(chosen).scalar_one())


def _values(row: RowMapping) -> dict[str, Any]:
    return {name: from_micros(value) if name in _TIMES else value for name, value in row.items()}

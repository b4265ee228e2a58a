"""The questions that programs ask the store (spec section 8): which patterns deserve attention, and how it is.

Each answer is of one state of the store.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Self

from sqlalchemy import func, select

from store.database.tables import applications, inbox, patterns, quarantine, recalculations
from store.reading import overview
from store.reading.names import id_of
from store.reading.ranking import PATTERN_COLUMNS, Filters, bounded, ranking, values_of
from store.reading.reader import Reader
from store.reading.records import Pattern, RecordedApplication, Stats

_APPLICATION = tuple(applications.c[each.name] for each in fields(RecordedApplication))


class Store:
    """A store, for reading. A context manager; safe to share between threads.

    Every call may raise StoreUnavailable (the database does not answer: try again) or StoreOutdated (it has another
    schema than this version: migrate it).
    """

    def __init__(self, url: str) -> None:
        """Read the store at ``url``: ``sqlite:///PATH`` or a PostgreSQL URL; connects at the first question."""
        self._reader = Reader(url)

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
        with self._reader.reading() as connection:
            return ranking(connection, filters, limit=limit, after=after)

    def pattern(self, name: str) -> Pattern:
        """The pattern with this id or alias, or whose id or alias alone begins with these 6 or more characters.

        NotFound if there is none, AmbiguousPrefix if there is more than one.
        """
        with self._reader.reading() as connection:
            chosen = select(*PATTERN_COLUMNS).where(patterns.c.id == id_of(connection, name))
            return Pattern(**values_of(connection.execute(chosen).mappings().one()))

    def applications(self, name: str, *, limit: int = 100) -> list[RecordedApplication]:
        """At most ``limit`` of a pattern's applications, newest first by event time.

        NotFound and AmbiguousPrefix as `pattern`; ValueError for a negative limit.
        """
        of, limit = applications.c, bounded(limit)
        with self._reader.reading() as connection:
            chosen = select(*_APPLICATION).where(of.pattern_id == id_of(connection, name))
            rows = connection.execute(chosen.order_by(of.occurred_at.desc(), of.id.desc()).limit(limit)).mappings()
            return [RecordedApplication(**values_of(row)) for row in rows]

    def stats(self) -> Stats:
        """The store in numbers."""
        with self._reader.reading() as connection:
            return overview.stats(connection)

    def recalculated(self, message_id: str) -> bool:
        """Whether the recalculation that this message asked for is finished."""
        if not message_id.isprintable():
            # No id has such characters, and databases refuse some of them.
            return False
        of = recalculations.c
        finished = select(func.count()).where(of.message_id == message_id, of.finished_at.is_not(None))
        with self._reader.reading() as connection:
            return bool(connection.execute(finished).scalar_one())

    def arrived(self, message_ids: Sequence[str]) -> set[str]:
        """Which of these messages, at most a few thousand, have come to the store: applied, parked or quarantined."""
        ids = [each for each in message_ids if each.isprintable()]
        applied = select(inbox.c.message_id).where(inbox.c.message_id.in_(ids))
        kept = select(quarantine.c.message_id).where(quarantine.c.message_id.in_(ids))
        with self._reader.reading() as connection:
            return {str(each) for each in connection.execute(applied.union(kept)).scalars()}

    def close(self) -> None:
        """Close every connection."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

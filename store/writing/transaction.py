"""The one transaction: opened, committed and rolled back here and nowhere else."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic

import structlog
from sqlalchemy import Connection, Engine

from ostinato.errors import ConfigurationError
from store.database.counters import add_counts
from store.database.engines import file_of, shown, store_url, trouble_is_transient, writer_engine
from store.database.locks import Held, Locks, turning
from store.database.schema import require_current, require_no_others
from store.errors import StoreUnavailable
from store.writing.committed import Committed, Observer, ignore

_log = structlog.get_logger()


Clock = Callable[[], int]
"""Gives microseconds since 1970 UTC."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that became true with the commit: a log event's name, level and fields."""

    name: str
    level: int
    fields: dict[str, object]


@dataclass(slots=True)
class Transaction:
    """A transaction in progress: its connection and locks, the clock and its one reading ``now``, what it has done."""

    connection: Connection
    held: Held
    clock: Clock
    now: int
    done: Committed
    facts: list[Fact] = field(default_factory=list[Fact])

    @property
    def counts(self) -> Counter[str]:
        """What the commit adds to the store's own counters."""
        return self.done.counts

    def happened(self, name: str, level: int = logging.INFO, **fields: object) -> None:
        """Remember a fact; it is logged after the commit, and never without one."""
        self.facts.append(Fact(name, level, fields))


class Writer:
    """The only way to write to the store. Serial: a second writer, in any process, waits for the first to commit.

    Opens its connection at the first transaction. After StoreUnavailable and StoreOutdated the same call may succeed
    later; after ConfigurationError it never will.
    """

    def __init__(self, url: str, lane: int | None = None, observer: Observer = ignore) -> None:
        """Write to the store at ``url``; in a lane, which needs PostgreSQL, beside the writers of other lanes.

        ``observer`` is told what each committed transaction did, and must not raise.
        """
        self._url = store_url(url)
        self.lane = lane
        self._observer = observer
        if lane is not None and self._url.get_backend_name() != "postgresql":
            raise ConfigurationError(
                "More than one lane needs PostgreSQL: set OSTINATO_STORE_URL, or OSTINATO_LANES=1."
            )
        self._engine: Engine | None = None
        self._pid = 0
        self._file: tuple[int, int] | None = None
        self._opening = Lock()

    def open(self) -> None:
        """Connect now, rather than at the first transaction."""
        with trouble_is_transient(self._url):
            self._opened()

    @contextmanager
    def transaction(self, clock: Clock, locks: Locks | None = None) -> Generator[Transaction]:
        """One transaction, which reads the clock once it holds its locks; commits, or rolls back on any exception.

        With ``locks`` it runs beside others that hold none of these; without, it is alone in the store.
        """
        asked = monotonic()
        with (
            trouble_is_transient(self._url),
            self._opened().connect() as connection,
            turning(connection, locks).begin(),
        ):
            now = clock()
            transaction = Transaction(connection, Held(connection, locks), clock, now, Committed(now))
            yield transaction
            add_counts(connection, transaction.counts, self.lane or 0)
        for fact in transaction.facts:
            _log.log(fact.level, fact.name, **fact.fields)
        transaction.done.seconds = monotonic() - asked
        self._observer(transaction.done)

    def close(self) -> None:
        """Close the connection; the next transaction opens another."""
        if self._engine is not None:
            self._engine.dispose(close=self._pid == os.getpid())
            self._engine = None

    def _opened(self) -> Engine:
        with self._opening:
            if self._pid != os.getpid():
                # A connection that came through a fork belongs to the parent.
                self.close()
            if self._engine is not None:
                self._leave_another_file()
            if self._engine is None:
                require_no_others(self._url)
                engine = writer_engine(self._url)
                try:
                    require_current(engine)
                except BaseException:
                    engine.dispose()
                    raise
                self._engine, self._pid, self._file = engine, os.getpid(), file_of(self._url)
            return self._engine

    def _leave_another_file(self) -> None:
        """Close the connection to a file that was moved or deleted, so that the file now in its place is opened."""
        file = file_of(self._url)
        if file == self._file:
            return
        if file is None:
            # A new file would be in the way of the one that is put back.
            raise StoreUnavailable(f"The store at {shown(self._url)} is gone: put it back, or run `ostinato migrate`.")
        self.close()

"""A producer's outbox: an SQLite file in which messages wait for the broker, and stay for a time after it has them.

One process at a time owns a file (`folder`); its threads share one connection behind a lock. A message is in the
file when `add` returns: no end of the process can undo that; with ``fsync``, no loss of power either.
"""

import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple

from typing_extensions import override

from ostinato.errors import OutboxFull, OutboxUnavailable
from ostinato.outbox.forking import Open, changing
from ostinato.sqlite_driver import sqlite_driver

_SCHEMA = 1
_TABLES = """
CREATE TABLE message (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, at REAL NOT NULL
);
CREATE TABLE forwarded (upto INTEGER PRIMARY KEY, at REAL NOT NULL, broker TEXT);
"""
# If no message is left, the last mark says which place was the last, so that the next message gets a later one.
_LAST = "SELECT max(coalesce((SELECT max(seq) FROM message), 0), coalesce((SELECT max(upto) FROM forwarded), 0))"
_UPTO = """
SELECT max(coalesce((SELECT max(upto) FROM forwarded), 0), coalesce((SELECT min(seq) - 1 FROM message), ?))
"""
# Compared with the last mark's time, which need not be the latest time: the clock may have been set back.
_TAKE_BACK = "DELETE FROM forwarded WHERE at > (SELECT at FROM forwarded ORDER BY upto DESC LIMIT 1) - ?"
# The next place comes from the file: an exception from a signal's handler may have kept this process from learning it.
_ADDED = """
INSERT INTO message SELECT max(?, coalesce((SELECT max(seq) FROM message), 0)) + 1, ?, ?, ?, ?
"""
# How many messages one statement clears away: few, because a caller may wait for it, and fewer if a caller does.
_CLEARED_AT_ONCE = 500
_CLEARED_FOR_ONE = 16
# A log of more bytes is moved into the file in the background; one of more pages even while a caller waits.
_LONGEST_LOG = 1 << 20
_LONGEST_LOG_PAGES = 4096
_BUSY_SECONDS = 5.0


class Entry(NamedTuple):
    """A message in an outbox: its place there, its id and kind, and its JSON text."""

    seq: int
    id: str
    kind: str
    text: str


class Outbox(Open):
    """One file. Every call may raise OutboxUnavailable: the file cannot be read or written."""

    def __init__(self, path: Path, *, fsync: bool = False) -> None:
        self._path = path
        self._lock = RLock()
        with changing, _trouble(path):
            # SQLite gives its log the same permissions.
            path.touch(mode=0o600)
            driver = sqlite_driver()
            self._connection: Any = driver.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._prepare(fsync=fsync)
            self._page_size = int(self._value("PRAGMA page_size"))
            self._last = int(self._value(_LAST))
            self._upto = int(self._value(_UPTO, (self._last,)))
            self._broker: str | None = self._value("SELECT (SELECT broker FROM forwarded ORDER BY upto DESC LIMIT 1)")
            self.opened()

    @property
    def last(self) -> int:
        """The place of the message that was added last; 0 if there was none."""
        return self._last

    @property
    def upto(self) -> int:
        """The place of the last message that the broker has; 0 if there is none."""
        return self._upto

    @property
    def waiting(self) -> int:
        """How many messages the broker does not have yet."""
        return self._last - self._upto

    def add(self, message_id: str, kind: str, text: str, *, limit: int) -> None:
        """Keep a message until the broker has it; OutboxFull if the file would exceed ``limit`` bytes.

        To make room, messages that the broker has are deleted first.
        """
        with self._lock, _trouble(self._path):
            self._make_room(len(text.encode()), limit)
            row = (self._last, message_id, kind, text, time.time())
            self._last = int(self._connection.execute(_ADDED, row).lastrowid)

    def first(self, choose: Callable[[Iterable[Entry]], list[Entry]]) -> list[Entry]:
        """What ``choose`` takes of the messages that the broker does not have yet, in the order of adding."""
        chosen = "SELECT seq, id, kind, text FROM message WHERE seq > ? ORDER BY seq"
        with self._lock, _trouble(self._path), closing(self._connection.execute(chosen, (self._upto,))) as rows:
            return choose(Entry(*row) for row in rows)

    def oldest(self) -> float | None:
        """When the message was added that has waited for the longest, in seconds since 1970; None if none waits."""
        first = "SELECT (SELECT at FROM message WHERE seq > ? ORDER BY seq LIMIT 1)"
        with self._lock, _trouble(self._path):
            oldest: float | None = self._value(first, (self._upto,))
        return oldest

    def forwarded(self, upto: int, broker: str | None) -> None:
        """Note that the broker has every message up to this place, and which run of the broker took them, if known.

        If the file cannot be written, this process still knows it, and does not send the messages over and over.
        """
        with self._lock, _trouble(self._path):
            self._upto, self._last, self._broker = upto, max(self._last, upto), broker
            self._connection.execute("INSERT INTO forwarded VALUES (?, ?, ?)", (upto, time.time(), broker))

    def meets(self, broker: str | None, lost: float) -> int:
        """If the broker was restarted, take back what was noted in the last ``lost`` seconds before that.

        Returns how many messages wait again; 0 if it is the same run of the broker, or a run is not known.
        """
        with self._lock, _trouble(self._path):
            before, known = self._upto, self._broker
            if broker is None or broker == known:
                return 0
            if known is not None:
                self._connection.execute(_TAKE_BACK, (lost,))
                self._upto = int(self._value(_UPTO, (self._last,)))
            self._broker = broker
            return before - self._upto

    def tidy(self, keep: float) -> None:
        """Clear away some of what the broker has had for ``keep`` seconds, and shorten the log."""
        with self._lock, _trouble(self._path):
            # Only among the first marks: there may be one for each message of a whole day.
            chosen = "SELECT max(upto) FROM (SELECT * FROM forwarded ORDER BY upto LIMIT ?) WHERE at <= ?"
            upto = self._value(chosen, (_CLEARED_AT_ONCE, time.time() - keep))
            if upto is not None:
                self._clear(upto, _CLEARED_AT_ONCE)
            if self._log_size() > _LONGEST_LOG:
                self._shorten_log()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
        self.closed()

    @override
    def before_fork(self) -> None:
        self._lock.acquire()

    @override
    def after_fork_in_parent(self) -> None:
        self._lock.release()

    def _prepare(self, *, fsync: bool) -> None:
        schema = self._value("PRAGMA user_version")
        check_schema(self._path, schema)
        # Auto-vacuum has to be chosen before the first table: without it the file would never shrink.
        for pragma in (
            "auto_vacuum=FULL",
            "journal_mode=WAL",
            f"synchronous={'FULL' if fsync else 'NORMAL'}",
            f"wal_autocheckpoint={_LONGEST_LOG_PAGES}",
        ):
            self._connection.execute(f"PRAGMA {pragma}")
        if schema == 0:
            self._connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version={_SCHEMA}; COMMIT;")

    def _shorten_log(self) -> None:
        # Not while another process reads the file: a caller may be waiting for the lock.
        self._connection.execute("PRAGMA busy_timeout=0")
        try:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._connection.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000:.0f}")

    def _make_room(self, size: int, limit: int) -> None:
        while self._size() + size > limit:
            if not self._clear(self._upto, _CLEARED_FOR_ONE):
                raise OutboxFull(
                    f"The outbox {self._path} is full: {self.waiting} messages, {self._size()} of {limit} bytes, wait "
                    "for the broker. Start it, or give the outbox more room by OSTINATO_OUTBOX_BYTES."
                )

    def _clear(self, upto: int, most: int) -> int:
        """Delete some of the messages up to a place, the oldest first; returns how many."""
        chosen = "DELETE FROM message WHERE seq IN (SELECT seq FROM message WHERE seq <= ? ORDER BY seq LIMIT ?)"
        cleared = int(self._connection.execute(chosen, (upto, most)).rowcount)
        # The last mark stays, see _LAST.
        gone = "DELETE FROM forwarded WHERE upto < min(?, (SELECT coalesce(min(seq), ?) FROM message))"
        self._connection.execute(gone, (self._upto, self._upto))
        return cleared

    def _size(self) -> int:
        return int(self._value("PRAGMA page_count")) * self._page_size

    def _log_size(self) -> int:
        log = self._path.with_name(f"{self._path.name}-wal")
        return log.stat().st_size if log.exists() else 0

    def _value(self, statement: str, parameters: tuple[object, ...] = ()) -> Any:  # noqa: ANN401 - whatever SQLite has
        return self._connection.execute(statement, parameters).fetchone()[0]


def check_schema(path: Path, schema: int) -> None:
    """OutboxUnavailable if this version does not know a file's ``user_version``."""
    if schema not in {0, _SCHEMA}:
        raise OutboxUnavailable(f"The outbox {path} was made by a later version: use that one.")


@contextmanager
def _trouble(path: Path) -> Generator[None]:
    try:
        yield
    except (sqlite_driver().Error, OSError) as error:
        raise OutboxUnavailable(f"The outbox {path} cannot be used: {error}.") from error

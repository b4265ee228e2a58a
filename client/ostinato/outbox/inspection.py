"""Reading the outboxes of running processes from outside; nothing is written."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from ostinato.errors import OutboxUnavailable
from ostinato.outbox.file import Entry, check_schema
from ostinato.outbox.folder import owner, paths
from ostinato.sqlite_driver import sqlite_driver

_PAGE = 500
# Counted from the first and the last place, between which every place has a message: no file is read as a whole.
_STATE = """
SELECT coalesce(max(0, last - max(upto, first - 1)), 0),
    (SELECT at FROM message WHERE seq > upto ORDER BY seq LIMIT 1),
    coalesce(max(0, min(upto, last) - first + 1), 0)
FROM (SELECT (SELECT min(seq) FROM message) AS first, (SELECT max(seq) FROM message) AS last,
    (SELECT coalesce(max(upto), 0) FROM forwarded) AS upto)
"""
_FORWARDED = """
SELECT seq, id, kind, text FROM message
WHERE seq > ? AND seq <= min(?, (SELECT max(upto) FROM forwarded)) ORDER BY seq LIMIT ?
"""


class Contents(NamedTuple):
    """What is in one file: how many messages wait for the broker, since when, and how many are kept that it has.

    ``problem`` says why the file cannot be read.
    """

    waiting: int
    oldest: datetime | None
    kept: int
    problem: str | None = None


class OutboxState(NamedTuple):
    """One file: its size in bytes, what is in it, and the process that owns it; None if that has ended."""

    path: Path
    process: int | None
    size: int
    contents: Contents


def states(folder: Path) -> list[OutboxState]:
    """The state of each outbox of a folder, also of those that cannot be read."""
    return [OutboxState(path, owner(path), path.stat().st_size, _contents(path)) for path in paths(folder)]


def contents(folder: Path) -> list[Contents]:
    """What is in the outboxes of a folder, also in those that cannot be read.

    It takes no file's lock, as `states` does for a moment, so it may be called often.
    """
    return [_contents(path) for path in paths(folder)]


def waiting(folder: Path) -> int:
    """How many messages of a folder's outboxes wait for the broker, without those that cannot be read.

    It takes no file's lock.
    """
    return sum(each.waiting for each in contents(folder))


def forwarded(path: Path, upto: int) -> Iterator[list[Entry]]:
    """The messages that the broker took and the file still has, up to a place, in their order, 500 at a time.

    OutboxUnavailable.
    """
    seq = 0
    while entries := [Entry(*row) for row in _rows(path, _FORWARDED, (seq, upto, _PAGE))]:
        yield entries
        seq = entries[-1].seq


def last_forwarded(path: Path) -> int:
    """The place of the last message that the broker took; 0 if there is none. OutboxUnavailable."""
    rows = _rows(path, "SELECT coalesce(max(upto), 0) FROM forwarded")
    return int(rows[0][0]) if rows else 0


def _contents(path: Path) -> Contents:
    try:
        rows = _rows(path, _STATE)
    except OutboxUnavailable as error:
        return Contents(0, None, 0, str(error))
    waiting, oldest, kept = rows[0] if rows else (0, None, 0)
    return Contents(waiting, None if oldest is None else datetime.fromtimestamp(oldest, UTC), kept)


def _rows(path: Path, statement: str, parameters: tuple[int, ...] = ()) -> list[tuple[Any, ...]]:
    """What a file answers; nothing before its process has made the tables."""
    driver = sqlite_driver()
    try:
        with closing(driver.connect(path, timeout=5, isolation_level=None)) as connection:
            connection.execute("PRAGMA query_only=ON")
            (schema,) = connection.execute("PRAGMA user_version").fetchone()
            check_schema(path, schema)
            rows: list[tuple[Any, ...]] = connection.execute(statement, parameters).fetchall() if schema else []
    except (driver.Error, OSError) as error:
        raise OutboxUnavailable(f"The outbox {path} cannot be read: {error}.") from error
    return rows

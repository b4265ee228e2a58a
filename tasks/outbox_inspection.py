"""Looking into outboxes from outside, while their processes go on; nothing is written."""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from store.errors import OutboxUnavailable
from store.sqlite import sqlite_driver
from tasks.outbox import Entry, check_schema
from tasks.outboxes import owner, paths

_PAGE = 500
_STATE = """
WITH reached AS (SELECT coalesce(max(upto), 0) AS upto FROM forwarded)
SELECT count(*) FILTER (WHERE seq > upto), min(at) FILTER (WHERE seq > upto), count(*) FILTER (WHERE seq <= upto)
FROM message, reached
"""
_FORWARDED = """
SELECT seq, id, kind, text FROM message
WHERE seq > ? AND seq <= (SELECT max(upto) FROM forwarded) ORDER BY seq LIMIT ?
"""


class OutboxState(NamedTuple):
    """One file: how much waits for the broker and since when, how much is kept that it has, and who owns the file.

    ``size`` is in bytes; ``process`` None if the process has ended; ``problem`` says why the file cannot be read.
    """

    path: Path
    process: int | None
    waiting: int
    oldest: datetime | None
    kept: int
    size: int
    problem: str | None = None


def states(folder: Path) -> list[OutboxState]:
    """How the outboxes of a folder stand, also those that cannot be read."""
    return [_state(path) for path in paths(folder)]


def forwarded(path: Path) -> Iterator[list[Entry]]:
    """What is kept of the messages that the broker took, in the order of recording, some hundred at a time.

    OutboxUnavailable.
    """
    seq = 0
    while entries := _page(path, seq):
        yield entries
        seq = entries[-1].seq


def last_forwarded(path: Path) -> int:
    """The place of the last message that the broker took; 0 where there is none. OutboxUnavailable."""
    with _reading(path) as connection:
        if not _has_tables(connection):
            return 0
        return int(connection.execute("SELECT coalesce(max(upto), 0) FROM forwarded").fetchone()[0])


def _page(path: Path, after: int) -> list[Entry]:
    with _reading(path) as connection:
        if not _has_tables(connection):
            return []
        return [Entry(*row) for row in connection.execute(_FORWARDED, (after, _PAGE))]


def _has_tables(connection: Any) -> bool:  # noqa: ANN401 - whichever SQLite it is
    return bool(connection.execute("PRAGMA user_version").fetchone()[0])


def _state(path: Path) -> OutboxState:
    waiting, oldest, kept, problem = 0, None, 0, None
    try:
        with _reading(path) as connection:
            if _has_tables(connection):
                waiting, oldest, kept = connection.execute(_STATE).fetchone()
    except OutboxUnavailable as error:
        problem = str(error)
    since = None if oldest is None else datetime.fromtimestamp(oldest, UTC)
    return OutboxState(path, owner(path), waiting, since, kept, path.stat().st_size, problem)


@contextmanager
def _reading(path: Path) -> Generator[Any]:
    driver = sqlite_driver()
    try:
        with closing(driver.connect(path, timeout=5, isolation_level=None)) as connection:
            connection.execute("PRAGMA query_only=ON")
            check_schema(path, connection.execute("PRAGMA user_version").fetchone()[0])
            yield connection
    except (driver.Error, OSError) as error:
        raise OutboxUnavailable(f"The outbox {path} cannot be read: {error}.") from error

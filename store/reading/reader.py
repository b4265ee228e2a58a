"""Connections for questions to the store. Reading never waits for the writer and never blocks it."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Self

from sqlalchemy import Connection

from store.database.engines import file_of, reader_engine, store_url, trouble_is_transient
from store.database.schema import check_revision, require_there


class Reader:
    """Reads a store. A context manager; safe to share between threads."""

    def __init__(self, url: str) -> None:
        """Read the store at ``url``: ``sqlite:///PATH`` or a PostgreSQL URL; connects at the first `reading`."""
        self._url = store_url(url)
        self._engine = reader_engine(self._url)
        self._current = False
        self._file: tuple[int, int] | None = None

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """A connection that cannot write and sees a snapshot: every query sees the state that the first one saw.

        Use it in one thread, and for a short time: meanwhile the database keeps what others replace.
        StoreUnavailable if the database does not answer, StoreOutdated if its schema is another version's.
        """
        require_there(self._url)
        file = file_of(self._url)
        if file != self._file:
            # The open connections read the file that was replaced, which is not the store any more.
            self._engine.dispose()
            self._current, self._file = False, file
        with trouble_is_transient(self._url), self._engine.connect() as connection:
            if not self._current:
                check_revision(connection, self._url)
                self._current = True
            yield connection

    def close(self) -> None:
        """Close every connection; the next `reading` opens another."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

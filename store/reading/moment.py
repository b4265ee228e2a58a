"""Several questions to a store, all answered by what it was at one moment."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager

from sqlalchemy import Connection
from typing_extensions import override

from store.database.engines import trouble_is_transient
from store.reading.store import Store


class Moment(Store):
    """A store, for reading, as it is at the first question, until it is closed; whoever writes is not held up.

    For one thread, and for as short as can be: meanwhile the database keeps what others replace.
    """

    def __init__(self, url: str) -> None:
        """Take the store at ``url``, as `Store` does."""
        super().__init__(url)
        self._held = ExitStack()
        self._connection: Connection | None = None

    @override
    def close(self) -> None:
        """Let go of that moment, and close every connection."""
        self._held.close()
        self._connection = None
        super().close()

    @override
    @contextmanager
    def _reading(self) -> Generator[Connection]:
        if self._connection is None:
            self._connection = self._held.enter_context(super()._reading())
        with trouble_is_transient(self._url):
            yield self._connection

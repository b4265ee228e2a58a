"""The history: every message that was applied, in the order of application, as the inbox keeps it."""

from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, LargeBinary, cast, func, select, update

from store.database.locks import take_turn
from store.database.tables import aliases, inbox
from store.reading.store import Store
from store.writing.transaction import Clock, Writer

PAGE = 1_000
# What one transaction may prune: a few milliseconds, for many short messages as for a few long ones.
PRUNED_AT_ONCE = 500
PRUNED_BYTES_AT_ONCE = 1_000_000


class Recorded(NamedTuple):
    """One message as it was applied.

    ``seq`` is its place in the order of application, ``applied_at`` the worker's clock of then in microseconds,
    ``content`` the message's canonical JSON, None once it was pruned.
    """

    seq: int
    message_id: str
    kind: str
    applied_at: int
    content: str | None


class Extent(NamedTuple):
    """How many messages were applied, how many of those are without content, and the place of the last one."""

    messages: int
    pruned: int
    last: int


class Prunable(NamedTuple):
    """A message whose content can go: its place, and the bytes of its content."""

    seq: int
    size: int


class History(Store):
    """A store, for reading, together with the messages that made it what it is.

    History only grows: up to a given place it is the same whenever it is read, except that contents may be pruned. So
    it is read in pages, each in a short transaction, however long the reader takes over them. Which place that may be
    is asked while nobody writes: in lanes, a message may have a later place than one that is not committed yet.
    """

    def extent(self) -> Extent:
        """How far the history reaches now."""
        of = inbox.c
        with self._while_nobody_writes(), self._reading() as connection:
            last = last_place(connection)
        counts = select(func.count(), func.count().filter(of.content.is_(None))).where(of.seq <= last)
        with self._reading() as connection:
            messages, pruned = connection.execute(counts).one()
        return Extent(messages, pruned, last)

    def pages(self, *, after: int = 0, upto: int) -> Iterator[Sequence[Recorded]]:
        """The messages with ``after < seq <= upto``, in order, in lists of at most `PAGE`."""
        of = inbox.c
        columns = (of.seq, of.message_id, of.kind, of.applied_at, of.content)
        while True:
            chosen = select(*columns).where(of.seq > after, of.seq <= upto).order_by(of.seq).limit(PAGE)
            with self._reading() as connection:
                page = [Recorded(*row) for row in connection.execute(chosen)]
            if not page:
                return
            yield page
            after = page[-1].seq

    def meant_by(self, ids: Collection[str]) -> dict[str, str]:
        """Those of the ids that are aliases, each with the id of the pattern that it means."""
        with self._reading() as connection:
            chosen = select(aliases.c.alias, aliases.c.pattern_id).where(aliases.c.alias.in_(ids))
            return dict(connection.execute(chosen).all())

    @contextmanager
    def snapshot(self) -> Generator[Connection]:
        """A connection that sees the store as it was at this moment, whatever is written meanwhile."""
        with ExitStack() as opened:
            with self._while_nobody_writes():
                connection = opened.enter_context(self._reading())
                last_place(connection)
            yield connection

    @contextmanager
    def _while_nobody_writes(self) -> Generator[None]:
        """Wait until every transaction is committed that has begun, and let none begin."""
        with self._reading() as connection:
            if connection.dialect.name == "postgresql":
                take_turn(connection)
            yield

    def prunable(self, before: int) -> Iterator[Sequence[Prunable]]:
        """The messages applied before a moment whose content is still there, in lists fit for one `prune_contents`."""
        of, after = inbox.c, 0
        while True:
            with self._reading() as connection:
                rows = connection.execute(
                    select(of.seq, _bytes_of_content(connection))
                    .where(of.seq > after, of.applied_at < before, of.content.is_not(None))
                    .order_by(of.seq)
                    .limit(PRUNED_AT_ONCE)
                )
                found = [Prunable(*row) for row in rows]
            if not found:
                return
            yield from _bounded(found)
            after = found[-1].seq


def last_place(connection: Connection) -> int:
    """The place of the last message that this connection sees; 0 if there is none."""
    return int(connection.execute(select(func.coalesce(func.max(inbox.c.seq), 0))).scalar_one())


def prune_contents(writer: Writer, clock: Clock, chosen: Sequence[Prunable]) -> None:
    """Drop the contents of these messages, in one transaction; their ids and hashes stay, so duplicates stay known."""
    places = [each.seq for each in chosen]
    with writer.transaction(clock) as transaction:
        transaction.connection.execute(update(inbox).where(inbox.c.seq.in_(places)).values(content=None))


def _bytes_of_content(connection: Connection) -> ColumnElement[int]:
    if connection.dialect.name == "sqlite":
        return func.length(cast(inbox.c.content, LargeBinary))
    return func.octet_length(inbox.c.content)


def _bounded(found: Sequence[Prunable]) -> Iterator[Sequence[Prunable]]:
    """The same messages, in lists of about `PRUNED_BYTES_AT_ONCE`."""
    begin, size = 0, 0
    for end, each in enumerate(found, start=1):
        size += each.size
        if size >= PRUNED_BYTES_AT_ONCE or end == len(found):
            yield found[begin:end]
            begin, size = end, 0

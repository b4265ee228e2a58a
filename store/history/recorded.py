"""The history: every message that was applied, in the order of application, as the inbox keeps it.

The history only grows: up to a given place it is the same whenever it is read, except that contents may be pruned. So
it is read in pages, each in a short transaction, however slowly the reader works through them. Up to which place to
read is asked while no transaction writes: in lanes, a message may have a later place than one that is not committed
yet.
"""

from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from store.database.locks import take_turn
from store.database.tables import aliases, inbox
from store.reading.reader import Reader

PAGE = 1_000


class Recorded(NamedTuple):
    """One message as it was applied.

    ``seq`` is its place in the order of application, ``applied_at`` the worker's clock at that time in microseconds,
    ``content`` the message's canonical JSON, None once it was pruned.
    """

    seq: int
    message_id: str
    kind: str
    applied_at: int
    content: str | None


class Extent(NamedTuple):
    """The number of applied messages, how many of those are without content, and the place of the last one."""

    messages: int
    pruned: int
    last: int


def extent(reader: Reader) -> Extent:
    """How far the history reaches now."""
    counts = select(func.count(), func.count().filter(inbox.c.content.is_(None)))
    with snapshot(reader) as connection:
        messages, pruned = connection.execute(counts).one()
        return Extent(messages, pruned, last_place(connection))


def pages(reader: Reader, *, after: int = 0, upto: int) -> Iterator[Sequence[Recorded]]:
    """The messages with ``after < seq <= upto``, in order, in lists of at most `PAGE`."""
    of = inbox.c
    columns = (of.seq, of.message_id, of.kind, of.applied_at, of.content)
    while True:
        chosen = select(*columns).where(of.seq > after, of.seq <= upto).order_by(of.seq).limit(PAGE)
        with reader.reading() as connection:
            page = [Recorded(*row) for row in connection.execute(chosen)]
        if not page:
            return
        yield page
        after = page[-1].seq


def meant_by(reader: Reader, ids: Collection[str]) -> dict[str, str]:
    """Those of the ids that are aliases, each with the id of the pattern that it means."""
    chosen = select(aliases.c.alias, aliases.c.pattern_id).where(aliases.c.alias.in_(ids))
    with reader.reading() as connection:
        return dict(connection.execute(chosen).all())


@contextmanager
def snapshot(reader: Reader) -> Generator[Connection]:
    """A connection that sees the store as it is now, with every message up to its `last_place`."""
    with ExitStack() as opened:
        with reader.reading() as waiting:
            if waiting.dialect.name == "postgresql":
                # Waits until every transaction that writes is committed; no other begins during this block.
                take_turn(waiting)
            connection = opened.enter_context(reader.reading())
            # A connection sees the state of its first query.
            last_place(connection)
        yield connection


def last_place(connection: Connection) -> int:
    """The place of the last message that this connection sees; 0 if there is none."""
    return int(connection.execute(select(func.coalesce(func.max(inbox.c.seq), 0))).scalar_one())

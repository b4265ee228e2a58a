"""Pruning the history: dropping the contents of messages that were applied long ago, to bound the store's size."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, LargeBinary, cast, func, select, update

from store.database.tables import inbox
from store.reading.reader import Reader
from store.writing.transaction import Clock, Writer

# What one transaction may prune: a few milliseconds of work, for many short messages as for a few long ones.
PRUNED_AT_ONCE = 500
PRUNED_BYTES_AT_ONCE = 1_000_000


class Prunable(NamedTuple):
    """A message whose content can be dropped: its place in the history, and the bytes of its content."""

    seq: int
    size: int


def prunable(reader: Reader, before: int) -> Iterator[Sequence[Prunable]]:
    """The messages applied before a moment that still have their content, in lists fit for one `prune_contents`."""
    of, after = inbox.c, 0
    while True:
        with reader.reading() as connection:
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


def prune_contents(writer: Writer, clock: Clock, chosen: Sequence[Prunable]) -> None:
    """Drop the contents of these messages in one transaction; ids and hashes stay, so duplicates are still known."""
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

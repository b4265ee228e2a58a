"""Rebuilding a store: every message that one store has applied is applied again, to an empty one."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from ostinato.messages import wire
from ostinato.messages.models import RecalculateAllPatternPriorities
from store.errors import HistoryPruned
from store.events import Effect, Recalculation, Sighting
from store.history.comparison import Difference, differences
from store.history.rebuilding import apply_again, require_empty, settle
from store.history.recorded import Recorded, extent, last_place, meant_by, pages, snapshot
from store.reading.reader import Reader
from store.writing.transaction import Writer
from tasks.events import effect, recalculation
from worker.clock import now

Show = Callable[[Iterator[int], int], None]
"""Takes all counts of an iterator, and shows how far they have come; the second argument is their sum."""


def rebuild(reader: Reader, url: str, show: Show, *, verify: bool) -> list[Difference]:
    """Apply the whole history to the empty store at ``url``.

    With ``verify``, the differences of the two stores; else none. ConfigurationError if the store at ``url`` is not
    empty, and the errors of `apply_history`.
    """
    with closing(Writer(url)) as writer:
        writer.open()
        require_empty(url)
        upto = extent(reader).last
        show(apply_history(reader, writer, after=0, upto=upto), upto)
        # Few messages came meanwhile, so the snapshot, which keeps old pages alive, need not last long.
        with snapshot(reader) as live:
            last = last_place(live)
            show(apply_history(reader, writer, after=upto, upto=last), last - upto)
            with writer.transaction(now) as transaction:
                settle(transaction)
                return list(differences(live, transaction.connection, transaction.now)) if verify else []


def apply_history(reader: Reader, writer: Writer, *, after: int, upto: int) -> Iterator[int]:
    """Apply the messages with ``after < seq <= upto``, a page in a transaction; yield how many each page had.

    Each message is applied at the clock reading of its first application. HistoryPruned at a message without content,
    MalformedMessage at one that this version would not have applied.
    """
    for page in pages(reader, after=after, upto=upto):
        events = [_event(each) for each in page]
        meant = meant_by(reader, [each.pattern_id for each in events if isinstance(each, Sighting)])
        _apply_page(writer, page, events, meant)
        yield len(page)


def _apply_page(
    writer: Writer, page: Sequence[Recorded], events: Sequence[Effect | Recalculation], meant: dict[str, str]
) -> None:
    with writer.transaction(lambda: page[-1].applied_at) as transaction:
        for recorded, event in zip(page, events, strict=True):
            transaction.now = recorded.applied_at
            apply_again(transaction, event, meant.get(event.pattern_id) if isinstance(event, Sighting) else None)


def _event(recorded: Recorded) -> Effect | Recalculation:
    if recorded.content is None:
        raise HistoryPruned(f"The message {recorded.message_id} was pruned: what it did cannot be done again.")
    message = wire.read_recorded(recorded.content)
    return recalculation(message) if isinstance(message, RecalculateAllPatternPriorities) else effect(message)

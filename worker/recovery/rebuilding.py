"""Replaying a history: every message that one store has applied, applied to another, fresh one."""

from collections.abc import Iterator, Sequence

from ostinato.messages import wire
from ostinato.messages.models import RecalculateAllPatternPriorities
from store.errors import HistoryPruned
from store.events import Effect, Recalculation, Sighting
from store.history.rebuilding import apply_again
from store.history.recorded import Recorded, meant_by, pages
from store.reading.reader import Reader
from store.writing.transaction import Writer
from tasks.events import effect, recalculation


def replay(reader: Reader, writer: Writer, *, after: int, upto: int) -> Iterator[int]:
    """Apply the messages with ``after < seq <= upto``, a page in a transaction; yields how many each had.

    Each is applied at the clock reading of its first application. HistoryPruned at a message without content,
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

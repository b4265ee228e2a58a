"""Making a store anew from what another has applied: each message once more, at the clock reading of then."""

from sqlalchemy import Connection, case, select, true, update

from ostinato.errors import ConfigurationError
from store.database.tables import aliases, patterns
from store.errors import HistoryPruned
from store.events import Effect, Recalculation, Sighting
from store.reading.store import Store
from store.rules.pattern import hash_of
from store.writing.applying import apply
from store.writing.inbox import receive
from store.writing.recalculation import begin, rescoring
from store.writing.transaction import Transaction

_REBUILD = "rebuild"


def require_empty(url: str) -> None:
    """ConfigurationError if the store at ``url`` holds anything already."""
    with Store(url) as store:
        stats = store.stats()
    if stats.received or stats.replayed or stats.patterns:
        raise ConfigurationError("The store to rebuild into is not empty: name one that is not there yet.")


def require_whole(pruned: int) -> None:
    """HistoryPruned if any message is without its content."""
    if pruned:
        raise HistoryPruned(f"{pruned} messages of the history were pruned: the store cannot be made again from it.")


def apply_again(transaction: Transaction, event: Effect | Recalculation, meant: str | None) -> None:
    """Give a recorded message its effect in a store that has had those of all messages before it, and no others.

    ``meant`` is the pattern that the recording store has for the id of a sighting, if that is an alias there. A
    recalculation only leaves its mark: the scores are `settle`'s.
    """
    if isinstance(event, Recalculation):
        receive(transaction.connection, [event], transaction.now)
        begin(transaction, event, finished_at=transaction.now)
        return
    if isinstance(event, Sighting) and meant is not None:
        _choose_as_recorded(transaction.connection, event, meant)
    apply(transaction, [event], task=_REBUILD, delivery=event.id)


def settle(transaction: Transaction) -> None:
    """Recompute every pattern's scores at the transaction's clock reading."""
    transaction.connection.execute(rescoring(transaction.now, true()))


def _choose_as_recorded(connection: Connection, event: Sighting, recorded: str) -> None:
    """Have a sighting that may merge into one of several patterns merge into the recorded one.

    Of several patterns with one content hash, a sighting merges into that with the highest priority. Priorities of
    then cannot be made again: parts of a recalculation may have stood between any two messages. What was decided can:
    the alias says it. It counts only if that pattern is among the possible ones.
    """
    same = patterns.c.content_hash == hash_of(event)
    known = select(aliases.c.alias).where(aliases.c.alias == event.pattern_id)
    candidates = set(connection.execute(select(patterns.c.id).where(same, ~known.exists())).scalars())
    if len(candidates) > 1 and recorded in candidates:
        first = case((patterns.c.id == recorded, 1.0), else_=0.0)
        connection.execute(update(patterns).where(same).values(priority_score=first))

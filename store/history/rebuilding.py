"""Making a store from the history of another: each message is applied again, at the clock reading of that time."""

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
    """ConfigurationError if the store at ``url`` is not empty."""
    with Store(url) as store:
        stats = store.stats()
    if stats.received or stats.replayed or stats.patterns:
        raise ConfigurationError("The store to rebuild into is not empty: name one that does not exist yet.")


def require_whole(pruned: int) -> None:
    """HistoryPruned if any message of the history is without its content."""
    if pruned:
        raise HistoryPruned(f"{pruned} messages of the history were pruned: the store cannot be made again from it.")


def apply_again(transaction: Transaction, event: Effect | Recalculation, meant: str | None) -> None:
    """Apply a recorded message to a store that has had all messages before it, and no others.

    ``meant`` is the pattern that the id of a sighting means in the recording store, if that id is an alias there. A
    recalculation is only recorded: `settle` computes the scores.
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
    """Make a sighting that could merge into one of several patterns merge into the recorded one.

    Of several patterns with one content hash, a sighting merges into the one with the highest priority. The priorities
    of that time cannot be computed again, because parts of a recalculation may have run between any two messages. But
    the alias records what was decided. It counts only if that pattern is among the possible ones.
    """
    same = patterns.c.content_hash == hash_of(event)
    known = select(aliases.c.alias).where(aliases.c.alias == event.pattern_id)
    candidates = set(connection.execute(select(patterns.c.id).where(same, ~known.exists())).scalars())
    if len(candidates) > 1 and recorded in candidates:
        first = case((patterns.c.id == recorded, 1.0), else_=0.0)
        connection.execute(update(patterns).where(same).values(priority_score=first))

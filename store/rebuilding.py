"""What making a store anew from its history needs beyond the effects themselves."""

from sqlalchemy import case, select, update

from store.errors import ConfigurationError
from store.events import Sighting
from store.pattern import hash_of
from store.reading import Store
from store.scoring_sql import possible, scores_at
from store.tables import aliases, patterns
from store.transaction import Transaction


def require_empty(url: str) -> None:
    """ConfigurationError if the store at ``url`` holds anything already."""
    with Store(url) as store:
        stats = store.stats()
    if stats.applied or stats.parked or stats.quarantined or stats.patterns:
        raise ConfigurationError("The store to rebuild into is not empty: name one that is not there yet.")


def choose_as_recorded(transaction: Transaction, event: Sighting, recorded: str | None) -> bool:
    """Have a sighting that may merge into one of several patterns merge into the recorded one; True if it may.

    Of several patterns with one content hash, a sighting merges into that with the highest priority. Priorities of
    then cannot be made again: parts of a recalculation may have stood between any two messages. What was decided can:
    the alias says it. It counts only if that pattern is among the possible ones.
    """
    same = patterns.c.content_hash == hash_of(event)
    candidates = select(patterns.c.id).where(
        same, ~select(aliases.c.alias).where(aliases.c.alias == event.pattern_id).exists()
    )
    known = set(transaction.connection.execute(candidates).scalars())
    if len(known) == 1 or recorded not in known:
        return False
    first = case((patterns.c.id == recorded, 1.0), else_=0.0)
    transaction.connection.execute(update(patterns).where(same).values(priority_score=first))
    return True


def settle(transaction: Transaction) -> None:
    """Recompute every pattern's scores at the transaction's clock reading."""
    scores = scores_at(transaction.now)
    transaction.connection.execute(
        update(patterns)
        .where(possible)
        .values(effectiveness_score=scores.effectiveness, priority_score=scores.priority)
    )

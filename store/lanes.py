"""One delivery, one transaction: alone in the store, or beside those of other lanes where the writer has a lane."""

from collections.abc import Sequence

from sqlalchemy.exc import DBAPIError

from store.effects import apply
from store.errors import StoreUnavailable
from store.events import Item, Rejected
from store.locks import LockedElsewhere, Locks
from store.transaction import Clock, Writer

_TRIES = 4
# Two lanes had some of the same message ids, in another order; or there is no room for so many locks.
_CROWDED = frozenset({"40P01", "53200"})


def apply_in_turn(writer: Writer, clock: Clock, items: Sequence[Item], *, task: str, delivery: str) -> None:
    """Apply what one task delivered, and commit; errors as for `Writer.transaction` and `apply`.

    In a lane it waits for those transactions only that touch the same patterns or contents. What it touches is found
    out on the way: it begins again with more, and at last alone.
    """
    if writer.lane is not None and _applied_beside_others(writer, clock, items, task, delivery):
        return
    with writer.transaction(clock) as transaction:
        apply(transaction, items, task=task, delivery=delivery)


def _applied_beside_others(writer: Writer, clock: Clock, items: Sequence[Item], task: str, delivery: str) -> bool:
    locks = Locks.of_patterns(item.pattern_id for item in items if not isinstance(item, Rejected))
    for _ in range(_TRIES):
        try:
            with writer.transaction(clock, locks) as transaction:
                apply(transaction, items, task=task, delivery=delivery)
        except LockedElsewhere as elsewhere:
            locks = elsewhere.wanted
        except StoreUnavailable as error:
            if not _is_crowded(error):
                raise
            return False
        else:
            return True
    return False


def _is_crowded(error: StoreUnavailable) -> bool:
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and getattr(cause.orig, "sqlstate", None) in _CROWDED

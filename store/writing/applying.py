"""One delivery, one transaction: alone in the store, or beside those of other lanes where the writer has a lane."""

from collections.abc import Sequence
from itertools import chain

from sqlalchemy.exc import DBAPIError

from store.database.locks import LockedElsewhere, Locks
from store.errors import StoreUnavailable
from store.events import Rejected
from store.writing.effects import Delivery, apply_together
from store.writing.transaction import Clock, Writer

_TRIES = 4
# Two lanes had some of the same message ids, in another order; or there is no room for so many locks.
_CROWDED = frozenset({"40P01", "53200"})


def apply_in_turn(writer: Writer, clock: Clock, deliveries: Sequence[Delivery]) -> None:
    """Apply what some tasks delivered, and commit; errors as for `Writer.transaction` and `apply_together`.

    In a lane it waits for those transactions only that touch the same patterns or contents. What it touches is found
    out on the way: it begins again with more, and at last alone.
    """
    if writer.lane is not None and _applied_beside_others(writer, clock, deliveries):
        return
    with writer.transaction(clock) as transaction:
        apply_together(transaction, deliveries)


def _applied_beside_others(writer: Writer, clock: Clock, deliveries: Sequence[Delivery]) -> bool:
    items = chain.from_iterable(delivery.items for delivery in deliveries)
    locks = Locks.of_patterns(item.pattern_id for item in items if not isinstance(item, Rejected))
    for _ in range(_TRIES):
        try:
            with writer.transaction(clock, locks) as transaction:
                apply_together(transaction, deliveries)
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

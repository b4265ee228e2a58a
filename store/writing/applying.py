"""Each event once: what some tasks deliver is applied in one transaction, with its inbox rows and its quarantine."""

import logging
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError

from store.database.counters import APPLIED, DUPLICATES
from store.database.locks import LockedElsewhere, Locks
from store.errors import StoreUnavailable
from store.events import Effect, Item, Rejected
from store.writing.effects import take_effect
from store.writing.inbox import Receipt, receive, rejected_for_reuse
from store.writing.quarantine import put_in_quarantine
from store.writing.transaction import Clock, Transaction, Writer
from store.writing.unit_of_work import Work

_TRIES = 4
# PostgreSQL's codes for a deadlock (two lanes wrote the same message ids in another order), and for too many locks.
_CROWDED = frozenset({"40P01", "53200"})


class Delivery(NamedTuple):
    """What one task brought, in order; ``id`` is the one that the producer's queue client gave it."""

    task: str
    id: str
    items: Sequence[Item]


def apply_in_turn(writer: Writer, clock: Clock, deliveries: Sequence[Delivery]) -> None:
    """Apply what some tasks delivered, and commit; errors as for `Writer.transaction` and `apply_together`.

    In a lane, the transaction waits only for those that touch the same patterns or contents. It finds out on the way
    which ones it touches: it then starts over with more locks, and after some tries alone in the store.
    """
    if writer.lane is not None and _applied_beside_others(writer, clock, deliveries):
        return
    with writer.transaction(clock) as transaction:
        apply_together(transaction, deliveries)


def apply(transaction: Transaction, items: Sequence[Item], *, task: str, delivery: str) -> None:
    """Apply what one task delivered, as `apply_together` does."""
    apply_together(transaction, [Delivery(task, delivery, items)])


def apply_together(transaction: Transaction, deliveries: Sequence[Delivery]) -> None:
    """Apply what some tasks delivered, in order: each event once, each rejected message to the quarantine.

    Many messages take as few statements as one: the rows that the events touch are loaded together, changed in memory
    one event after the other, and written back together.
    """
    rejected: list[tuple[Rejected, Delivery]] = []
    events: list[tuple[Effect, Delivery]] = []
    for delivery in deliveries:
        transaction.done.deliveries.append(delivery.id)
        transaction.done.brought += len(delivery.items)
        for item in delivery.items:
            if isinstance(item, Rejected):
                rejected.append((item, delivery))
            else:
                events.append((item, delivery))
    if events:
        rejected += _apply_each_once(transaction, events)
    for item, delivery in rejected:
        put_in_quarantine(transaction, item, task=delivery.task, delivery=delivery.id)


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


def _apply_each_once(
    transaction: Transaction, delivered: Sequence[tuple[Effect, Delivery]]
) -> list[tuple[Rejected, Delivery]]:
    """Give each new event its effect; the result is the messages whose id belongs to another one."""
    events = [event for event, _ in delivered]
    # Before the inbox rows: their order has to be the order of the locks.
    work = Work(transaction, events)
    reused: list[tuple[Rejected, Delivery]] = []
    new: list[tuple[Effect, Delivery]] = []
    received = receive(transaction.connection, events, transaction.now)
    for (event, delivery), receipt in zip(delivered, received, strict=True):
        if receipt is Receipt.NEW:
            new.append((event, delivery))
        elif receipt is Receipt.ID_REUSE:
            reused.append((rejected_for_reuse(event), delivery))
        else:
            transaction.counts[DUPLICATES] += 1
            transaction.happened("message_duplicated", logging.DEBUG, **_names(event, delivery))
    for event, delivery in new:
        work.delivery = delivery.id
        if take_effect(event, work):
            transaction.counts[APPLIED] += 1
            transaction.done.applied.append(event)
            transaction.happened("message_applied", logging.DEBUG, **_names(event, delivery))
    work.write()
    return reused


def _names(event: Effect, delivery: Delivery) -> dict[str, object]:
    return {"message_id": event.id, "kind": event.kind, "pattern_id": event.pattern_id, "delivery": delivery.id}

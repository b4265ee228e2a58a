"""What each message does to the store (spec 5), inside one transaction. The rules for a pattern are in `pattern`."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from store.database.counters import APPLIED, DUPLICATES, MERGES
from store.events import Application, Effect, Import, Item, Rejected, Rescore, Sighting, SoftDelete
from store.rules.pattern import (
    PatternState,
    applied,
    first_sighted,
    hash_of,
    imported,
    joined,
    merged,
    rescored,
    sighted,
    soft_deleted,
)
from store.writing.inbox import Receipt, receive, rejected_for_reuse
from store.writing.parking import PATTERN_NOT_FOUND
from store.writing.quarantine import put_in_quarantine
from store.writing.transaction import Transaction
from store.writing.work import Work


class Delivery(NamedTuple):
    """What one task brought, in order; ``id`` is the one that the producer's queue client gave it."""

    task: str
    id: str
    items: Sequence[Item]


def apply(transaction: Transaction, items: Sequence[Item], *, task: str, delivery: str) -> None:
    """Apply what one task delivered, as `apply_together` does."""
    apply_together(transaction, [Delivery(task, delivery, items)])


def apply_together(transaction: Transaction, deliveries: Sequence[Delivery]) -> None:
    """Apply what some tasks delivered, in order: each event once, each rejected message to the quarantine.

    What is the same for one message and for many costs a handful of statements: the rows that the events touch are
    loaded, changed in memory one event after the other, and written back together.
    """
    rejected: list[tuple[Rejected, Delivery]] = []
    events: list[tuple[Effect, Delivery]] = []
    for delivery in deliveries:
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


def _apply_each_once(
    transaction: Transaction, delivered: Sequence[tuple[Effect, Delivery]]
) -> list[tuple[Rejected, Delivery]]:
    events = [event for event, _ in delivered]
    # Before the inbox rows, whose order is that in which the locks were held.
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
    if new:
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


def take_effect(event: Effect, work: Work) -> bool:
    """Do what the event says; False if it waits for its pattern."""
    match event:
        case Sighting():
            return _sighting(event, work)
        case Application():
            return _application(event, work)
        case SoftDelete():
            return _soft_delete(event, work)
        case Import():
            return _import(event, work)
        case _:
            return _rescore(event, work)


def _sighting(event: Sighting, work: Work) -> bool:
    known = work.patterns.known(event.pattern_id)
    if known is not None:
        work.patterns.put(sighted(known, event))
    elif (meant := _meant_by(work, event)) is not None:
        _merge(work, meant, event)
    else:
        work.patterns.put(first_sighted(event))
        _adopt(work, event.pattern_id)
    return True


def _import(event: Import, work: Work) -> bool:
    known = work.patterns.meant(event.pattern_id)
    if known is None:
        work.patterns.put(imported(event))
        _adopt(work, event.pattern_id)
    else:
        work.patterns.put(joined(known, event))
    return True


def _application(event: Application, work: Work) -> bool:
    known = work.patterns.meant(event.pattern_id)
    if known is None:
        _park(work, event, "pattern_application_parked")
        return False
    work.applications.append(_application_row(event, known.id, work.transaction.now))
    after = _rescored(work, applied(known, event))
    work.patterns.put(after)
    return True


def _soft_delete(event: SoftDelete, work: Work) -> bool:
    known = work.patterns.meant(event.pattern_id)
    if known is None:
        _park(work, event, "pattern_delete_parked")
        return False
    after = soft_deleted(known, event.occurred_at)
    work.patterns.put(after)
    if not known.active:
        _happened(work, "pattern_already_soft_deleted", event, pattern_id=known.id)
    elif after.active:
        _happened(work, "pattern_seen_since_soft_delete", event, pattern_id=known.id)
    else:
        _happened(work, "pattern_soft_deleted", event, pattern_id=known.id)
    return True


def _rescore(event: Rescore, work: Work) -> bool:
    known = work.patterns.meant(event.pattern_id)
    if known is None:
        _happened(work, "pattern_to_update_unknown", event, pattern_id=event.pattern_id, reason=PATTERN_NOT_FOUND)
    else:
        work.patterns.put(_rescored(work, known))
    return True


def _application_row(event: Application, pattern_id: str, now: int) -> dict[str, object]:
    return {
        "id": event.id,
        "pattern_id": pattern_id,
        "execution_id": event.execution_id,
        "occurred_at": event.occurred_at,
        "applied_at": now,
        "pattern_led_to_success": event.pattern_led_to_success,
        "retry_count_before": event.retry_count_before,
        "retry_count_after": event.retry_count_after,
        "application_mode": event.application_mode,
        "validation_passed": event.validation_passed,
        "grounding_confidence": event.grounding_confidence,
    }


def _meant_by(work: Work, event: Sighting) -> PatternState | None:
    return work.patterns.known_by_alias(event.pattern_id) or work.patterns.known_by_content(hash_of(event))


def _merge(work: Work, into: PatternState, event: Sighting) -> None:
    after = merged(into, event)
    work.patterns.put(after)
    revived = after.active and not into.active
    work.transaction.counts[MERGES] += 1
    name = "pattern_reactivated_via_hash_merge" if revived else "pattern_merged_via_content_hash"
    _happened(work, name, event, pattern_id=into.id, alias=event.pattern_id)
    if work.patterns.add_alias(event.pattern_id, into.id):
        _adopt(work, event.pattern_id)


def _park(work: Work, event: Application | SoftDelete, fact: str) -> None:
    work.parking.park(event)
    work.transaction.done.parked.append(event)
    _happened(work, fact, event, pattern_id=event.pattern_id, reason=PATTERN_NOT_FOUND)


def _adopt(work: Work, pattern_id: str) -> None:
    for event in work.parking.take(pattern_id):
        take_effect(event, work)
        work.transaction.counts[APPLIED] += 1
        work.transaction.done.unparked.append(event)
        _happened(work, "parked_message_applied", event, kind=event.kind, pattern_id=pattern_id)


def _happened(work: Work, name: str, event: Effect, **fields: object) -> None:
    """Remember what a message did; a log is searched by its id, and by that of the task that brought it."""
    work.transaction.happened(name, logging.INFO, message_id=event.id, delivery=work.delivery, **fields)


def _rescored(work: Work, pattern: PatternState) -> PatternState:
    try:
        return rescored(pattern, work.transaction.now)
    except ValueError as error:
        work.transaction.happened("pattern_scores_impossible", logging.ERROR, pattern_id=pattern.id, detail=str(error))
        return pattern

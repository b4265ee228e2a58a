"""What each message does to the store (spec 5), inside one transaction. The rules for a pattern are in `pattern`."""

import logging
from collections.abc import Iterable
from functools import singledispatch

from sqlalchemy import insert

from store import pattern_rows
from store.events import Application, Effect, Import, Item, Rejected, Rescore, Sighting, SoftDelete
from store.inbox import Receipt, receive, rejected_for_reuse
from store.parking import PATTERN_NOT_FOUND, park, take_parked
from store.pattern import (
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
from store.quarantine import put_in_quarantine
from store.tables import applications
from store.tallies import APPLIED, DUPLICATES, MERGES
from store.transaction import Transaction

_ADD_APPLICATION = insert(applications)


def apply(transaction: Transaction, items: Iterable[Item], *, task: str, delivery: str) -> None:
    """Apply what one task delivered, in order: each event once, each rejected message to the quarantine."""
    for item in items:
        rejected = item if isinstance(item, Rejected) else _apply_once(transaction, item)
        if rejected is not None:
            put_in_quarantine(transaction, rejected, task=task, delivery=delivery)


def _apply_once(transaction: Transaction, event: Effect) -> Rejected | None:
    receipt = receive(transaction.connection, event, transaction.now)
    if receipt is Receipt.ID_REUSE:
        return rejected_for_reuse(event)
    if receipt is Receipt.DUPLICATE:
        transaction.counts[DUPLICATES] += 1
        transaction.happened("message_duplicated", logging.DEBUG, message_id=event.id)
    elif take_effect(event, transaction):
        transaction.counts[APPLIED] += 1
        transaction.happened("message_applied", logging.DEBUG, message_id=event.id, kind=event.kind)
    return None


@singledispatch
def take_effect(event: Effect, transaction: Transaction) -> bool:
    """Do what the event says; False if it waits for its pattern."""
    raise TypeError(f"no effect is known for {type(event).__name__} in {transaction}")


@take_effect.register
def _sighting(event: Sighting, transaction: Transaction) -> bool:
    known = pattern_rows.load(transaction.connection, event.pattern_id)
    if known is not None:
        pattern_rows.change(transaction.connection, known, sighted(known, event))
    elif (meant := _meant_by(transaction, event)) is not None:
        _merge(transaction, meant, event)
    else:
        pattern_rows.add(transaction.connection, first_sighted(event))
        _adopt(transaction, event.pattern_id)
    return True


@take_effect.register
def _import(event: Import, transaction: Transaction) -> bool:
    known = _resolve(transaction, event.pattern_id)
    if known is None:
        pattern_rows.add(transaction.connection, imported(event))
        _adopt(transaction, event.pattern_id)
    else:
        pattern_rows.change(transaction.connection, known, joined(known, event))
    return True


@take_effect.register
def _application(event: Application, transaction: Transaction) -> bool:
    known = _resolve(transaction, event.pattern_id)
    if known is None:
        park(transaction, event)
        transaction.happened(
            "pattern_application_parked",
            message_id=event.id,
            pattern_id=event.pattern_id,
            reason=PATTERN_NOT_FOUND,
        )
        return False
    transaction.connection.execute(_ADD_APPLICATION, _application_row(event, known.id, transaction.now))
    after = _rescored(transaction, applied(known, event))
    pattern_rows.change(transaction.connection, known, after)
    return True


@take_effect.register
def _soft_delete(event: SoftDelete, transaction: Transaction) -> bool:
    known = _resolve(transaction, event.pattern_id)
    if known is None:
        park(transaction, event)
        transaction.happened(
            "pattern_delete_parked", message_id=event.id, pattern_id=event.pattern_id, reason=PATTERN_NOT_FOUND
        )
        return False
    after = soft_deleted(known, event.occurred_at)
    pattern_rows.change(transaction.connection, known, after)
    if not known.active:
        transaction.happened("pattern_already_soft_deleted", pattern_id=known.id)
    elif after.active:
        transaction.happened("pattern_seen_since_soft_delete", pattern_id=known.id)
    else:
        transaction.happened("pattern_soft_deleted", pattern_id=known.id)
    return True


@take_effect.register
def _rescore(event: Rescore, transaction: Transaction) -> bool:
    known = _resolve(transaction, event.pattern_id)
    if known is None:
        transaction.happened("pattern_to_update_unknown", pattern_id=event.pattern_id, reason=PATTERN_NOT_FOUND)
    else:
        pattern_rows.change(transaction.connection, known, _rescored(transaction, known))
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


def _resolve(transaction: Transaction, pattern_id: str) -> PatternState | None:
    return pattern_rows.load_meant(transaction.connection, pattern_id)


def _meant_by(transaction: Transaction, event: Sighting) -> PatternState | None:
    found = pattern_rows.load_by_alias(transaction.connection, event.pattern_id)
    return found or pattern_rows.load_by_content(transaction.connection, hash_of(event))


def _merge(transaction: Transaction, into: PatternState, event: Sighting) -> None:
    after = merged(into, event)
    pattern_rows.change(transaction.connection, into, after)
    revived = after.active and not into.active
    transaction.counts[MERGES] += 1
    transaction.happened(
        "pattern_reactivated_via_hash_merge" if revived else "pattern_merged_via_content_hash",
        pattern_id=into.id,
        alias=event.pattern_id,
    )
    if pattern_rows.add_alias(transaction.connection, event.pattern_id, into.id):
        _adopt(transaction, event.pattern_id)


def _adopt(transaction: Transaction, pattern_id: str) -> None:
    for event in take_parked(transaction, pattern_id):
        take_effect(event, transaction)
        transaction.counts[APPLIED] += 1
        transaction.happened("parked_message_applied", message_id=event.id, pattern_id=pattern_id)


def _rescored(transaction: Transaction, pattern: PatternState) -> PatternState:
    try:
        return rescored(pattern, transaction.now)
    except ValueError as error:
        transaction.happened("pattern_scores_impossible", logging.ERROR, pattern_id=pattern.id, detail=str(error))
        return pattern

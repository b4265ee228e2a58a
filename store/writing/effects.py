"""What each message does to the store (spec 5), inside one transaction. The rules for a pattern are in `pattern`."""

import logging

from store.database.counters import APPLIED, MERGES
from store.database.tables import applications
from store.events import Application, Effect, Import, Rescore, Sighting, SoftDelete
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
from store.writing.parking import PATTERN_NOT_FOUND
from store.writing.unit_of_work import Work

# Its columns bear the names of an application's fields.
_APPLICATION = tuple(name for name in applications.c.keys() if name != "applied_at")  # noqa: SIM118 - no mapping


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
        name = "pattern_already_soft_deleted"
    else:
        name = "pattern_seen_since_soft_delete" if after.active else "pattern_soft_deleted"
    _happened(work, name, event, pattern_id=known.id)
    return True


def _rescore(event: Rescore, work: Work) -> bool:
    known = work.patterns.meant(event.pattern_id)
    if known is None:
        _happened(work, "pattern_to_update_unknown", event, pattern_id=event.pattern_id, reason=PATTERN_NOT_FOUND)
    else:
        work.patterns.put(_rescored(work, known))
    return True


def _application_row(event: Application, pattern_id: str, now: int) -> dict[str, object]:
    said = {name: getattr(event, name) for name in _APPLICATION}
    return {**said, "pattern_id": pattern_id, "applied_at": now}


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
    """Remember what a message did, for the log, which people search by message id and by delivery id."""
    work.transaction.happened(name, logging.INFO, message_id=event.id, delivery=work.delivery, **fields)


def _rescored(work: Work, pattern: PatternState) -> PatternState:
    try:
        return rescored(pattern, work.transaction.now)
    except ValueError as error:
        work.transaction.happened("pattern_scores_impossible", logging.ERROR, pattern_id=pattern.id, detail=str(error))
        return pattern

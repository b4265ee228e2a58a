"""Recomputing every pattern's scores (spec 5.5): in short transactions, each of which continues the one before."""

import logging
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Update, and_, func, insert, or_, select, update

from store.database.counters import APPLIED, DUPLICATES
from store.database.tables import patterns, recalculations
from store.events import Recalculation
from store.writing.inbox import Receipt, receive, rejected_for_reuse
from store.writing.quarantine import put_in_quarantine
from store.writing.scoring_sql import possible, scores_at
from store.writing.transaction import Transaction

# A chunk of this size holds the writer for some tens of milliseconds; messages are applied between two chunks.
CHUNK = 4_000


@dataclass(frozen=True, slots=True)
class _Run:
    """How far a recalculation has come: ``last_id`` is the last pattern done, ``clock`` its only clock reading."""

    clock: int
    last_id: str = ""
    patterns: int = 0
    changed: int = 0
    skipped: int = 0


def recalculate(
    transaction: Transaction, event: Recalculation, *, task: str, delivery: str, chunk: int = CHUNK
) -> bool:
    """Recompute the next chunk of patterns; True if the message needs no further delivery.

    The first delivery of the message fixes the clock reading. While the result is False, the same message has to be
    delivered again, in a transaction of its own.
    """
    transaction.done.deliveries.append(delivery)
    transaction.done.brought += 1
    (receipt,) = receive(transaction.connection, [event], transaction.now)
    if receipt is Receipt.ID_REUSE:
        put_in_quarantine(transaction, rejected_for_reuse(event), task=task, delivery=delivery)
        return True
    if receipt is Receipt.NEW:
        begin(transaction, event)
        transaction.happened("message_applied", logging.DEBUG, message_id=event.id, kind=event.kind, delivery=delivery)
    run = _unfinished(transaction, event)
    if run is None:
        transaction.counts[DUPLICATES] += 1
        transaction.happened(
            "message_duplicated", logging.DEBUG, message_id=event.id, kind=event.kind, delivery=delivery
        )
        return True
    return _advance(transaction, event, run, chunk)


def begin(transaction: Transaction, event: Recalculation, *, finished_at: int | None = None) -> None:
    """Record that a recalculation began at the transaction's clock reading, and when it ended if it has."""
    row = {"message_id": event.id, "clock": transaction.now, "last_id": "", "patterns": 0, "changed": 0, "skipped": 0}
    transaction.connection.execute(insert(recalculations).values({**row, "finished_at": finished_at}))
    transaction.counts[APPLIED] += 1
    transaction.done.applied.append(event)


def _unfinished(transaction: Transaction, event: Recalculation) -> _Run | None:
    of = recalculations.c
    row = transaction.connection.execute(
        select(of.clock, of.last_id, of.patterns, of.changed, of.skipped).where(
            of.message_id == event.id, of.finished_at.is_(None)
        )
    ).one_or_none()
    return None if row is None else _Run(*row)


def _advance(transaction: Transaction, event: Recalculation, run: _Run, chunk: int) -> bool:
    after, rows = _rescore_chunk(transaction, run, chunk)
    finished = rows < chunk
    transaction.connection.execute(
        update(recalculations)
        .where(recalculations.c.message_id == event.id)
        .values(
            last_id=after.last_id,
            patterns=after.patterns,
            changed=after.changed,
            skipped=after.skipped,
            finished_at=transaction.clock() if finished else None,
        )
    )
    if finished:
        seconds = (transaction.clock() - run.clock) / 1e6
        transaction.done.recalculated.append(max(0.0, seconds))
        transaction.happened(
            "priorities_recalculated",
            message_id=event.id,
            patterns=after.patterns,
            changed=after.changed,
            skipped=after.skipped,
            seconds=seconds,
        )
    return finished


def _rescore_chunk(transaction: Transaction, run: _Run, chunk: int) -> tuple[_Run, int]:
    ids = select(patterns.c.id).where(patterns.c.id > run.last_id).order_by(patterns.c.id).limit(chunk).subquery()
    rows, last = transaction.connection.execute(select(func.count(), func.max(ids.c.id))).one()
    if not rows:
        return run, 0
    within = (patterns.c.id > run.last_id, patterns.c.id <= last)
    impossible = list(transaction.connection.execute(select(patterns.c.id).where(*within, ~possible)).scalars())
    for key in impossible:
        transaction.happened("pattern_scores_impossible", logging.ERROR, pattern_id=key)
    changed = transaction.connection.execute(rescoring(run.clock, and_(*within))).rowcount
    return _Run(run.clock, last, run.patterns + rows, run.changed + changed, run.skipped + len(impossible)), rows


def rescoring(clock: int, within: ColumnElement[bool]) -> Update:
    """Write both scores of all rows with possible values whose scores differ at this clock reading."""
    at = scores_at(clock)
    new = (
        select(patterns.c.id, at.effectiveness.label("effectiveness"), at.priority.label("priority"))
        .where(within, possible)
        .cte("new")
        # Computing the scores of an impossible row may be an error, so PostgreSQL has to choose the rows first.
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    effectiveness, priority = patterns.c.effectiveness_score, patterns.c.priority_score
    return (
        update(patterns)
        .where(patterns.c.id == new.c.id, or_(effectiveness != new.c.effectiveness, priority != new.c.priority))
        .values(effectiveness_score=new.c.effectiveness, priority_score=new.c.priority)
    )

"""Messages that can never be applied, kept whole with their reason."""

import hashlib
import logging
from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy import Connection, and_, case, select, update
from sqlalchemy.dialects import postgresql, sqlite

from store.database.tables import DISCARDED, NEW, REPLAYED, quarantine
from store.events import Rejected
from store.writing.transaction import Clock, Transaction, Writer

_ID_DIGITS = 32


def _writing(statement: sqlite.Insert | postgresql.Insert) -> sqlite.Insert | postgresql.Insert:
    """Insert a message; if it is in the quarantine already, it is new again, also while it is being replayed.

    The statement returns a row if the message was not in the quarantine, or was not new there any more.
    """
    again = {"state": NEW, "resolved_at": None}
    gone = and_(quarantine.c.state != DISCARDED, quarantine.c.resolved_at.is_not(None))
    return statement.on_conflict_do_update(index_elements=[quarantine.c.id], set_=again, where=gone)


_WRITE = {
    "sqlite": _writing(sqlite.insert(quarantine)),
    "postgresql": _writing(postgresql.insert(quarantine)),
}


def put_in_quarantine(transaction: Transaction, rejected: Rejected, *, task: str, delivery: str) -> None:
    """Keep a message whole; the same delivery of the same bytes is kept once, however often it arrives.

    ``delivery`` tells two sendings of the same bytes apart: it is the id that the producer's queue client gave this
    one. A message that was replayed comes under the id that it has in the quarantine, and returns to its row there.
    """
    sha256 = hashlib.sha256(rejected.raw)
    key = delivery if _is_place_of(transaction.connection, delivery, sha256.hexdigest()) else _key(rejected, delivery)
    values = {
        "id": key,
        "received_at": transaction.now,
        "source": rejected.source,
        "reason_code": rejected.reason_code,
        "reason_detail": rejected.reason_detail,
        "raw": rejected.raw,
        "sha256": sha256.hexdigest(),
        "message_id": rejected.message_id,
        "task": task,
        "state": NEW,
    }
    writing = _WRITE[transaction.connection.dialect.name].returning(quarantine.c.id)
    if transaction.connection.execute(writing, values).one_or_none() is not None:
        transaction.done.quarantined.append(rejected.reason_code)
    transaction.happened(
        "message_quarantined",
        logging.WARNING,
        quarantine_id=key,
        reason_code=rejected.reason_code,
        message_id=rejected.message_id,
        delivery=delivery,
    )


def discard(writer: Writer, clock: Clock, quarantine_id: str, note: str | None) -> None:
    """Mark a message as discarded: it needs no attention any more; ``note`` says why. Its row stays."""
    with writer.transaction(clock) as transaction:
        values = {"state": DISCARDED, "resolved_at": transaction.now, "note": note}
        transaction.connection.execute(update(quarantine).where(quarantine.c.id == quarantine_id).values(values))
        transaction.happened("quarantined_message_discarded", quarantine_id=quarantine_id)


@contextmanager
def marked_replayed(writer: Writer, clock: Clock, quarantine_id: str, note: str | None) -> Generator[None]:
    """Mark a message as replayed after the block has sent it again, unless it has come back by then. Its row stays.

    A message that was discarded is new from the beginning of the block, and stays new if the block raises.
    """
    of = quarantine.c
    with writer.transaction(clock) as transaction:
        begun = transaction.now
        values = {"state": case((of.state == DISCARDED, NEW), else_=of.state), "resolved_at": begun}
        transaction.connection.execute(update(quarantine).where(of.id == quarantine_id).values(values))
    yield
    with writer.transaction(clock) as transaction:
        not_back = (of.id == quarantine_id, of.resolved_at == begun)
        transaction.connection.execute(update(quarantine).where(*not_back).values(state=REPLAYED, note=note))
        transaction.happened("quarantined_message_replayed", quarantine_id=quarantine_id)


def _is_place_of(connection: Connection, delivery: str, sha256: str) -> bool:
    if len(delivery) != _ID_DIGITS or not (delivery.isascii() and delivery.isalnum()):
        return False
    place = select(quarantine.c.id).where(quarantine.c.id == delivery, quarantine.c.sha256 == sha256)
    return connection.execute(place).one_or_none() is not None


def _key(rejected: Rejected, delivery: str) -> str:
    one = f"{delivery}#{rejected.copy}" if rejected.copy else delivery
    key = hashlib.sha256(hashlib.sha256(rejected.raw).digest() + one.encode(errors="surrogatepass"))
    return key.hexdigest()[:_ID_DIGITS]

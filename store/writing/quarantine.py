"""Messages that can never be applied, kept whole with their reason."""

import hashlib
import logging

from sqlalchemy import Connection, and_, select
from sqlalchemy.dialects import postgresql, sqlite

from store.database.tables import quarantine
from store.events import Rejected
from store.writing.transaction import Transaction

NEW, REPLAYED, DISCARDED = "new", "replayed", "discarded"
_ID_DIGITS = 32


def _writing(statement: sqlite.Insert | postgresql.Insert) -> sqlite.Insert | postgresql.Insert:
    """What comes back is new again, also for somebody who is about to write down that it was replayed.

    A row back says that it was not there, or no longer as new.
    """
    again = {"state": NEW, "resolved_at": None}
    gone = and_(quarantine.c.state != DISCARDED, quarantine.c.resolved_at.is_not(None))
    return statement.on_conflict_do_update(index_elements=[quarantine.c.id], set_=again, where=gone)


_WRITE = {
    "sqlite": _writing(sqlite.insert(quarantine)),
    "postgresql": _writing(postgresql.insert(quarantine)),
}


def put_in_quarantine(transaction: Transaction, rejected: Rejected, *, task: str, delivery: str) -> None:
    """Keep a message whole; the same delivery of the same bytes is kept once, however often it comes.

    ``delivery`` tells two sendings of the same bytes apart: the id that the producer's queue client gave this one. A
    message that was sent again from the quarantine has the id that it has there, and returns to its place.
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


def _is_place_of(connection: Connection, delivery: str, sha256: str) -> bool:
    if len(delivery) != _ID_DIGITS or not (delivery.isascii() and delivery.isalnum()):
        return False
    place = select(quarantine.c.id).where(quarantine.c.id == delivery, quarantine.c.sha256 == sha256)
    return connection.execute(place).one_or_none() is not None


def _key(rejected: Rejected, delivery: str) -> str:
    one = f"{delivery}#{rejected.copy}" if rejected.copy else delivery
    key = hashlib.sha256(hashlib.sha256(rejected.raw).digest() + one.encode(errors="surrogatepass"))
    return key.hexdigest()[:_ID_DIGITS]

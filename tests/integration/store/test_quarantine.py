"""Messages that can never be applied, kept whole with their reason (spec 2, 4 and 5)."""

import hashlib
import logging
from dataclasses import replace

import pytest

from ostinato.errors import BrokerUnavailable
from store.database.tables import patterns, quarantine
from store.errors import AmbiguousPrefix, NotFound
from store.events import Rejected
from store.reading.quarantine import count_new, message, messages
from store.writing.quarantine import discard, marked_replayed
from tests.integration.store.bench import NOW, Bench, Crash, sighting

BAD = Rejected(raw=b'{"id": "\xff\x00', reason_code="not_json", reason_detail="why", message_id="an id")


def test_a_message_is_kept_whole(bench: Bench) -> None:
    """Byte for byte, with its reason, its source and its task (spec 2, quarantined)."""
    bench.apply(BAD)

    row = bench.row(quarantine)
    assert {
        "received_at": NOW,
        "source": "validation",
        "reason_code": "not_json",
        "reason_detail": "why",
        "raw": b'{"id": "\xff\x00',
        "sha256": hashlib.sha256(BAD.raw).hexdigest(),
        "message_id": "an id",
        "task": "apply_batch",
        "state": "new",
        "resolved_at": None,
        "note": None,
    } == {name: value for name, value in row.items() if name != "id"}
    assert 32 == len(row["id"])
    assert (0, 0, 1, 0) == bench.ledger()


def test_the_log_names_it(bench: Bench) -> None:
    """With its id in the quarantine and its reason, at warning level."""
    bench.apply(BAD)

    expected = {
        "event": "message_quarantined",
        "log_level": logging.getLevelName(logging.WARNING).lower(),
        "quarantine_id": bench.row(quarantine)["id"],
        "reason_code": "not_json",
        "message_id": "an id",
        "delivery": "delivery",
    }
    assert [expected] == bench.logs


def test_one_delivery_is_kept_once(bench: Bench) -> None:
    """However often it arrives, for example after a crash before the acknowledgement (spec 7, exactly once)."""
    bench.apply(BAD)
    bench.apply(BAD, now=NOW + 1)

    assert NOW == bench.row(quarantine)["received_at"]


def test_two_sendings_of_the_same_bytes_are_two(bench: Bench) -> None:
    """They were sent twice, so two messages are kept (spec 7: sent = applied + parked + quarantined)."""
    bench.apply(BAD, delivery="one")
    bench.apply(BAD, delivery="other")

    assert (0, 0, 2, 0) == bench.ledger()


def test_equal_texts_without_an_id_are_different_messages(bench: Bench) -> None:
    """Each is kept, and a repeated delivery adds none (spec 7: sent = applied + parked + quarantined)."""
    equal = [replace(BAD, message_id=None, copy=copy) for copy in range(3)]
    bench.apply(*equal)
    bench.apply(*equal)

    stats = bench.store.stats()
    assert (3, 3, True) == (stats.received, stats.quarantined, stats.balanced)


def test_a_replayed_message_that_comes_back_returns_to_its_place(bench: Bench) -> None:
    """However often it is sent again; other bytes that come under the id of its row are another message."""
    bench.apply(BAD)
    place = bench.row(quarantine)["id"]
    with marked_replayed(bench.writer, lambda: NOW, place, None):
        pass
    replayed = bench.store.stats()
    for _ in range(2):
        bench.apply(BAD, delivery=place)

    assert (0, 0, 1) == (replayed.received, replayed.quarantined, replayed.replayed)
    assert (place, "new") == (bench.row(quarantine)["id"], bench.row(quarantine)["state"])
    bench.apply(replace(BAD, raw=b"other"), delivery=place)
    assert (0, 0, 2, 0) == bench.ledger()


def test_what_is_discarded_is_counted_as_such(bench: Bench) -> None:
    """Also if it arrives again; the ledger balances."""
    bench.apply(BAD, sighting())
    discard(bench.writer, lambda: NOW, bench.row(quarantine)["id"], "a test")
    bench.apply(BAD)

    stats = bench.store.stats()
    assert (2, 1, 0, 1, True) == (stats.received, stats.applied, stats.quarantined, stats.discarded, stats.balanced)


def test_what_was_discarded_and_is_replayed_is_new_where_it_comes_back_at_once(bench: Bench) -> None:
    """Even before the replay is recorded; a message that could not be sent again is new, too."""
    bench.apply(BAD)
    place = bench.row(quarantine)["id"]
    discard(bench.writer, lambda: NOW, place, "a test")
    with marked_replayed(bench.writer, lambda: NOW, place, None):
        bench.apply(BAD, delivery=place)
    back = bench.ledger()
    discard(bench.writer, lambda: NOW, place, "a test")
    with pytest.raises(BrokerUnavailable), marked_replayed(bench.writer, lambda: NOW, place, None):
        raise BrokerUnavailable

    assert ((0, 0, 1, 0), (0, 0, 1, 0)) == (back, bench.ledger())


def test_a_ledger_that_does_not_balance_says_so(bench: Bench) -> None:
    """The received messages are counted in the tables, the applied ones by the worker's counter."""
    bench.apply(sighting())
    bench.sql("UPDATE counters SET value = value + 1 WHERE name = 'applied'")

    assert not bench.store.stats().balanced


@pytest.mark.parametrize("raw", [b"", b"\0", bytes(range(256)) * 400, "\ud800".encode(errors="surrogatepass")], ids=len)
def test_any_bytes_are_kept(bench: Bench, raw: bytes) -> None:
    """Empty, not a text, or a broken text."""
    bench.apply(Rejected(raw=raw, reason_code="not_json", reason_detail=""), delivery="\ud800")

    row = bench.row(quarantine)
    assert (raw, None) == (row["raw"], row["message_id"])


def test_it_is_kept_or_nothing_is_done(bench: Bench) -> None:
    """It shares the transaction of the messages that came with it (spec 5)."""
    with pytest.raises(Crash):
        bench.crash_after(sighting(), BAD)

    assert [] == bench.rows(quarantine) + bench.rows(patterns)
    assert [] == bench.logs


def test_a_prefix_names_one_message(bench: Bench) -> None:
    """Case matters in every database; several messages are ambiguous, so that only the right one is discarded."""
    for last in ("12", "2"):
        bench.apply(BAD, delivery=last)
        bench.sql(f"UPDATE quarantine SET id = 'abcdef0{last}' WHERE id NOT LIKE 'abcdef%'")  # noqa: S608 - our own

    with bench.reading() as connection:
        with pytest.raises(AmbiguousPrefix, match="more than one"):
            message(connection, "abcdef0")
        with pytest.raises(NotFound):
            message(connection, "ABCDEF01")
        assert ["abcdef012", "abcdef02"] == [message(connection, name).id for name in ("abcdef01", "abcdef02")]


def test_the_list_is_limited(bench: Bench) -> None:
    """The limit is any number from 0."""
    bench.apply(BAD)

    with bench.reading() as connection:
        assert 1 == count_new(connection)
        assert [0, 1] == [len(messages(connection, limit=limit)) for limit in (0, 10**30)]
        with pytest.raises(ValueError, match="limit is -1"):
            messages(connection, limit=-1)

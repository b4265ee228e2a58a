"""What becomes of a message that arrives: applied, quarantined, or tried again (spec sections 4, 5 and 7)."""

import json
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

import store.database.sqlite
from ostinato.identity import pattern_id
from ostinato.messages.models import (
    ApplyBatch,
    BatchMember,
    RecalculateAllPatternPriorities,
    RecordPattern,
    RecordPatternApplication,
    SoftDeletePattern,
    UpdatePatternEffectiveness,
)
from store.database.engines import store_url, writer_engine
from store.database.schema import REVISION, migrate
from store.database.tables import patterns, quarantine
from store.events import Rejected
from store.reading.store import Store
from store.writing.transaction import Writer
from tasks.receiver import Receiver, Stopping
from tests.integration.store.bench import NOW, Bench

N = pattern_id("T", "n")
SIGHTING = RecordPattern(pattern_type="T", pattern_name="n")
RECALCULATION = RecalculateAllPatternPriorities()


@pytest.fixture
def receiver(bench: Bench) -> Receiver:
    """A receiver that finds its store, or fails."""
    return Receiver(bench.writer, lambda: NOW, never)


def never(seconds: float) -> bool:
    """Fail: no pause is expected."""
    pytest.fail(f"waited {seconds} s")


def outcome() -> RecordPatternApplication:
    """A successful application of the pattern."""
    return RecordPatternApplication(pattern_id=N, execution_id="e", pattern_led_to_success=True)


def test_each_kind_takes_effect(bench: Bench, receiver: Receiver) -> None:
    """And is committed when the receiver returns (spec 5)."""
    messages: list[BatchMember] = [
        SIGHTING,
        outcome(),
        SoftDeletePattern(pattern_id=N),
        UpdatePatternEffectiveness(pattern_id=N),
    ]
    for message in messages:
        receiver.receive(message.KIND, message.content(), "d")
    batch = ApplyBatch(messages=[outcome(), outcome()])
    receiver.receive(batch.KIND, batch.content(), "d")
    assert receiver.receive_recalculation(RECALCULATION.content(), "d")

    row = bench.row(patterns)
    assert (1, 3, False) == (row["occurrence_count"], row["led_to_success_count"], row["active"])
    assert (7, 0, 0, 0) == bench.ledger()


def test_a_delivery_that_comes_again_has_no_effect(bench: Bench, receiver: Receiver) -> None:
    """As after a crash between the commit and the acknowledgement (spec 7, exactly once)."""
    batch = ApplyBatch(messages=[SIGHTING, outcome()])
    for _ in range(2):
        receiver.receive(batch.KIND, batch.content(), "d")
        receiver.receive(SIGHTING.KIND, SIGHTING.content(), "e")
        assert receiver.receive_recalculation(RECALCULATION.content(), "f")

    assert (3, 0, 0, 5) == bench.ledger()


@pytest.mark.parametrize("kind", ["record_pattern", "apply_batch", "recalculate_all_pattern_priorities"])
@pytest.mark.parametrize("raw", ["", "\ud800", "{}", '{"id": "x"}', "[" * 100_000], ids=lambda raw: ascii(raw[:9]))
def test_what_is_malformed_is_quarantined_as_it_arrived(bench: Bench, receiver: Receiver, kind: str, raw: str) -> None:
    """Whole, with its reason and its task (spec 2, 4)."""
    if kind == RECALCULATION.KIND:
        assert receiver.receive_recalculation(raw, "d")
    else:
        receiver.receive(kind, raw, "d")

    row = bench.row(quarantine)
    assert (raw.encode(errors="surrogatepass"), kind, "validation") == (row["raw"], row["task"], row["source"])
    assert (0, 0, 1, 0) == bench.ledger()


def test_the_good_messages_of_a_batch_are_applied(bench: Bench, receiver: Receiver) -> None:
    """The bad one beside them is quarantined (spec 4)."""
    fields = json.loads(ApplyBatch(messages=[SIGHTING, outcome(), outcome()]).content())
    fields["messages"][1]["pattern_led_to_success"] = "false"
    receiver.receive("apply_batch", json.dumps(fields), "d")

    assert (2, 0, 1, 0) == bench.ledger()
    row = bench.row(quarantine)
    assert ("pattern_led_to_success_type", fields["messages"][1]["id"]) == (row["reason_code"], row["message_id"])


def test_what_the_broker_could_not_deliver_is_kept(bench: Bench, receiver: Receiver) -> None:
    """The transport hands it over with its own reason (spec 2, quarantined)."""
    receiver.reject(Rejected(raw=b"?", reason_code="envelope_body", reason_detail="", source="transport"), "task", "d")

    row = bench.row(quarantine)
    assert (b"?", "envelope_body", "transport", "task") == tuple(
        row[name] for name in ("raw", "reason_code", "source", "task")
    )


def test_a_message_waits_for_a_store_that_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ever longer pauses and one warning; then it is applied (spec 1, 7).

    SQLite gives up after a while; PostgreSQL's writers wait by themselves.
    """
    monkeypatch.setattr(store.database.sqlite, "BUSY_SECONDS", 0.001)
    url = f"sqlite:///{tmp_path}/store.db"
    migrate(url)
    pauses: list[float] = []
    with closing(Writer(url)) as writer, closing(Writer(url)) as other, Store(url) as reader, ExitStack() as lock:
        writer.open()
        lock.enter_context(other.transaction(lambda: NOW))

        def pause(seconds: float) -> bool:
            pauses.append(seconds)
            assert 0 == reader.stats().applied
            if len(pauses) == 9:
                lock.close()
            return True

        with capture_logs() as logs:
            Receiver(writer, lambda: NOW, pause).receive(SIGHTING.KIND, SIGHTING.content(), "d")
        assert 1 == reader.stats().applied

    assert [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0] == pauses
    said = [(entry["event"], entry["log_level"]) for entry in logs if entry["log_level"] != "debug"]
    assert [("store_unavailable", "warning"), ("store_available_again", "info")] == said
    assert "locked" in logs[0]["detail"]


def set_version(url: str, version: str) -> None:
    """Say that a store has another schema."""
    engine = writer_engine(store_url(url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    engine.dispose()


def test_a_message_waits_for_a_store_that_is_to_be_migrated(bench: Bench) -> None:
    """Of whatever kind it is, and also one that can only be quarantined (spec 7, exactly once)."""
    set_version(bench.url, "0000")

    def pause(_: float) -> bool:
        set_version(bench.url, REVISION)
        return True

    with capture_logs() as logs:
        assert Receiver(bench.writer, lambda: NOW, pause).receive_recalculation(RECALCULATION.content(), "d")
    assert ["store_unavailable", "store_available_again"] == [
        entry["event"] for entry in logs if entry["event"].startswith("store_")
    ]

    set_version(bench.url, "0000")
    bench.writer.close()
    Receiver(bench.writer, lambda: NOW, pause).receive("record_pattern", "malformed", "e")
    assert (1, 0, 1, 0) == bench.ledger()


def test_a_worker_that_is_to_stop_gives_the_message_back(bench: Bench) -> None:
    """With no effect, so that another worker applies it (spec 7, exactly once)."""
    set_version(bench.url, "0000")
    stopping = Receiver(bench.writer, lambda: NOW, lambda _: False)
    with pytest.raises(Stopping):
        stopping.receive(SIGHTING.KIND, SIGHTING.content(), "d")
    with pytest.raises(Stopping):
        stopping.receive(SIGHTING.KIND, "malformed", "e")
    with pytest.raises(Stopping):
        stopping.receive_recalculation(RECALCULATION.content(), "f")

    set_version(bench.url, REVISION)
    assert (0, 0, 0, 0) == bench.ledger()
    Receiver(bench.writer, lambda: NOW, never).receive(SIGHTING.KIND, SIGHTING.content(), "d")
    assert (1, 0, 0, 0) == bench.ledger()

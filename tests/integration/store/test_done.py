"""Who watches a writer is told what each committed transaction did: once, right after the commit, and of no other."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace

import pytest
from sqlalchemy import Connection
from sqlalchemy.event import listen
from structlog.testing import capture_logs

from ostinato.identity import pattern_id
from ostinato.messages.models import ApplyBatch, Message, RecordPattern, SoftDeletePattern
from store.database.tables import quarantine
from store.errors import StoreUnavailable
from store.events import Event, Item, Rejected
from store.writing.committed import Done
from store.writing.effects import apply
from store.writing.quarantine import marked_replayed
from store.writing.recalculation import recalculate
from store.writing.transaction import Writer
from tasks.receiver import Delivered, Receiver
from tests.integration.store.bench import DAY, NOW, Bench, Crash, application, recalculation, sighting, soft_delete

N = pattern_id("T", "n")
BAD = Rejected(raw=b"{", reason_code="not_json", reason_detail="why")


class Watched:
    """A writer, and what its watch was told."""

    def __init__(self, url: str) -> None:
        self.told: list[Done] = []
        self.writer = Writer(url, watch=self.told.append)
        self.receiver = Receiver(self.writer, lambda: NOW, lambda _: False)

    def apply(self, *items: Item) -> Done:
        """Apply items in one transaction; what the watch was told of it."""
        self.told.clear()
        with self.writer.transaction(lambda: NOW) as transaction:
            apply(transaction, items, task="apply_batch", delivery="d")
        (done,) = self.told
        return done


@pytest.fixture
def watched(bench: Bench) -> Generator[Watched]:
    """A writer to the bench's store."""
    watched = Watched(bench.url)
    with closing(watched.writer):
        yield watched


def ids(events: list[Event]) -> list[str]:
    """Their ids."""
    return [each.id for each in events]


def test_what_took_effect_and_what_did_not(watched: Watched) -> None:
    """Applied, parked, in the quarantine, and how many were brought; a merge; times that cannot be negative."""
    one, waits = sighting("n"), application("unknown")
    done = watched.apply(one, waits, BAD)

    assert ([one.id], [waits.id], [], ["not_json"]) == (
        ids(done.applied),
        ids(done.parked),
        ids(done.unparked),
        done.quarantined,
    )
    assert (NOW, 3, 0, 0) == (done.now, done.brought, done.duplicates, done.merges)
    assert done.seconds > 0


def test_what_comes_again_is_a_duplicate_only(watched: Watched) -> None:
    """It is brought, and nothing else; the same delivery is put into the quarantine once."""
    event = sighting()
    watched.apply(event, BAD)
    done = watched.apply(event, BAD)

    assert ([], [], []) == (done.applied, done.parked, done.quarantined)
    assert (2, 1) == (done.brought, done.duplicates)


def test_an_id_with_another_content_is_quarantined(watched: Watched) -> None:
    """With its reason, and as no duplicate."""
    event = sighting()
    watched.apply(event)
    done = watched.apply(sighting("other", id=event.id))

    assert (["id_reuse"], 0, []) == (done.quarantined, done.duplicates, done.applied)


def test_what_waited_is_told_apart(watched: Watched) -> None:
    """It was parked in one transaction and applied in another, or both in one."""
    early, late = application(N), soft_delete(N)
    watched.apply(early)
    done = watched.apply(late, seen := sighting())

    assert ([seen.id], [late.id]) == (ids(done.applied), ids(done.parked))
    assert {early.id, late.id} == set(ids(done.unparked))


def test_a_merge_is_told(watched: Watched) -> None:
    """Of a pattern that has the same content under another name."""
    watched.apply(sighting("not created"))

    assert 1 == watched.apply(sighting("not_created.")).merges


def test_lags_are_those_of_what_was_applied_as_it_came(watched: Watched) -> None:
    """In seconds; 0 for what is said to come later; not for what had been parked."""
    watched.apply(application(N, day=-5))
    done = watched.apply(sighting("n", day=-1), sighting("m", day=3))

    assert [DAY / 1e6, 0.0] == done.lags


def test_what_is_rolled_back_is_not_told(watched: Watched, bench: Bench) -> None:
    """Whatever it had done by then; the next try is told once."""
    event = sighting()
    with pytest.raises(Crash):
        replace(bench, writer=watched.writer).crash_after(event)
    assert [] == watched.told

    assert [event.id] == ids(watched.apply(event).applied)


def test_a_commit_that_fails_is_not_told(watched: Watched) -> None:
    """It has to be done by then, not only asked for."""

    def fail(_: Connection) -> None:
        raise Crash

    def commit_in_vain() -> None:
        with watched.writer.transaction(lambda: NOW) as transaction:
            listen(transaction.connection, "commit", fail)
            apply(transaction, [sighting()], task="t", delivery="d")

    with pytest.raises(Crash):
        commit_in_vain()

    assert [] == watched.told


def test_what_shares_a_commit_is_told_once(watched: Watched) -> None:
    """Messages that were fetched together: their tasks, which find them done, tell nothing more."""
    messages: list[Message] = [RecordPattern(pattern_type="T", pattern_name=f"n{number}") for number in range(3)]
    messages.append(ApplyBatch(messages=[RecordPattern(pattern_type="T", pattern_name="x")]))
    tasks = [Delivered(each.KIND, each.content(), f"d{number}") for number, each in enumerate(messages)]
    watched.receiver.receive_ahead(tasks)
    for each in tasks:
        watched.receiver.receive(*each)

    assert [(4, 4)] == [(done.brought, len(done.applied)) for done in watched.told]


def test_what_failed_together_is_told_as_it_is_applied_alone(watched: Watched) -> None:
    """One malformed text among them costs nothing and is told with its reason."""
    good = SoftDeletePattern(pattern_id="x")
    tasks = [Delivered(good.KIND, good.content(), "d1"), Delivered(good.KIND, "{", "d2")]
    watched.receiver.receive_ahead(tasks)
    for each in tasks:
        watched.receiver.receive(*each)

    assert [([str(good.id)], ["not_json"])] == [(ids(done.parked), done.quarantined) for done in watched.told]


def test_a_recalculation_is_told_when_it_begins_and_when_it_ends(watched: Watched) -> None:
    """It is applied with its first chunk; its seconds come with the last."""
    watched.apply(*(sighting(name) for name in "abc"))
    event, end = recalculation(), NOW + 7_000_000
    watched.told.clear()
    for now in (NOW, end):
        with watched.writer.transaction(lambda now=now: now) as transaction:
            recalculate(transaction, event, task="t", delivery="d", chunk=2)

    assert [([event.id], []), ([], [7.0])] == [(ids(done.applied), done.recalculated) for done in watched.told]


def test_what_comes_back_into_the_quarantine_is_told_again(watched: Watched, bench: Bench) -> None:
    """Replayed and still wrong: it was gone, or about to be, and is there again."""
    watched.apply(BAD)
    place = bench.row(quarantine)["id"]
    with marked_replayed(bench.writer, lambda: NOW, place, None):
        assert ["not_json"] == watched.apply(BAD).quarantined
    assert 1 == bench.store.stats().quarantined
    with marked_replayed(bench.writer, lambda: NOW + 1, place, None):
        pass
    assert 0 == bench.store.stats().quarantined
    assert ["not_json"] == watched.apply(BAD).quarantined
    assert 1 == bench.store.stats().quarantined


def test_an_error_of_the_watch_changes_nothing(bench: Bench) -> None:
    """The message is applied, and not put into the quarantine; the log has the error."""

    def fail(_: Done) -> None:
        raise ZeroDivisionError

    message = RecordPattern(pattern_type="T", pattern_name="n")
    with closing(Writer(bench.url, watch=fail)) as writer, capture_logs() as logs:
        Receiver(writer, lambda: NOW, lambda _: False).receive(message.KIND, message.content(), "d")

    assert (1, 0, 0, 0) == bench.ledger()
    assert ["watch_failed"] == [each["event"] for each in logs if each["log_level"] == "error"]


def test_the_receiver_says_whether_a_message_waits(bench: Bench) -> None:
    """From the first failure to the success; not before, and not after."""
    seen: list[bool] = []
    stopped = iter([True, False])

    def clock() -> int:
        seen.append(receiver.waits_for_store)
        if next(stopped):
            raise StoreUnavailable("away")
        return NOW

    receiver = Receiver(bench.writer, clock, lambda _: True)
    receiver.receive("record_pattern", RecordPattern(pattern_type="T", pattern_name="n").content(), "d")

    assert ([False, True], False) == (seen, receiver.waits_for_store)

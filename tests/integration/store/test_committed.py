"""The observer of a writer is told what each committed transaction did: once, right after the commit."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace

import pytest
from sqlalchemy import Connection
from sqlalchemy.event import listen

from ostinato.identity import pattern_id
from ostinato.messages.models import ApplyBatch, Message, RecordPattern, SoftDeletePattern
from store.database.tables import quarantine
from store.errors import StoreUnavailable
from store.events import Event, Item, Rejected
from store.writing.applying import apply
from store.writing.committed import Committed
from store.writing.quarantine import marked_replayed
from store.writing.recalculation import recalculate
from store.writing.transaction import Writer
from tasks.receiver import RawDelivery, Receiver
from tests.integration.store.bench import DAY, NOW, Bench, Crash, application, recalculation, sighting, soft_delete

N = pattern_id("T", "n")
BAD = Rejected(raw=b"{", reason_code="not_json", reason_detail="why")


class Observed:
    """A writer, and what its observer was told."""

    def __init__(self, url: str) -> None:
        self.told: list[Committed] = []
        self.writer = Writer(url, observer=self.told.append)
        self.receiver = Receiver(self.writer, lambda: NOW, lambda _: False)

    def apply(self, *items: Item) -> Committed:
        """Apply items in one transaction; what the observer was told of it."""
        self.told.clear()
        with self.writer.transaction(lambda: NOW) as transaction:
            apply(transaction, items, task="apply_batch", delivery="d")
        (done,) = self.told
        return done


@pytest.fixture
def observed(bench: Bench) -> Generator[Observed]:
    """A writer to the bench's store."""
    observed = Observed(bench.url)
    with closing(observed.writer):
        yield observed


def ids(events: list[Event]) -> list[str]:
    """Their ids."""
    return [each.id for each in events]


def test_what_took_effect_and_what_did_not(observed: Observed) -> None:
    """What was applied, parked and quarantined, by which delivery, how many messages it brought, and the times."""
    one, waits = sighting("n"), application("unknown")
    done = observed.apply(one, waits, BAD)

    assert ([one.id], [waits.id], [], ["not_json"]) == (
        ids(done.applied),
        ids(done.parked),
        ids(done.unparked),
        done.quarantined,
    )
    assert (NOW, ["d"], 3, 0, 0) == (done.now, done.deliveries, done.brought, done.duplicates, done.merges)
    assert done.seconds > 0


def test_a_message_that_comes_again_is_only_a_duplicate(observed: Observed) -> None:
    """It counts as brought and as a duplicate; the same delivery enters the quarantine once."""
    event = sighting()
    observed.apply(event, BAD)
    done = observed.apply(event, BAD)

    assert ([], [], []) == (done.applied, done.parked, done.quarantined)
    assert (2, 1) == (done.brought, done.duplicates)


def test_an_id_with_another_content_is_quarantined(observed: Observed) -> None:
    """With its reason; it is no duplicate."""
    event = sighting()
    observed.apply(event)
    done = observed.apply(sighting("other", id=event.id))

    assert (["id_reuse"], 0, []) == (done.quarantined, done.duplicates, done.applied)


def test_a_message_that_waited_is_unparked(observed: Observed) -> None:
    """Whether it was parked in an earlier transaction or in the same one."""
    early, late = application(N), soft_delete(N)
    observed.apply(early)
    done = observed.apply(late, seen := sighting())

    assert ([seen.id], [late.id]) == (ids(done.applied), ids(done.parked))
    assert {early.id, late.id} == set(ids(done.unparked))


def test_a_merge_is_counted(observed: Observed) -> None:
    """Of a sighting that has the content of a pattern with another name."""
    observed.apply(sighting("not created"))

    assert 1 == observed.apply(sighting("not_created.")).merges


def test_lags_are_those_of_messages_applied_on_arrival(observed: Observed) -> None:
    """In seconds; 0 for an event time in the future; none for a message that had been parked."""
    observed.apply(application(N, day=-5))
    done = observed.apply(sighting("n", day=-1), sighting("m", day=3))

    assert [DAY / 1e6, 0.0] == done.lags


def test_a_rollback_is_not_told(observed: Observed, bench: Bench) -> None:
    """Whatever the transaction had done; the next try is told once."""
    event = sighting()
    with pytest.raises(Crash):
        replace(bench, writer=observed.writer).crash_after(event)
    assert [] == observed.told

    assert [event.id] == ids(observed.apply(event).applied)


def test_a_commit_that_fails_is_not_told(observed: Observed) -> None:
    """The commit has to be complete, not only requested."""

    def fail(_: Connection) -> None:
        raise Crash

    def commit_in_vain() -> None:
        with observed.writer.transaction(lambda: NOW) as transaction:
            listen(transaction.connection, "commit", fail)
            apply(transaction, [sighting()], task="t", delivery="d")

    with pytest.raises(Crash):
        commit_in_vain()

    assert [] == observed.told


def test_a_shared_commit_is_told_once(observed: Observed) -> None:
    """Messages that were fetched together: their tasks find them applied, and commit nothing more."""
    messages: list[Message] = [RecordPattern(pattern_type="T", pattern_name=f"n{number}") for number in range(3)]
    messages.append(ApplyBatch(messages=[RecordPattern(pattern_type="T", pattern_name="x")]))
    tasks = [RawDelivery(each.KIND, each.content(), f"d{number}") for number, each in enumerate(messages)]
    observed.receiver.receive_ahead(tasks)
    for each in tasks:
        observed.receiver.receive(*each)

    (done,) = observed.told
    assert (["d0", "d1", "d2", "d3"], 4, 4) == (done.deliveries, done.brought, len(done.applied))


def test_a_malformed_message_shares_the_commit(observed: Observed) -> None:
    """It costs the others nothing, and is told with its reason."""
    good = SoftDeletePattern(pattern_id="x")
    tasks = [RawDelivery(good.KIND, good.content(), "d1"), RawDelivery(good.KIND, "{", "d2")]
    observed.receiver.receive_ahead(tasks)
    for each in tasks:
        observed.receiver.receive(*each)

    assert [([str(good.id)], ["not_json"])] == [(ids(done.parked), done.quarantined) for done in observed.told]


def test_a_recalculation_is_told_at_its_begin_and_at_its_end(observed: Observed) -> None:
    """It counts as applied with its first chunk; its seconds come with the last one."""
    observed.apply(*(sighting(name) for name in "abc"))
    event, end = recalculation(), NOW + 7_000_000
    observed.told.clear()
    for now in (NOW, end):
        with observed.writer.transaction(lambda now=now: now) as transaction:
            recalculate(transaction, event, task="t", delivery="d", chunk=2)

    assert [([event.id], []), ([], [7.0])] == [(ids(done.applied), done.recalculated) for done in observed.told]
    assert [["d"], ["d"]] == [done.deliveries for done in observed.told]


def test_a_message_that_comes_back_into_the_quarantine_is_told_again(observed: Observed, bench: Bench) -> None:
    """It was replayed and is still malformed: it had left the quarantine, or was about to, and is there again."""
    observed.apply(BAD)
    place = bench.row(quarantine)["id"]
    with marked_replayed(bench.writer, lambda: NOW, place, None):
        assert ["not_json"] == observed.apply(BAD).quarantined
    assert 1 == bench.store.stats().quarantined
    with marked_replayed(bench.writer, lambda: NOW + 1, place, None):
        pass
    assert 0 == bench.store.stats().quarantined
    assert ["not_json"] == observed.apply(BAD).quarantined
    assert 1 == bench.store.stats().quarantined


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

"""Messages that are fetched together are applied in one transaction, ahead of their tasks, with the same effect."""

import json
from contextlib import closing

import pytest

from ostinato.messages.models import ApplyBatch, Message, RecalculateAllPatternPriorities, RecordPattern
from store.database.tables import quarantine
from store.errors import StoreUnavailable
from store.writing.transaction import Writer
from tasks.receiver import RawDelivery, Receiver, Stopping
from tests.integration.store.bench import NOW, Bench


class Clock:
    """Counts how often it is read: once in each transaction."""

    transactions = 0

    def __call__(self) -> int:
        """Always the same moment."""
        self.transactions += 1
        return NOW


@pytest.fixture
def clock() -> Clock:
    """The receiver's clock."""
    return Clock()


@pytest.fixture
def receiver(bench: Bench, clock: Clock) -> Receiver:
    """A receiver that does not wait for its store."""
    return Receiver(bench.writer, clock, lambda _: False)


def broken_clock() -> int:
    """A store that is unavailable, as the receiver sees it."""
    raise StoreUnavailable("away")


def broken(*_: object) -> None:
    """A defect of ours."""
    raise ZeroDivisionError


def sightings(count: int) -> list[RecordPattern]:
    """Sightings of this many patterns."""
    return [RecordPattern(pattern_type="T", pattern_name=f"n{number}") for number in range(count)]


def delivered(*messages: Message) -> list[RawDelivery]:
    """Their deliveries, each with an id of its own."""
    return [RawDelivery(each.KIND, each.content(), f"d{number}") for number, each in enumerate(messages)]


def run(receiver: Receiver, tasks: list[RawDelivery]) -> None:
    """Run the tasks one after the other."""
    for each in tasks:
        receiver.receive(*each)


def test_they_share_a_transaction(bench: Bench, receiver: Receiver, clock: Clock) -> None:
    """Batches too; their tasks find them applied, and count nothing twice (spec 7.1)."""
    tasks = delivered(*sightings(3), ApplyBatch(messages=sightings(5)[3:]))
    receiver.receive_ahead(tasks)
    assert (1, (5, 0, 0, 0)) == (clock.transactions, bench.ledger())
    run(receiver, tasks)
    assert (1, (5, 0, 0, 0)) == (clock.transactions, bench.ledger())


def test_one_that_comes_again_is_a_duplicate(bench: Bench, receiver: Receiver) -> None:
    """In the same fetch, with the same delivery id or another one, and in a later fetch."""
    (one,) = delivered(*sightings(1))
    tasks = [one, one, one._replace(id="other")]
    receiver.receive_ahead(tasks)
    run(receiver, tasks)
    run(receiver, [one])
    assert (1, 3) == (bench.store.stats().applied, bench.store.stats().duplicates)


def test_what_cannot_be_applied_is_kept_with_its_own_task(bench: Bench, receiver: Receiver, clock: Clock) -> None:
    """A malformed message, and one whose id belongs to another; the others are applied (spec 4, 5)."""
    one, other = sightings(2)
    reused = json.dumps({**json.loads(other.content()), "id": str(one.id)})
    tasks = [*delivered(one), RawDelivery("soft_delete_pattern", "{", "m"), RawDelivery("record_pattern", reused, "r")]
    receiver.receive_ahead(tasks)
    run(receiver, tasks)
    kept = [(row["task"], row["reason_code"]) for row in bench.rows(quarantine)]
    assert [("record_pattern", "id_reuse"), ("soft_delete_pattern", "not_json")] == sorted(kept)
    assert (1, 1) == (clock.transactions, bench.store.stats().applied)


def test_a_recalculation_is_left_to_its_task(bench: Bench, receiver: Receiver) -> None:
    """It may need more than one transaction (spec 5.5); later messages are not applied before it."""
    recalculation = RecalculateAllPatternPriorities()
    one, other = sightings(2)
    receiver.receive_ahead(delivered(one, recalculation, other))
    assert (1, None) == (bench.store.stats().applied, bench.store.stats().last_recalculation)
    assert receiver.receive_recalculation(recalculation.content(), "d1")
    assert bench.store.stats().last_recalculation is not None


def test_where_it_fails_each_task_tries_for_its_own(
    bench: Bench, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is applied ahead, and no task takes its message for applied."""
    tasks = delivered(*sightings(2))
    receiver.receive_ahead(delivered(*sightings(1)))
    with monkeypatch.context() as patch:
        patch.setattr("tasks.receiver.apply_in_turn", broken)
        receiver.receive_ahead(tasks)
    assert 1 == bench.store.stats().applied
    run(receiver, tasks)
    assert 3 == bench.store.stats().applied


def test_the_memory_of_what_was_applied_ahead_is_freed(receiver: Receiver) -> None:
    """Also after a message that was fetched alone: a worker's memory does not grow with what it has seen."""
    tasks = delivered(*sightings(4))
    receiver.receive_ahead(tasks[:2])
    run(receiver, tasks)
    assert {} == dict(vars(type(receiver))["_ahead"].__get__(receiver))


def test_a_stop_is_heard_once_for_all(bench: Bench) -> None:
    """The other messages of the fetch go back at once, without a try of their own."""
    tries: list[float] = []

    def stop(seconds: float) -> bool:
        tries.append(seconds)
        return False

    with closing(Writer(bench.url)) as writer:
        receiver = Receiver(writer, broken_clock, stop)
        for each in delivered(*sightings(3)):
            with pytest.raises(Stopping):
                receiver.receive(*each)
    assert 1 == len(tries)


def test_nothing_is_done_ahead_of_a_recalculation_that_comes_first(receiver: Receiver, clock: Clock) -> None:
    """Not even an empty transaction, which would be counted."""
    recalculation = RecalculateAllPatternPriorities()
    receiver.receive_ahead(delivered(recalculation, *sightings(2)))
    assert 0 == clock.transactions

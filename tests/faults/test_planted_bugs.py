"""The oracle finds bugs: each is planted in a running worker or beat, and the smallest fault that shows it is injected.

The same bugs, planted in the store and its tasks alone, are found by the searches of
`tests/integration/store/test_planted_bugs.py`; fetching that is not atomic shows only here, in the broker.
"""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ostinato.messages.models import ApplyBatch, RecordPattern
from ostinato.publishing.publisher import producer_app, publish_text
from store.database.tables import quarantine
from tests.faults import armed, planted
from tests.faults.ledger import Outcome
from tests.faults.rig import Rig
from tests.faults.test_several import EVERY, recalculated, slots
from tests.samples.envelopes import text
from tests.servers.databases import Database
from tests.waiting import ended, wait_until
from worker.processes.child import Child

APP = "tests.faults.planted"
KILLED = 137


def test_stock_fetch_is_found(rig: Rig) -> None:
    """A worker that dies between kombu's two steps takes the message along."""
    assert {"lost"} == found_after_a_kill(rig, "stock fetch", planted.AFTER_STOCK_FETCH, "3") - {"keys"}


def test_acknowledging_before_the_commit_is_found(rig: Rig) -> None:
    """A worker that dies before its commit takes the message along."""
    assert {"lost"} == found_after_a_kill(rig, "acknowledge before commit", "before COMMIT")


def test_a_missing_inbox_is_found(rig: Rig) -> None:
    """A message that comes again after a kill counts again."""
    assert "twice" in found_after_a_kill(rig, "no inbox", "after COMMIT")


def test_a_new_id_for_what_comes_again_is_found(rig: Rig) -> None:
    """A message that no test sent is applied, and its effect is another's."""
    message = RecordPattern(pattern_type="test", pattern_name="sent twice")
    with worker_with(rig, "replay under a new id"):
        rig.send_all(message, message)
        assert "invented" in rig.judge().defects


def test_a_window_in_the_order_of_arrival_is_found(rig: Rig) -> None:
    """Scores are others than the model's, which goes by event times."""
    with worker_with(rig, "window ordered by applied time"):
        rig.send_all(*rig.stream().take(200))
        assert {"scores"} == set(rig.judge().defects)


def test_a_slot_key_in_local_time_is_found(rig: Rig) -> None:
    """Two beats in two time zones have two messages for each slot."""
    every = {"OSTINATO_RECALCULATE_EVERY": f"{EVERY.seconds}", planted.PLANT: "slot key in local time"}
    begun = datetime.now(UTC)
    with (
        rig.worker(),
        rig.product.beat("one", env={**every, "TZ": "Asia/Kolkata"}, app=APP),
        rig.product.beat("other", env={**every, "TZ": "UTC"}, app=APP),
    ):
        wait_until(lambda: len(recalculated(rig)) >= 4, why="slots have passed")
    with rig.worker():
        rig.ledger.note(Outcome.INFO, *slots(begun, datetime.now(UTC)))
        assert "invented" in rig.judge().defects


@pytest.mark.parametrize("plant", [None, "quarantine outside the transaction"])
def test_a_quarantine_outside_the_transaction_is_found(rig: Rig, plant: str | None) -> None:
    """What a worker writes before its commit is gone when it dies, the quarantine's row too; without the bug it is."""
    good = RecordPattern(pattern_type="test", pattern_name="good")
    batch = ApplyBatch(messages=[good]).content().replace('"messages":[', f'"messages":[{text(pattern_name="")},')
    with producer_app(rig.product.settings) as app:
        publish_text(app, "apply_batch", batch, summary="2 messages")
    # With the bug, the first commit is the quarantine's.
    passes = {armed.POINT: "before COMMIT", armed.PASS: "1" if plant else "0"}
    env = passes | ({planted.PLANT: plant} if plant else {})
    with rig.worker(env=env, app=APP if plant else "tests.faults.armed") as worker:
        assert KILLED == ended(worker)
    assert (1 if plant else 0, 0) == (len(rig.product.rows(quarantine)), rig.applied())


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_test_by_rowcount_is_found(home: Path, seed: str, database: Database) -> None:
    """Where the driver does not know how many rows it wrote, each message is new every time."""
    url = database.new_store()
    message = RecordPattern(pattern_type="test", pattern_name="sent twice")
    with Rig(home, seed, store_url=url) as rig, worker_with(rig, "rowcount test"):
        rig.send_all(message, message)
        assert "twice" in rig.judge().defects
    database.drop(url)


def found_after_a_kill(rig: Rig, plant: str, point: str, passes: str = "0") -> set[str]:
    """The defects after a worker with this bug was killed once at a point, the first time or after some."""
    rig.send_all(*[RecordPattern(pattern_type="test", pattern_name=f"case {n}") for n in range(10)])
    with worker_with(rig, plant, {armed.POINT: point, armed.PASS: passes}) as worker:
        assert KILLED == ended(worker)
    with worker_with(rig, plant):
        return set(rig.judge().defects)


@contextmanager
def worker_with(rig: Rig, plant: str, env: dict[str, str] | None = None) -> Generator[Child]:
    """A worker in which a bug is planted."""
    with rig.worker(env={planted.PLANT: plant, **(env or {})}, app=APP) as worker:
        yield worker

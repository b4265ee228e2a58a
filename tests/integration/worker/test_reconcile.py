"""A broker that lost what it had taken: the outbox still has it, and sends it again."""

import json
import shutil
import sys
from typing import Any

import pytest

from ostinato import Producer
from ostinato.settings.outbox import OutboxSettings
from store.database.tables import inbox
from tests.product import Product
from tests.servers.brokers import EmbeddedValkey, free_port
from tests.waiting import LONGEST, wait_until

FORKING = """
import os
from ostinato import record_pattern
record_pattern.delay(pattern_type="test", pattern_name="before")
child = os.fork()
for number in range(100):
    record_pattern.delay(pattern_type="test", pattern_name=f"{'parent' if child else 'child'} {number}")
if not child:
    os._exit(0)
print(os.waitpid(child, 0)[1])
"""


def producer(product: Product, **other: Any) -> Producer:  # noqa: ANN401 - a setting may have any type
    """A producer of the home folder."""
    return Producer(OutboxSettings(home=product.home, **other))


def record(producer: Producer, name: str, count: int = 300) -> None:
    """Record some patterns; the broker takes them."""
    for number in range(count):
        producer.record_pattern(pattern_type="test", pattern_name=f"{name} {number}")
    assert producer.flush(LONGEST)


@pytest.mark.long
def test_emptied_broker_is_filled_again(embedded: Product) -> None:
    """What was applied is left alone, what is quarantined too; the rest is sent again, and once more does nothing."""
    with producer(embedded) as recording:
        record(recording, "applied")
        with embedded.worker():
            embedded.wait_for(applied=300)
        record(recording, "lost")
        embedded.client.flushdb()
        finished = embedded.cli("reconcile")
        assert (0, "looked for 600, sent 300 again\n") == (finished.code, finished.out)
        with embedded.worker():
            stats = embedded.wait_for(applied=600)
        assert "looked for 600, sent 0 again\n" == embedded.cli("reconcile").out
    assert (600, 600, 0) == (stats.patterns, stats.sightings, stats.duplicates)


@pytest.mark.long
def test_broker_that_lost_its_disk_is_filled_again(alone: Product) -> None:
    """It comes back empty; the producers and the worker go on by themselves, and nothing is missing in the end."""
    with alone.worker(), producer(alone) as recording:
        with EmbeddedValkey(alone.home) as broker:
            record(recording, "applied")
            alone.wait_for(applied=300)
            broker.kill()
        record_unsent(recording)
        for path in alone.home.glob("broker*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        with EmbeddedValkey(alone.home):
            assert recording.flush(LONGEST)
            finished = alone.cli("reconcile")
            assert 0 == finished.code
            ids = wait_until(lambda: len(alone.rows(inbox)) == 600, why="all are applied")
    assert ids


@pytest.mark.parametrize("keep", [0, 3600])
def test_what_a_killed_broker_forgot_is_sent_again(alone: Product, keep: float) -> None:
    """A broker that comes back without its last messages gets them from the producer, which kept them."""
    with producer(alone, outbox_keep=keep) as recording:
        with EmbeddedValkey(alone.home) as broker:
            record(recording, "forgotten")
            alone.client.flushdb()
            broker.kill()
        with EmbeddedValkey(alone.home), alone.worker():
            assert 300 == alone.wait_for(applied=300).patterns


def record_unsent(producer: Producer) -> None:
    """Record some patterns while there is no broker."""
    for number in range(300):
        producer.record_pattern(pattern_type="test", pattern_name=f"waiting {number}")


def test_what_the_queue_holds_is_not_lost(embedded: Product) -> None:
    """Without a worker there is nothing to say yet; told not to wait, it sends a second copy, which is a duplicate."""
    with producer(embedded) as recording:
        record(recording, "queued", 10)
        assert 0 == embedded.cli("migrate").code
        finished = embedded.cli("reconcile", "--timeout", "0.3")
        assert (1, True) == (finished.code, "is a worker running?" in finished.err)
        assert "looked for 10, sent 10 again\n" == embedded.cli("reconcile", "--now").out
        with embedded.worker():
            stats = embedded.wait_for(applied=10, duplicates=10)
    assert 10 == stats.patterns


def test_command_shows_and_sends_what_waits(alone: Product) -> None:
    """Exit code 1 while anything waits, and 3 where it cannot be sent."""
    with producer(alone) as recording:
        for number in range(3):
            recording.soft_delete_pattern(pattern_id=f"pattern {number}")
        recording.close(0)
        shown = alone.cli("outbox", "status", "--json")
        (state,) = json.loads(shown.out)
        assert (1, 3, None, 0) == (shown.code, state["waiting"], state["process"], state["kept"])
        assert 3 == alone.cli("outbox", "flush", "--timeout", "1").code
        with EmbeddedValkey(alone.home):
            flushed = alone.cli("outbox", "flush")
            assert (0, "sent 3, waiting 0\n") == (flushed.code, flushed.out)
            shown = alone.cli("outbox", "status")
            assert (0, True) == (shown.code, "ended" in shown.out)


def test_flush_waits_for_those_that_run(embedded: Product) -> None:
    """Their files are theirs: they send what is in them, and until they have, something waits."""
    with producer(embedded, broker_url=f"redis://127.0.0.1:{free_port()}") as elsewhere:
        elsewhere.record_pattern(pattern_type="test", pattern_name="of a process that runs")
        flushed = embedded.cli("outbox", "flush", "--timeout", "0.3")
        assert (1, "sent 0, waiting 1\n") == (flushed.code, flushed.out)
        elsewhere.close(0)
    assert "sent 1, waiting 0\n" == embedded.cli("outbox", "flush").out


def test_tasks_survive_a_fork(embedded: Product) -> None:
    """Parent and child send by `delay` on connections of their own."""
    assert (0, "0\n", "") == embedded.run(sys.executable, "-c", FORKING)
    with embedded.worker():
        assert 201 == embedded.wait_for(applied=201).patterns

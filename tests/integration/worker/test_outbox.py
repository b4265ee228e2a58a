"""A producer with an outbox: its calls never wait for the broker, and no end of its process loses what it took."""

import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from importlib import import_module
from logging.handlers import QueueHandler
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, cast

import pytest

from ostinato import Producer
from ostinato.errors import MalformedMessage, OutboxFull
from ostinato.messages.models import ApplyBatch, RecordPattern, RecordPatternApplication
from ostinato.messages.routing import QUEUE
from ostinato.outbox.file import Outbox
from ostinato.outbox.folder import take
from ostinato.outbox.inspection import states
from ostinato.settings.outbox import OutboxSettings
from store.database.tables import inbox
from tests.product import Product
from tests.servers.brokers import EmbeddedValkey, Server
from tests.waiting import LONGEST, ended, wait_until

ID_LENGTH = 36
AT_EXIT = """
from ostinato import Producer
producer = Producer()
for number in range(100):
    producer.record_pattern(pattern_type="test", pattern_name=f"sighting {number}")
"""
FOR_EVER = """
from itertools import count
from ostinato import Producer
from ostinato.messages.models import RecordPattern
with Producer() as producer:
    for number in count():
        message = RecordPattern(pattern_type="test", pattern_name=f"sighting {number}")
        producer.send(message)
        print(message.id, flush=True)
"""
PREFORK = """
import os
from ostinato import Producer
producer = Producer()
producer.record_pattern(pattern_type="test", pattern_name="parent, before")
children = []
for number in range(3):
    child = os.fork()
    if not child:
        producer.record_pattern(pattern_type="test", pattern_name=f"child {number}")
        producer.close()
        os._exit(0)
    children.append(child)
producer.record_pattern(pattern_type="test", pattern_name="parent, after")
print([os.waitpid(child, 0)[1] for child in children])
"""


def settings(product: Product, **other: Any) -> OutboxSettings:  # noqa: ANN401 - a setting may have any type
    """What a producer of this test's has to know."""
    return OutboxSettings(home=product.home, broker_url=product.settings.broker_url, **other)


@pytest.fixture
def producer(stopped_broker: Server, home: Path) -> Generator[Producer]:
    """A producer whose broker, of each kind in turn, does not run yet."""
    with Producer(OutboxSettings(home=home, broker_url=stopped_broker.url)) as producer:
        yield producer


def record(producer: Producer, count: int, name: str = "sighting") -> None:
    """Record ``count`` patterns."""
    for number in range(count):
        producer.record_pattern(pattern_type="test", pattern_name=f"{name} {number}")


def queued(product: Product) -> list[dict[str, Any]]:
    """What is in the queue, in the order of arrival: for each task its headers."""
    return [json.loads(raw)["headers"] for raw in reversed(product.client.lrange(QUEUE, 0, -1))]


@contextmanager
def logged() -> Generator[SimpleQueue[logging.LogRecord]]:
    """What the producer logs meanwhile."""
    records: SimpleQueue[logging.LogRecord] = SimpleQueue()
    handler = QueueHandler(records)
    logger = logging.getLogger("ostinato")
    logger.addHandler(handler)
    yield records
    logger.removeHandler(handler)


def test_calls_return_ids_while_the_broker_is_away(producer: Producer, stopped_broker: Server, home: Path) -> None:
    """What they recorded is applied when it is back, each once."""
    pattern_id = producer.record_pattern(pattern_type="test", pattern_name="sighting 0")
    application_id = producer.record_pattern_application(
        pattern_id=pattern_id, execution_id="run", pattern_led_to_success=True
    )
    record(producer, 999, "other")
    assert (1001, False) == (producer.waiting, producer.flush(0.1))
    with stopped_broker, Product(home, stopped_broker.url) as product, product.worker():
        stats = product.wait_for(applied=1001)
        assert (1000, 0, 0) == (stats.patterns, stats.duplicates, stats.quarantined)
        assert [application_id] == [each.id for each in product.store.applications(pattern_id)]
        assert (True, 0) == (producer.flush(LONGEST), producer.waiting)


def test_bad_fields_are_refused_in_the_caller(producer: Producer) -> None:
    """With the reason code; nothing is kept of it."""
    with pytest.raises(MalformedMessage, match="pattern_name_length"):
        producer.record_pattern(pattern_type="test", pattern_name="")
    for wrong, given, named in (("positional", ["some pattern"], {}), ("colour", [], {"colour": "red"})):
        with pytest.raises(TypeError, match=wrong):
            cast("Any", producer).soft_delete_pattern(*given, **named)
    with pytest.raises(TypeError, match="one by one"):
        producer.send(ApplyBatch(messages=[RecordPattern(pattern_type="test", pattern_name="x")]))
    assert 0 == producer.waiting


def test_messages_travel_in_batches(alone: Product) -> None:
    """Up to 500 and up to the batch's bytes together; what no batch may hold by itself, and all in their order."""
    with Producer(settings(alone)) as producer:
        record(producer, 700)
        producer.recalculate_all_pattern_priorities()
        long = "x" * 10_000
        for number in range(60):
            producer.record_pattern(
                pattern_type="long", pattern_name=str(number), description=long, suggested_action=long
            )
    with EmbeddedValkey(alone.home):
        assert 0 == Producer(settings(alone)).close(LONGEST)
        kinds = [(each["task"], each["argsrepr"]) for each in queued(alone)]
        with alone.worker():
            stats = alone.wait_for(applied=761)
    batches = [int(words.split()[0]) for task, words in kinds if task == ApplyBatch.KIND]
    assert [500, 200] == batches[:2]
    assert ("recalculate_all_pattern_priorities", "all patterns") == kinds[2]
    assert (60, True) == (sum(batches[2:]), len(batches) > 3)
    assert (760, 0) == (stats.patterns, stats.quarantined)


def test_one_message_alone_is_a_task_of_its_own_kind(embedded: Product) -> None:
    """So that the dashboard shows what it is about; the task has the message's id."""
    with Producer(settings(embedded)) as producer:
        message_id = producer.soft_delete_pattern(pattern_id="some pattern")
        assert producer.flush(LONGEST)
    (headers,) = queued(embedded)
    assert ("soft_delete_pattern", "some pattern", message_id) == (headers["task"], headers["argsrepr"], headers["id"])


def test_hanging_broker_holds_up_no_call(alone: Product) -> None:
    """A server that takes the connection and never answers is waited for by the thread alone; the log says it once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(LONGEST)
        url = f"redis://127.0.0.1:{server.getsockname()[1]}"
        with logged() as records:
            producer = Producer(OutboxSettings(home=alone.home, broker_url=url))
            record(producer, 1)
            with server.accept()[0] as connection:
                # The thread is in the middle of its attempt, and does not let go of the connection yet.
                assert b"" != connection.recv(1)
                record(producer, 1000)
                connection.settimeout(0)
                assert b"" != connection.recv(1)
            server.accept()[0].close()
            server.accept()[0].close()
            assert 1001 == producer.close(0)
    assert ["WARNING"] == [records.get().levelname for _ in range(records.qsize())]


def test_outbox_is_bounded_by_age(alone: Product) -> None:
    """While the broker is away and a message has waited for too long, none is taken; afterwards they are again."""
    with Producer(settings(alone, outbox_age=0.001)) as producer:
        record(producer, 1)
        with pytest.raises(OutboxFull, match="OSTINATO_OUTBOX_AGE"):
            wait_until(lambda: record(producer, 1), why="the broker is known to be away")
        with EmbeddedValkey(alone.home):
            assert producer.flush(LONGEST)
            record(producer, 1)
            assert producer.flush(LONGEST)


def test_end_of_the_interpreter_sends_the_rest(embedded: Product) -> None:
    """A producer need not be closed."""
    assert (0, "", "") == embedded.run(sys.executable, "-c", AT_EXIT)
    with embedded.worker():
        assert 100 == embedded.wait_for(applied=100).patterns


def test_end_of_the_interpreter_waits_for_no_broker(alone: Product) -> None:
    """What could not be sent stays, and the next producer of any process sends it."""
    finished = alone.run(sys.executable, "-c", AT_EXIT)
    assert (0, "") == (finished.code, finished.out)
    assert [100] == [state.contents.waiting for state in states(settings(alone).outbox_folder)]
    with EmbeddedValkey(alone.home), alone.worker():
        Producer(settings(alone)).close()
        assert 100 == alone.wait_for(applied=100).patterns


def test_running_producer_sends_what_others_left(alone: Product) -> None:
    """Also while it has nothing to send itself."""
    with Producer(settings(alone)):
        for _ in range(3):
            assert 0 == alone.run(sys.executable, "-c", AT_EXIT).code
        assert [0, 300] == [state.contents.waiting for state in states(settings(alone).outbox_folder)]
        with EmbeddedValkey(alone.home), alone.worker():
            assert 100 == alone.wait_for(applied=300).patterns


def killed(product: Product, name: str) -> set[str]:
    """A producer that is killed while it records; the ids of the messages that its calls had returned for."""
    with product.start(name, sys.executable, "-c", FOR_EVER) as process:
        wait_until(lambda: product.log(name).count("\n") > 50, why="some are taken")
        os.kill(process.pid, signal.SIGKILL)
        assert 128 + signal.SIGKILL == ended(process)
    return {line for line in product.log(name).splitlines() if len(line) == ID_LENGTH}


def test_no_kill_loses_what_a_call_returned_for(alone: Product) -> None:
    """Killed at any moment, with a broker or without, a producer leaves all behind for `ostinato outbox flush`."""
    returned = {message for number in range(5) for message in killed(alone, f"without {number}")}
    with EmbeddedValkey(alone.home), alone.worker():
        returned |= {message for number in range(5) for message in killed(alone, f"with {number}")}
        alone.flush()
        wait_until(lambda: returned <= {row["message_id"] for row in alone.rows(inbox)}, why="all are applied")
    assert len(returned) > 500


def test_children_of_a_fork_have_outboxes_of_their_own(embedded: Product) -> None:
    """What parent and children record arrives, each once."""
    assert (0, "[0, 0, 0]\n", "") == embedded.run(sys.executable, "-W", "ignore", "-c", PREFORK)
    with embedded.worker():
        stats = embedded.wait_for(applied=5)
    assert (5, 0) == (stats.patterns, stats.duplicates)


def _record_in_child(producer: Producer, name: str) -> None:
    record(producer, 50, name)


@pytest.mark.parametrize("library", ["multiprocessing", "billiard"])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_pools_may_share_a_producer(embedded: Product, library: str) -> None:
    """Python's processes and Celery's, which end without a word, while threads of the parent record too."""
    process = import_module(f"{library}.context").ForkProcess
    with Producer(settings(embedded)) as producer:
        threads = [Thread(target=record, args=(producer, 50, f"thread {number}")) for number in range(4)]
        children = [process(target=_record_in_child, args=(producer, f"child {number}")) for number in range(3)]
        for each in (*threads, *children):
            each.start()
        for each in (*threads, *children):
            each.join(LONGEST)
        record(producer, 1)
        with embedded.worker():
            stats = embedded.wait_for(applied=351)
    assert (351, 0) == (stats.patterns, stats.duplicates)


def test_message_of_another_version_holds_up_none(alone: Product) -> None:
    """One that this version would not make goes to the worker, which has the last word, and the next ones go on."""
    with take(settings(alone).outbox_folder) as place, closing(Outbox(place.path)) as outbox:
        outbox.add("x", "record_pattern", '{"kind": "record_pattern"}', limit=10**9)
    with Producer(settings(alone)) as producer:
        producer.recalculate_all_pattern_priorities()
        with EmbeddedValkey(alone.home), alone.worker():
            assert 1 == alone.wait_for(quarantined=1, applied=1).quarantined


def test_file_that_cannot_be_used_holds_up_none(embedded: Product) -> None:
    """A producer takes the next one; the commands do what they can, say what is wrong, and exit with 1."""
    folder = settings(embedded).outbox_folder
    folder.mkdir(parents=True)
    (folder / "1.db").write_text("something else" * 100)
    with Producer(settings(embedded)) as producer:
        record(producer, 3)
        assert producer.flush(LONGEST)
    for command in (("outbox", "status"), ("outbox", "flush")):
        done = embedded.cli(*command)
        assert (1, True) == (done.code, "not a database" in done.err)
    assert 0 == embedded.cli("migrate").code
    done = embedded.cli("reconcile", "--now")
    assert (1, "looked for 3, sent 3 again\n", True) == (done.code, done.out, "not a database" in done.err)


def test_closed_producer_opens_again(embedded: Product) -> None:
    """A message after closing is as good as one before."""
    producer = Producer(settings(embedded))
    assert 0 == producer.close()
    producer.record_pattern_application(pattern_id="some pattern", execution_id="run", pattern_led_to_success=True)
    assert 0 == producer.close()
    assert [RecordPatternApplication.KIND] == [each["task"] for each in queued(embedded)]

"""A worker at a RabbitMQ server: what it says of it, how it keeps its connection, and how it leaves."""

import json
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from time import sleep

import pytest
from amqp import Message
from celery import Celery
from celery.platforms import EX_FAILURE

from ostinato.messages.models import RecordPattern
from ostinato.messages.routing import QUEUE, queue_of
from ostinato.publishing.signature import signature_of
from tests.integration.worker.test_interruptions import locked
from tests.product import Product
from tests.quick_heartbeats import SECONDS
from tests.samples.envelopes import body, text
from tests.servers.rabbit import USER, RabbitServer
from tests.waiting import ended, wait_until
from worker.broker.rabbitmq.queues import declare
from worker.processes.child import Child

ROOT = Path(__file__).parents[3]
SIGHTING = RecordPattern(pattern_type="T", pattern_name="n")
TASK = {"lang": "py", "task": "record_pattern", "id": "1", "root_id": "1", "parent_id": None}


def counts(server: RabbitServer) -> tuple[int, int]:
    """How many messages wait in the queue, and how many consume."""
    return server.counts(QUEUE)[0]


def put(server: RabbitServer, queue: str, headers: Mapping[str, object]) -> None:
    """Put a message with these headers on a queue, made where it is not there."""
    properties = {"content_type": "application/json", "content_encoding": "utf-8"}
    with server.connect() as connection, closing(connection.channel()) as channel:
        declare(channel, queue)
        channel.basic_publish(Message(body([text()]), application_headers=headers, **properties), routing_key=queue)


def test_a_missing_right_is_a_sentence(at_rabbit: Product, rabbit_server: RabbitServer) -> None:
    """The worker that may not make its queue says so once, shows no traceback, and ends as one that failed."""
    rabbit_server.control("set_permissions", USER, "^$", ".*", ".*")
    try:
        with at_rabbit.worker() as worker:
            assert EX_FAILURE == ended(worker)
    finally:
        rabbit_server.control("set_permissions", USER, ".*", ".*", ".*")
    log = at_rabbit.log("worker")
    assert (1, False) == (log.count('"broker_refuses"'), "Traceback" in log)
    assert "ACCESS_REFUSED" in log


def test_what_lies_in_a_lane_too_many_is_named(at_rabbit: Product, rabbit_server: RabbitServer) -> None:
    """No worker serves it since the number of lanes was lowered: the log says so."""
    put(rabbit_server, queue_of(1), TASK)
    with at_rabbit.worker():
        wait_until(lambda: "messages_in_a_lane_too_many" in at_rabbit.log("worker"), why="it is said")
    lines = [line for line in at_rabbit.log("worker").splitlines() if "messages_in_a_lane_too_many" in line]
    [said] = [json.loads(line) for line in lines]
    assert (queue_of(1), 1) == (said["queue"], said["waiting"])


def wait_until_ready(server: RabbitServer) -> None:
    """Wait until a worker takes messages."""
    wait_until(lambda: counts(server) == (0, 1), why="it takes messages")


def waits(product: Product) -> None:
    """Return when the worker has said that it waits for the store."""
    wait_until(lambda: "store_unavailable" in product.log("worker"), why="it waits for the store")


@pytest.mark.parametrize("headers", [TASK, pytest.param({}, marks=pytest.mark.long)], ids=["good", "malformed"])
def test_sigterm_while_the_store_is_locked_puts_the_message_back(
    at_rabbit: Product, rabbit_server: RabbitServer, headers: Mapping[str, object]
) -> None:
    """The worker ends all the same; its next one applies the message, or puts it into the quarantine, once."""
    with at_rabbit.worker() as worker:
        wait_until_ready(rabbit_server)
        with locked(at_rabbit):
            put(rabbit_server, QUEUE, headers)
            waits(at_rabbit)
            assert 0 == worker.stop()
            assert (1, 0) == counts(rabbit_server)
    quarantined = int(not headers)
    with at_rabbit.worker("next"):
        stats = at_rabbit.wait_for(applied=1 - quarantined, quarantined=quarantined)
    assert (1, 0) == (stats.received, stats.duplicates)
    assert (0, 0) == counts(rabbit_server)


@pytest.mark.long
def test_a_connection_outlives_a_store_that_is_locked_for_long(at_rabbit: Product, rabbit_server: RabbitServer) -> None:
    """Heartbeats are sent from where the worker waits, else the server would give the message to another."""
    with impatient(at_rabbit) as worker:
        wait_until_ready(rabbit_server)
        with locked(at_rabbit):
            at_rabbit.send(SIGHTING)
            waits(at_rabbit)
            # A silent connection would be gone then.
            sleep(4 * SECONDS)
            assert (0, 1) == counts(rabbit_server)
        stats = at_rabbit.wait_for(applied=1)
        assert 0 == worker.stop()
    assert (0, False) == (stats.duplicates, "broker_unavailable" in at_rabbit.log("worker"))


def impatient(product: Product) -> Child:
    """A worker whose silence the server takes for its end within seconds."""
    command = (sys.executable, "-m", "celery", "-A", "tests.quick_heartbeats", "worker")
    return product.start("worker", *command, env={"PYTHONPATH": str(ROOT)})


@pytest.mark.long
def test_beat_outlasts_a_refusal(at_rabbit: Product, rabbit_server: RabbitServer) -> None:
    """It says once that its slot was not sent, and sends it as soon as it may."""
    rabbit_server.control("clear_permissions", USER)
    try:
        with at_rabbit.beat() as beat:
            wait_until(lambda: '"slot_not_sent"' in at_rabbit.log("beat"), why="beat says it")
            rabbit_server.control("set_permissions", USER, ".*", ".*", ".*")
            with at_rabbit.worker():
                at_rabbit.wait_for(applied=1)
            assert 0 == beat.stop()
    finally:
        rabbit_server.control("set_permissions", USER, ".*", ".*", ".*")
    assert [1, 1] == [at_rabbit.log("beat").count(f'"{word}"') for word in ("slot_not_sent", "slots_are_sent_again")]


def test_another_application_sends_a_signature(at_rabbit: Product, rabbit_server: RabbitServer) -> None:
    """It declares nothing: the server returns the message until the worker has made its queue."""
    app = Celery("theirs", broker=rabbit_server.url, set_as_current=False)
    app.conf.broker_transport_options = {"confirm_publish": True}
    signature = app.signature(json.loads(json.dumps(signature_of(SIGHTING, 1))))
    with pytest.raises(Exception, match="NO_ROUTE"):
        signature.apply_async()
    with at_rabbit.worker():
        wait_until_ready(rabbit_server)
        signature.apply_async()
        assert 1 == at_rabbit.wait_for(applied=1).patterns
    app.close()

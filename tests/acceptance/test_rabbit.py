"""Ostinato at a RabbitMQ server: every door, the command line, beat, and a server that takes no messages."""

import json
import sys
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import pytest
from amqp.exceptions import PreconditionFailed
from celery import Celery
from kombu import Exchange, Queue

from ostinato import Producer
from ostinato.errors import BrokerUnavailable
from ostinato.messages.models import RecordPattern
from ostinato.publishing.celery_app import OwnCelery
from ostinato.publishing.publisher import producer_app, publish
from tests.product import Product
from tests.samples.envelopes import body, envelope, text
from tests.servers.rabbit import RabbitServer
from tests.waiting import wait_until
from worker.broker.kinds import broker_client

DELAY = """
from ostinato import record_pattern
print(record_pattern.delay(pattern_type="door", pattern_name="two").id)
"""


def plain_celery(product: Product, queue: Queue | None) -> Celery:
    """An application of another project, which knows this queue, if any."""
    app = Celery(broker=product.settings.broker_url, set_as_current=False)
    app.conf.update(broker_transport_options={"confirm_publish": True}, task_queues=[queue] if queue else None)
    return app


def status(product: Product) -> Mapping[str, Any]:
    """What `status --json` says."""
    return dict(product.cli("status", "--json").json())


def test_every_door(at_rabbit: Product) -> None:
    """`ostinato up` at the URL; `Producer`, `.delay`, `send` and a plain Celery application that declares nothing."""
    queue = Queue("ostinato", Exchange(""), routing_key="ostinato", no_declare=True)
    with at_rabbit.up(), closing(plain_celery(at_rabbit, queue)) as app:
        wait_until(lambda: at_rabbit.cli("health", "worker").code == 0, why="the worker runs")
        with Producer(at_rabbit.settings) as producer:
            producer.record_pattern(pattern_type="door", pattern_name="one")
        assert 0 == at_rabbit.run(sys.executable, "-c", DELAY).code
        app.send_task("record_pattern", args=[text()], queue="ostinato", mandatory=True)
        assert "sent 1, bad 0\n" == at_rabbit.cli("send", "-", stdin=text()).out
        at_rabbit.wait_for(sightings=4)
        wait_until(lambda: at_rabbit.store.stats().last_recalculation, why="beat has sent its slot")
        wait_until(lambda: at_rabbit.cli("health", "beat").code == 0, why="beat ticks")
        assert ("The broker is healthy.\n", "") == at_rabbit.cli("health", "broker")[1:]
        assert (True, True, 0) == tuple(status(at_rabbit)[name] for name in ("broker", "worker", "queued"))
    assert "No worker on this machine" in at_rabbit.cli("health", "worker").err


def test_before_the_first_worker_nothing_is_taken(at_rabbit: Product) -> None:
    """The server would throw it away in silence; the outbox keeps it until there is a queue."""
    message = RecordPattern(pattern_type="early", pattern_name="bird")
    with closing(producer_app(at_rabbit.settings)) as app, pytest.raises(BrokerUnavailable, match="start a worker"):
        publish(app, message)
    with closing(broker_client(at_rabbit.settings)) as broker, pytest.raises(BrokerUnavailable, match="start a worker"):
        broker.enqueue(json.dumps(envelope(body([text()]))).encode())
    assert "It has no queue for messages yet: a worker makes it.\n" == at_rabbit.cli("health", "broker").err
    with Producer(at_rabbit.settings) as producer:
        producer.send(message)
        with at_rabbit.worker():
            at_rabbit.wait_for(sightings=1)


@pytest.mark.long
def test_who_declares_the_queue_otherwise_is_refused(at_rabbit: Product) -> None:
    """As Celery does by itself: it is told so, and nothing is changed."""
    with at_rabbit.worker(), closing(plain_celery(at_rabbit, None)) as app:
        wait_until(lambda: " ready." in at_rabbit.log("worker"), why="the worker is ready")
        # Of a connection from kombu's pool, another application may have declared it already.
        with app.connection_for_write() as connection, pytest.raises(PreconditionFailed):
            app.send_task("record_pattern", args=[text()], queue="ostinato", retry=False, connection=connection)


@pytest.mark.long
def test_a_server_that_is_short_of_memory(at_rabbit: Product, rabbit_server: RabbitServer) -> None:
    """A producer is told so at once; the worker goes on."""
    message = RecordPattern(pattern_type="short", pattern_name="of memory")
    with at_rabbit.worker(), closing(producer_app(at_rabbit.settings)) as app:
        wait_until(lambda: " ready." in at_rabbit.log("worker"), why="the worker is ready")
        publish(app, message)
        rabbit_server.control("set_vm_memory_high_watermark", "0")
        try:
            with pytest.raises(BrokerUnavailable, match="memory or disk is short"):
                publish(app, message)
            assert at_rabbit.cli("health", "broker").err.startswith("The broker's memory or disk is short")
        finally:
            rabbit_server.control("set_vm_memory_high_watermark", "0.4")
        at_rabbit.wait_for(sightings=1)
        publish(app, message)
        at_rabbit.wait_for(sightings=1)


def is_refused(app: OwnCelery) -> bool:
    """Whether a message is refused because the queue is full."""
    try:
        publish(app, RecordPattern(pattern_type="full", pattern_name="queue"))
    except BrokerUnavailable as error:
        return "queue is full" in str(error)
    return False


def test_a_queue_that_is_full(at_rabbit: Product, rabbit_server: RabbitServer) -> None:
    """A producer is told so, and nothing that was taken is lost."""
    with at_rabbit.worker():
        wait_until(lambda: " ready." in at_rabbit.log("worker"), why="the queue is there")
    rabbit_server.control("set_policy", "small", "^ostinato$", '{"max-length": 1}', "--apply-to", "queues")
    try:
        with closing(producer_app(at_rabbit.settings)) as app:
            taken = next(number for number in range(100) if is_refused(app))
    finally:
        rabbit_server.control("clear_policy", "small")
    with at_rabbit.worker("next"):
        at_rabbit.wait_for(sightings=taken)

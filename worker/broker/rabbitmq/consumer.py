"""Celery's consumer for a RabbitMQ server, on a subclass of Celery's own transport."""

from contextlib import suppress
from time import monotonic
from typing import Any, ClassVar

import structlog
from amqp import Message
from amqp.exceptions import AMQPError, IrrecoverableChannelError
from celery import bootsteps
from kombu import Connection
from typing_extensions import override

from ostinato.errors import MalformedMessage
from ostinato.messages.routing import queue_of
from ostinato.publishing.rabbitmq import destination
from ostinato.reasons import Reason
from worker.broker.consumer import WorkerConsumer
from worker.broker.envelope import check, known
from worker.broker.rabbitmq.client import RabbitClient
from worker.broker.rabbitmq.messages import body_of, headers_of, size_of, whole
from worker.broker.rabbitmq.queues import DEAD, DELIVERY_LIMIT, declare, left_behind
from worker.broker.rabbitmq.steps import DeadLetters, Signs
from worker.broker.rabbitmq.transport import Transport
from worker.settings import Settings

# Seconds. After two missed heartbeats the server gives up a worker, as when its machine is gone; another takes over.
HEARTBEAT = 20
# A worker has at most this many messages. With one at a time, each would wait for the server's disk.
PREFETCH = 64

_log = structlog.get_logger()


class RabbitConsumer(WorkerConsumer):
    """Declares the queues, checks each message before Celery sees it, and acknowledges it after the commit.

    While a message waits for the store, Celery's loop stands still, and `Life.while_waiting` sends the heartbeats.
    """

    client = RabbitClient
    refusal = IrrecoverableChannelError
    own_steps: ClassVar[tuple[type[bootsteps.Step], ...]] = (*WorkerConsumer.own_steps, Signs, DeadLetters)
    without: ClassVar[dict[str, bool]] = {**WorkerConsumer.without, "without_heartbeat": True}

    @override
    @classmethod
    def configuration(cls, settings: Settings) -> dict[str, Any]:
        """Its queue, heartbeats, and no events: a server short of memory blocks each connection that publishes."""
        return {
            "broker_heartbeat": HEARTBEAT,
            "task_queues": [destination(queue_of(settings.own_lane))],
            "worker_send_task_events": False,
        }

    @override
    def connection_for_read(self, heartbeat: float | None = None) -> Connection:
        connection = self.ensure_connected(
            self.app.connection_for_read(
                transport=Transport, transport_options={"heartbeat": heartbeat, "admit": self._admit}
            )
        )
        self._wire: Any = connection.connection
        self._wide = False
        with self._wire.channel() as channel:
            # The queues of all lanes, because producers make none.
            for lane in range(self.settings.lanes):
                declare(channel, queue_of(lane))
        for lane, waiting in left_behind(self._wire, self.settings.lanes).items():
            _log.warning("messages_in_a_lane_too_many", queue=queue_of(lane), waiting=waiting)
        self.life.while_waiting = self._keep_connection
        return connection

    @property
    def _celerys(self) -> Any:  # noqa: ANN401 - as untyped as Celery is
        """This consumer, for what Celery's type stubs leave out."""
        return self

    def _admit(self, queue: str, message: Message) -> bool:
        try:
            if queue == DEAD:
                raise _died(message)
            properties = message.properties
            content = properties.get("content_type"), properties.get("content_encoding")
            check(headers_of(message), content, body_of(message), size_of(message))
        except MalformedMessage as error:
            if self.refuse(whole(message), error):
                message.channel.basic_ack(message.delivery_tag)
            return False
        properties["application_headers"] = known(properties["application_headers"])
        if not self._wide and not message.delivery_info["redelivered"]:
            self._wide = True
            self._celerys.hub.call_soon(self._widen)
        return True

    def _widen(self) -> None:
        """Take several messages at a time, from the first one on that was not delivered before.

        Until then the worker takes one at a time: if a message ends a worker, each that it had counts a delivery more.
        """
        consumer = self._celerys.task_consumer
        if consumer is not None:
            consumer.cancel()
            # The limit holds for consumers that come after it.
            consumer.channel.basic_qos(0, PREFETCH, False)  # noqa: FBT003 - py-amqp's own
            consumer.consume()

    def _keep_connection(self) -> None:
        """Send a heartbeat if one is due, and assume that the server lives: nothing reads its heartbeats now."""
        now = monotonic()
        if self._wire.connected and now - self._wire.last_heartbeat_sent >= HEARTBEAT / 2:
            # Celery's loop notices a lost connection; the message then comes again.
            with suppress(OSError, AMQPError):
                self._wire.send_heartbeat()
            self._wire.last_heartbeat_sent = now
        self._wire.last_heartbeat_received = now


def _died(message: Message) -> MalformedMessage:
    """Why it is a dead letter."""
    headers: dict[str, Any] = message.properties.get("application_headers") or {}
    reason = headers.get("x-first-death-reason")
    if reason == "delivery_limit":
        return MalformedMessage(
            Reason.DELIVERY_LIMIT, f"each of {DELIVERY_LIMIT + 1} deliveries ended without an answer"
        )
    return MalformedMessage(Reason.DEAD_LETTER, f"the broker gave it up ({reason})")

"""Sending to a RabbitMQ server: each message confirmed, none to a queue that is not there."""

from collections.abc import Mapping
from typing import Any, NoReturn

from amqp.exceptions import AMQPError, MessageNacked, RecoverableConnectionError
from kombu import Connection, Exchange, Queue
from kombu.exceptions import KombuError

from ostinato.settings.broker import BrokerSettings
from ostinato.settings.broker_url import rabbit_location

_NO_ROUTE = 312


class Blocked(Exception):
    """The server takes no messages, because its memory or its disk is short."""


class RabbitSending:
    """How it is sent to; see `ostinato.publishing.kinds`."""

    errors = (KombuError, AMQPError, MessageNacked, Blocked, OSError)

    def configuration(self, settings: BrokerSettings, bounds: Mapping[str, float]) -> dict[str, Any]:
        """Celery's settings for this broker."""
        url, tls = rabbit_location(settings.broker_address)
        seconds = bounds["socket_timeout"]
        return {
            "broker_url": url,
            "broker_use_ssl": tls,
            "broker_connection_timeout": seconds,
            "broker_transport_options": {
                **bounds,
                "confirm_publish": True,
                "read_timeout": seconds,
                "write_timeout": seconds,
                # Nobody sends heartbeats while nothing is sent, and the server would close the connection.
                "heartbeat": 0,
                "on_blocked": _blocked,
            },
        }

    def options(self, queue: str, bounds: Mapping[str, Any]) -> dict[str, Any]:
        """Options of a task for this queue."""
        return {"queue": destination(queue), "mandatory": True, "confirm_timeout": bounds["socket_timeout"]}

    def run(self, connection: Connection) -> str | None:  # noqa: ARG002 - as the protocol has it
        """None: what the server has confirmed is on its disk, so that a restart loses nothing."""
        return None

    def reason(self, error: Exception) -> str | None:
        """What is to be done about an error, where it is known."""
        cause = error if error.__cause__ is None else error.__cause__
        if isinstance(cause, Blocked):
            return "The broker's memory or disk is short, and it takes no messages: make room there."
        if isinstance(cause, MessageNacked):
            return "The broker's queue is full, or has no majority of its servers: send it again later."
        if getattr(cause, "reply_code", None) == _NO_ROUTE:
            return "The broker has no queue for the message yet: start a worker, which makes it."
        return None

    def was_cut(self, error: Exception) -> bool:
        """Whether a connection was found to be cut, as after a restart of the server: a new one may do better."""
        cause = error if error.__cause__ is None else error.__cause__
        return isinstance(cause, ConnectionError | RecoverableConnectionError)

    def drop(self, connection: Connection) -> None:
        """Close a connection after an error: a confirmation that is late would be taken for the next message's."""
        connection.collect()


def destination(queue: str) -> Queue:
    """A queue as those see it who do not declare it: the worker does."""
    return Queue(queue, Exchange(""), routing_key=queue, no_declare=True)


def _blocked(reason: str) -> NoReturn:
    raise Blocked(reason)

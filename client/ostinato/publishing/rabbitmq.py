"""Sending to a RabbitMQ server: the server confirms each message, and takes none for a queue that does not exist."""

from collections.abc import Mapping
from typing import Any, NoReturn

from amqp.exceptions import AMQPError, MessageNacked, RecoverableConnectionError
from kombu import Exchange, Queue
from kombu.exceptions import KombuError
from typing_extensions import override

from ostinato.publishing.broker_kind import BrokerKind, cause_of
from ostinato.settings.broker import BrokerSettings
from ostinato.settings.broker_url import rabbit_location

_NO_ROUTE = 312


class Blocked(Exception):
    """The server takes no messages, because its memory or its disk is short."""


class RabbitSending(BrokerKind):
    """To RabbitMQ. What the server has confirmed is on its disk: a restart loses nothing, so its run need not be known.

    After an error a confirmation may still come; on the same connection it would be taken for the next message's.
    """

    errors = (KombuError, AMQPError, MessageNacked, Blocked, OSError)
    cut = (ConnectionError, RecoverableConnectionError)
    closes_after_errors = True

    @override
    def configuration(self, settings: BrokerSettings, bounds: Mapping[str, float]) -> dict[str, Any]:
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
                # No heartbeat is sent while no message is sent, and the server would close the connection.
                "heartbeat": 0,
                "on_blocked": _blocked,
            },
        }

    @override
    def options(self, queue: str, bounds: Mapping[str, Any]) -> dict[str, Any]:
        return {**super().options(queue, bounds), "queue": destination(queue), "mandatory": True}

    @override
    def reason(self, error: Exception) -> str | None:
        cause = cause_of(error)
        if isinstance(cause, Blocked):
            return "The broker's memory or disk is short, and it takes no messages: make room there."
        if isinstance(cause, MessageNacked):
            return "The broker's queue is full, or has no majority of its servers: send it again later."
        if getattr(cause, "reply_code", None) == _NO_ROUTE:
            return "The broker has no queue for the message yet: start a worker, which makes it."
        return None


def destination(queue: str) -> Queue:
    """A queue for those who send to it: they do not declare it, the worker does."""
    return Queue(queue, Exchange(""), routing_key=queue, no_declare=True)


def _blocked(reason: str) -> NoReturn:
    raise Blocked(reason)

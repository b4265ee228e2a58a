"""Celery's own transport for RabbitMQ, on which each delivery is looked at before Celery takes it apart."""

from collections.abc import Callable
from typing import Any

from amqp import Message
from kombu.transport import pyamqp
from typing_extensions import override

Admit = Callable[[str, Message], bool]
"""Whether a message of this queue may go on to Celery; if not, it has been dealt with."""


class Channel(pyamqp.Channel):
    """Takes bodies as bytes, and gives to its consumers what is admitted."""

    def __init__(self, connection: "Connection", *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - py-amqp's own
        super().__init__(connection, *args, **kwargs)
        self.auto_decode = False
        self._admit = connection.admit

    @override
    def basic_consume(self, queue: str = "", *args: Any, **kwargs: Any) -> str:
        consumer: Callable[[Message], Any] = kwargs.pop("callback")

        def take(message: Message) -> None:
            if self._admit(queue, message):
                consumer(message)

        return super().basic_consume(queue, *args, callback=take, **kwargs)


class Connection(pyamqp.Connection):
    """``admit`` comes with the transport's options."""

    Channel = Channel

    def __init__(self, *args: Any, admit: Admit, **kwargs: Any) -> None:  # noqa: ANN401 - py-amqp's own
        self.admit = admit
        super().__init__(*args, **kwargs)


class Transport(pyamqp.Transport):
    """Kombu's transport with the channel of this module."""

    Connection = Connection

    @override
    def qos_semantics_matches_spec(self, connection: Any) -> bool:
        """A limit for each consumer: of quorum queues the server refuses one for all."""
        return True

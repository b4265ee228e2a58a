"""Celery's own transport for RabbitMQ, with a check of each delivery before Celery takes it apart."""

from collections.abc import Callable
from typing import Any

from amqp import Message
from amqp.method_framing import frame_handler
from amqp.serialization import decode_properties_basic, dumps
from kombu.transport import pyamqp
from typing_extensions import override

from worker.broker.envelope import is_deep

Admit = Callable[[str, Message], bool]
"""Whether a message of this queue may go on to Celery; if not, it is dealt with already."""
_HEADER = 2
# In a header frame, the properties follow class, weight and size of the body.
_PROPERTIES_AT = 12
_HEADERS_ONLY = b"\x20\x00"


class Channel(pyamqp.Channel):
    """Takes bodies as bytes, and gives its consumers the messages that are admitted."""

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

        kwargs["callback"] = take
        return super().basic_consume(queue, *args, **kwargs)


class Connection(pyamqp.Connection):
    """``admit`` comes with the transport's options."""

    Channel = Channel

    def __init__(self, *args: Any, admit: Admit, **kwargs: Any) -> None:  # noqa: ANN401 - py-amqp's own
        self.admit = admit
        super().__init__(*args, **{**kwargs, "frame_handler": _readable_frames})


class Transport(pyamqp.Transport):
    """Kombu's transport with the channel of this module."""

    Connection = Connection

    @override
    def qos_semantics_matches_spec(self, connection: Any) -> bool:
        """A prefetch limit for each consumer: for quorum queues the server refuses one for the channel."""
        return True


def _readable_frames(connection: Connection, callback: Callable[..., Any]) -> Callable[[tuple[int, int, bytes]], bool]:
    """py-amqp's reader of frames, made to survive message properties that it cannot read.

    Those are replaced by one header, ``unreadable``, with their bytes in hex. Such properties are texts that are not
    UTF-8, times beyond all calendars, and tables nested deeper than JSON can be written.
    """
    read: Callable[[tuple[int, int, bytes]], bool] = frame_handler(connection, callback)

    def on_frame(frame: tuple[int, int, bytes]) -> bool:
        kind, channel, data = frame
        return read((kind, channel, _readable(bytes(data)))) if kind == _HEADER else read(frame)

    return on_frame


def _readable(header: bytes) -> bytes:
    try:
        properties, _ = decode_properties_basic(header, _PROPERTIES_AT)
        unreadable = is_deep(properties)
    except Exception:  # noqa: BLE001 - any error of py-amqp here would end the worker there
        unreadable = True
    if not unreadable:
        return header
    kept = {"unreadable": header[_PROPERTIES_AT:].hex()}
    return header[:_PROPERTIES_AT] + _HEADERS_ONLY + dumps("F", (kept,))

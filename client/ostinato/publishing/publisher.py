"""Sending a message: one JSON text as a task's only argument, within bounded time, with a clear error if it fails."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ostinato.messages import wire
from ostinato.messages.models import Message
from ostinato.messages.routing import QUEUE, lane_of, queue_of
from ostinato.publishing import tracing
from ostinato.publishing.broker_kind import BrokerKind, cause_of, not_taken
from ostinato.publishing.kinds import kind_of
from ostinato.settings.broker import BrokerSettings

if TYPE_CHECKING:
    from kombu import Connection, Producer

    from ostinato.publishing.celery_app import OwnCelery

# Without bounds Celery waits for a broker that is away, without end; with these it raises within half a second.
BOUNDED = {
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0.05,
    "interval_max": 0.1,
    "socket_connect_timeout": 0.25,
    "socket_timeout": 0.5,
}


# For a thread that no caller waits for, and a broker far away.
PATIENT = {**BOUNDED, "socket_connect_timeout": 2.0, "socket_timeout": 5.0}


def producer_app(settings: BrokerSettings, bounds: Mapping[str, float] = BOUNDED) -> "OwnCelery":
    """A Celery application that only sends, each message within these bounds; it connects at the first one."""
    from ostinato.publishing.celery_app import (  # noqa: PLC0415 - Celery loads with the first message
        OwnCelery,
    )

    app = OwnCelery("ostinato-producer")
    app.conf.update(
        {
            "broker_connection_timeout": 0.5,
            "task_default_queue": QUEUE,
            "task_ignore_result": True,
            "task_publish_retry": False,
            "task_serializer": "json",
            **kind_of(settings.broker_address).configuration(settings, bounds),
        }
    )
    return app


def publish(app: "OwnCelery", message: Message, lanes: int = 1) -> None:
    """Hand a message to the broker, for its lane of this many ``lanes``; the task's id is the message's.

    MalformedMessage if it is too large. BrokerUnavailable if the broker did not answer in time: it may have taken the
    message all the same, so send it again with the same id.
    """
    text = wire.encode(message)
    queue = queue_of(lane_of(text, lanes))
    publish_text(app, message.KIND, text, queue=queue, summary=message.summary(), task_id=str(message.id))


def publish_text(  # noqa: PLR0913 - a queue item
    app: "OwnCelery",
    kind: str,
    text: str,
    *,
    summary: str,
    queue: str = QUEUE,
    task_id: str | None = None,
    producer: "Producer | None" = None,
    message_ids: Sequence[str] = (),
) -> None:
    """Hand the JSON text of a message to the broker; ``summary`` is what the dashboard shows of it.

    It uses the connection of ``producer``, if given, else one of the application's. If OpenTelemetry is set up, the
    traces of ``message_ids`` continue. BrokerUnavailable.
    """
    sending = kind_of(app.broker_address)
    task: dict[str, Any] = {
        "name": kind,
        "args": (text,),
        "task_id": task_id,
        "argsrepr": summary,
        "kwargsrepr": "",
        "retry": False,
        "ignore_result": True,
        **sending.options(queue, app.conf.broker_transport_options),
    }
    try:
        with tracing.sending(kind, message_ids) as headers:
            _send(app, sending, task | ({"headers": headers} if headers else {}), producer)
    except sending.errors as error:
        raise not_taken(error, sending) from error


def _send(app: "OwnCelery", kind: BrokerKind, task: dict[str, Any], producer: "Producer | None") -> None:
    """Send by this producer's connection, or by the application's own and, if that was cut, by a new one."""
    try:
        _send_once(app, kind, task, producer)
    except kind.errors as error:
        if producer is not None or not isinstance(cause_of(error), kind.cut):
            raise
        _send_once(app, kind, task, None)


def _send_once(app: "OwnCelery", kind: BrokerKind, task: dict[str, Any], producer: "Producer | None") -> None:
    with app.producer_or_acquire(producer) as taken:
        connection = taken.connection
        try:
            app.send_task(**task, producer=taken)
        except kind.errors:
            if kind.closes_after_errors:
                connection.collect()
            raise


def broker_run(connection: "Connection") -> str | None:
    """Which run of the broker's process a connection leads to; None if the broker does not tell this user.

    BrokerUnavailable.
    """
    kind = kind_of(connection.as_uri())
    try:
        return kind.run(connection)
    except kind.errors as error:
        raise not_taken(error, kind) from error

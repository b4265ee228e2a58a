"""Sending a message: one JSON text as a task's only argument, within bounded time, with a clear error if it fails."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kombu import Connection, Producer
from kombu.exceptions import KombuError, OperationalError
from redis.exceptions import NoPermissionError, OutOfMemoryError, RedisError

from store.errors import BrokerUnavailable
from tasks import wire
from tasks.broker import BrokerSettings
from tasks.messages import Message
from tasks.routing import QUEUE, lane_of, queue_of

if TYPE_CHECKING:
    from celery import Celery

# Celery's own sending waits for ever for a broker that is away; these bounds make it an error within half a second.
BOUNDED = {
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0.05,
    "interval_max": 0.1,
    "socket_connect_timeout": 0.25,
    "socket_timeout": 0.5,
}


# For a thread that nobody waits for, and a broker far away.
PATIENT = {**BOUNDED, "socket_connect_timeout": 2.0, "socket_timeout": 5.0}


def producer_app(settings: BrokerSettings, bounds: Mapping[str, float] = BOUNDED) -> "Celery":
    """A Celery application that only sends, each message within these bounds; it connects at the first one."""
    from celery import Celery  # noqa: PLC0415 - those who only want to know the queue's name do not wait for it

    app = Celery("ostinato-producer", broker=settings.broker_address, set_as_current=False)
    app.conf.update(
        broker_transport_options={**bounds, "global_keyprefix": settings.broker_prefix},
        broker_connection_timeout=0.5,
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_publish_retry=False,
        task_serializer="json",
    )
    return app


def publish(app: "Celery", message: Message, lanes: int = 1) -> None:
    """Hand a message to the broker, for its lane of so many; the task's id is the message's.

    MalformedMessage if it is too large; BrokerUnavailable if the broker did not answer in time (it may have taken the
    message all the same: send it again, it has the same id).
    """
    text = wire.encode(message)
    queue = queue_of(lane_of(text, lanes))
    publish_text(app, message.KIND, text, queue=queue, summary=message.summary(), task_id=str(message.id))


def publish_text(  # noqa: PLR0913 - a queue item
    app: "Celery",
    kind: str,
    text: str,
    *,
    summary: str,
    queue: str = QUEUE,
    task_id: str | None = None,
    producer: Producer | None = None,
) -> None:
    """Hand the JSON text of a message to the broker; ``summary`` is what the dashboard shows of it.

    By a connection of ``producer``'s, if given, else by one of the application's.
    """
    try:
        app.send_task(
            kind,
            args=(text,),
            task_id=task_id,
            queue=queue,
            argsrepr=summary,
            kwargsrepr="",
            retry=False,
            ignore_result=True,
            producer=producer,
        )
    except (KombuError, OperationalError, OSError) as error:
        raise not_taken(error) from error


def broker_run(connection: Connection) -> str | None:
    """Which run of the broker's process a connection leads to; None where it does not say, or not to this user.

    BrokerUnavailable.
    """
    try:
        client = getattr(connection.default_channel, "client", None)
        return None if client is None else str(client.info("server")["run_id"])
    except NoPermissionError:
        return None
    except (KombuError, OperationalError, RedisError, OSError) as error:
        raise not_taken(error) from error


def not_taken(error: Exception) -> BrokerUnavailable:
    """What a producer gets for an error of the broker: what to do about it."""
    if isinstance(error, OutOfMemoryError) or isinstance(error.__cause__, OutOfMemoryError):
        return BrokerUnavailable(
            "The broker's memory is full: send it again when the worker has made room, or raise the broker's maxmemory."
        )
    return BrokerUnavailable(
        f"The broker did not take the message ({error}): run `ostinato up`, or correct OSTINATO_BROKER_URL."
    )

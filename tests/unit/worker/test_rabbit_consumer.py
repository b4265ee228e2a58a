"""The consumer of a RabbitMQ server, with stand-ins for Celery's loop and the connection."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from amqp import Message
from amqp.exceptions import NotFound

from tasks.trouble import Trouble
from tests.samples.envelopes import body, text
from worker.broker.liveness import Life
from worker.broker.rabbitmq.consumer import PREFETCH, RabbitConsumer
from worker.settings import Settings

HEADERS = {"lang": "py", "task": "record_pattern", "id": "1", "root_id": "1", "parent_id": None}


@dataclass
class Rabbit:
    """Application, connection, channel, loop and Celery's own consumer, as far as they are used here."""

    options: dict[str, Any] = field(default_factory=dict[str, Any])
    soon: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])
    limits: list[int] = field(default_factory=list[int])

    def connection_for_read(self, transport: object, transport_options: dict[str, Any]) -> "Rabbit":  # noqa: ARG002
        """Note the options of a connection."""
        self.options = transport_options
        return self

    def ensure_connection(self, *_: object, **__: object) -> None:
        """It is there."""

    @property
    def connection(self) -> "Rabbit":
        """Itself."""
        return self

    @contextmanager
    def channel(self) -> Any:  # noqa: ANN401 - as untyped as py-amqp is
        """Itself."""
        yield self

    def queue_declare(self, _queue: str, *, passive: bool = False, **_: object) -> None:
        """There are no queues but those that are made."""
        if passive:
            raise NotFound

    def call_soon(self, action: Callable[[], None]) -> None:
        """Note what the loop is to do next."""
        self.soon.append(action)

    def cancel(self) -> None:
        """Consume no more."""

    def consume(self) -> None:
        """Consume again."""

    def basic_qos(self, _size: int, count: int, _all: object) -> None:
        """Note how many messages may be there at a time."""
        self.limits.append(count)


def limits_after(task_consumer: Rabbit | None) -> list[int]:
    """The prefetch limits that follow the first admitted message, if Celery's own consumer is this."""
    rabbit = Rabbit()
    consumer: Any = RabbitConsumer.__new__(RabbitConsumer)
    cast("dict[str, object]", vars(consumer)).update(
        app=rabbit, hub=rabbit, settings=Settings(), life=Life(heard=5), _away=Trouble("a", "b")
    )
    consumer.connection_for_read()
    message = Message(body([text()]), content_type="application/json", content_encoding="utf-8")
    message.properties["application_headers"] = HEADERS
    message.delivery_info = {"redelivered": False}
    assert rabbit.options["admit"]("ostinato", message)
    if task_consumer is not None:
        vars(task_consumer)["channel"] = task_consumer
    consumer.task_consumer = task_consumer
    for action in rabbit.soon:
        action()
    return [] if task_consumer is None else task_consumer.limits


def test_after_the_first_message_it_takes_several_at_a_time() -> None:
    """If Celery has closed its consumer meanwhile, as a worker that ends does, nothing is done."""
    assert [PREFETCH] == limits_after(Rabbit())
    assert [] == limits_after(None)

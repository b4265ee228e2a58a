"""The steps beside Celery's own, as Celery starts and stops them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from celery import bootsteps

from worker.broker.liveness import Life, Presence
from worker.broker.rabbitmq.queues import DEAD
from worker.broker.rabbitmq.steps import DeadLetters, Signs
from worker.broker.redis.lease import Lease
from worker.settings import Settings


@dataclass
class Consumers:
    """The worker's consumers."""

    queues: set[str]

    def consuming_from(self, queue: str) -> bool:
        """Whether one of them consumes from this queue."""
        return queue in self.queues


@dataclass
class Parent:
    """Celery's consumer, as far as the steps use it; it is its own timer, connection and channel."""

    task_consumer: Consumers | None = None
    settings: Settings = field(default_factory=Settings)
    life: Life = field(default_factory=lambda: Life(heard=5))
    asked: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    actions: list[Callable[..., object]] = field(default_factory=list[Callable[..., object]])

    @property
    def timer(self) -> "Parent":
        """What calls `actions` every second."""
        return self

    @property
    def connection(self) -> "Parent":
        """What makes channels."""
        return self

    def call_repeatedly(self, _seconds: float, action: Callable[[], object]) -> None:
        """Note an action."""
        self.actions.append(action)

    def channel(self) -> "Parent":
        """A new channel."""
        return self

    def basic_qos(self, *asked: object) -> None:
        """Note a limit."""
        self.asked.append(asked)

    def basic_consume(self, queue: str, callback: Callable[..., object]) -> None:
        """Note the consumer of a queue."""
        self.asked.append((queue,))
        self.actions.append(callback)


@pytest.mark.parametrize("step", [Lease, Presence])
def test_a_step_that_never_began_can_be_stopped(step: type[bootsteps.StartStopStep]) -> None:
    """Celery does so when a worker is told to end before it is connected to its broker; also twice."""
    parent: Any = Parent()
    stopped = step(parent)
    stopped.stop(parent)
    stopped.stop(parent)


def signs(consumers: Consumers | None) -> bool:
    """Whether a worker with these consumers shows signs of life."""
    parent: Any = Parent(consumers)
    Signs(parent).start(parent)
    (show,) = parent.actions
    show()
    parent.life.begin(0.0)
    parent.life.silence(1.0)
    return bool(parent.life.seen)


def test_only_a_consumer_of_the_queue_shows_signs_of_life() -> None:
    """A loop that runs without such a consumer takes no messages, and so is deaf."""
    assert [True, False, False] == [signs(each) for each in (Consumers({"ostinato"}), Consumers(set()), None)]


def test_dead_letters_are_taken_one_by_one() -> None:
    """Each is done before the next one comes."""
    parent: Any = Parent()
    DeadLetters(parent).start(parent)
    assert [(0, 1, False), (DEAD,)] == parent.asked

"""The two kinds of broker, as they are sent to."""

from collections.abc import Mapping
from typing import Any, Protocol

from kombu import Connection

from ostinato.publishing.rabbitmq import RabbitSending
from ostinato.publishing.redis import RedisSending
from ostinato.settings.broker import BrokerSettings
from ostinato.settings.broker_url import is_rabbit


class BrokerKind(Protocol):
    """How messages get to one kind of broker, within bounded time."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What sending may raise."""
        ...

    def configuration(self, settings: BrokerSettings, bounds: Mapping[str, float]) -> dict[str, Any]:
        """Settings of a Celery application that sends within these bounds."""
        ...

    def options(self, queue: str, bounds: Mapping[str, Any]) -> dict[str, Any]:
        """Options of `send_task` for this queue, within the same bounds."""
        ...

    def run(self, connection: Connection) -> str | None:
        """Which run of the broker's process this is; None where it does not say, or need not."""
        ...

    def reason(self, error: Exception) -> str | None:
        """A sentence about an error that says what is to be done; None where it says enough itself."""
        ...

    def was_cut(self, error: Exception) -> bool:
        """Whether the connection had been cut before, and another is worth a try."""
        ...

    def drop(self, connection: Connection) -> None:
        """Do with a connection what has to be done after an error."""
        ...


def kind_of(address: str) -> BrokerKind:
    """The kind of the broker at a URL."""
    return RabbitSending() if is_rabbit(address) else RedisSending()

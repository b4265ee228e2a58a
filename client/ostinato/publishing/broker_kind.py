"""How messages get to a broker within bounded time: what the kinds of broker have in common."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ostinato.errors import BrokerUnavailable
from ostinato.settings.broker import BrokerSettings

if TYPE_CHECKING:
    from kombu import Connection


class BrokerKind:
    """One kind of broker. A subclass has what its kind does in another way."""

    errors: ClassVar[tuple[type[Exception], ...]]
    """What sending may raise."""
    cut: ClassVar[tuple[type[Exception], ...]] = ()
    """Which errors say that the connection had been cut before: a new one may do better."""
    closes_after_errors: ClassVar[bool] = False
    """Whether a connection may not be used again after an error."""

    def configuration(self, settings: BrokerSettings, bounds: Mapping[str, float]) -> dict[str, Any]:
        """Settings of a Celery application that sends within these bounds."""
        raise NotImplementedError

    def options(self, queue: str, bounds: Mapping[str, Any]) -> dict[str, Any]:
        """Options of `send_task` for this queue, within the same bounds."""
        return {"queue": queue, "confirm_timeout": bounds.get("socket_timeout")}

    def run(self, connection: "Connection") -> str | None:
        """Which run of the broker's process this is; None if the broker does not say, or need not."""

    def reason(self, error: Exception) -> str | None:
        """A sentence that says what to do about an error; None if the error's own text is enough."""


def cause_of(error: Exception) -> BaseException:
    """The error of the broker's library, which kombu may have wrapped."""
    return error.__cause__ or error


def not_taken(error: Exception, kind: BrokerKind) -> BrokerUnavailable:
    """The error that a producer gets for an error of the broker: it says what to do."""
    return BrokerUnavailable(
        kind.reason(error)
        or f"The broker did not take the message ({error}): "
        "run `ostinato up`, or see to the broker that OSTINATO_BROKER_URL names."
    )

"""How others know that a worker runs, without remote control: it says so from the loop that takes the messages."""

from typing import Any

from celery import bootsteps
from typing_extensions import override

from worker.broker_client import PRESENCE_SECONDS, BrokerClient


class Presence(bootsteps.StartStopStep):
    """A step of Celery's consumer."""

    requires = ("celery.worker.consumer.connection:Connection",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Celery's own signature
        super().__init__(parent, **kwargs)
        self._broker: BrokerClient | None = None
        self._timer: Any = None

    @override
    def start(self, parent: Any) -> None:
        self._broker = BrokerClient(parent.settings)
        self._broker.say_present(parent.hostname)
        self._timer = parent.timer.call_repeatedly(PRESENCE_SECONDS, self._broker.say_present, (parent.hostname,))

    @override
    def stop(self, parent: Any) -> None:
        # Celery also stops steps that it never started.
        if self._broker is not None:
            self._timer.cancel()
            self._broker.say_gone(parent.hostname)
            self._broker.close()
            self._broker = None

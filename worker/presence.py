"""How others know that a worker runs, without remote control: it says so from the loop that takes the messages."""

from typing import Any

from celery import bootsteps
from typing_extensions import override

from worker.broker_client import PRESENCE_SECONDS, BrokerClient


class Presence(bootsteps.StartStopStep):
    """A step of Celery's consumer."""

    requires = ("celery.worker.consumer.connection:Connection",)

    @override
    def start(self, parent: Any) -> None:
        broker = BrokerClient(parent.app.conf.broker_url)
        broker.say_present(parent.hostname)
        parent.presence = broker
        parent.presence_timer = parent.timer.call_repeatedly(PRESENCE_SECONDS, broker.say_present, (parent.hostname,))

    @override
    def stop(self, parent: Any) -> None:
        parent.presence_timer.cancel()
        parent.presence.say_gone(parent.hostname)
        parent.presence.close()

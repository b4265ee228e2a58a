"""The worker's lease on what it has taken, renewed by a thread for as long as the process runs."""

from threading import Event, Thread
from typing import Any

from celery import bootsteps
from redis.exceptions import RedisError
from typing_extensions import override

from ostinato.messages.routing import queue_of
from worker.broker.redis.client import redis_client
from worker.broker.redis.taken import LEASE_SECONDS, Taken
from worker.settings import Settings
from worker.trouble import Trouble

RENEW_SECONDS = LEASE_SECONDS / 3


class Lease(bootsteps.StartStopStep):
    """A step of Celery's consumer; its thread is not stopped by a message that waits long for the store."""

    requires = ("celery.worker.consumer.connection:Connection",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Celery's own signature
        super().__init__(parent, **kwargs)
        self._stop = Event()
        self._thread: Thread | None = None

    @override
    def start(self, parent: Any) -> None:
        self._stop = Event()
        arguments = (parent.settings, parent.worker_id, self._stop)
        self._thread = Thread(target=_renew, args=arguments, daemon=True, name="lease")
        self._thread.start()

    @override
    def stop(self, parent: Any) -> None:
        # Celery also stops steps that it never started.
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None


def _renew(settings: Settings, worker: str, stop: Event) -> None:
    client = redis_client(settings.broker_address)
    taken = Taken(client, worker, settings.broker_prefix, queue_of(settings.own_lane))
    trouble = Trouble("lease_not_renewed", "lease_renewed_again")
    while not stop.is_set():
        try:
            taken.renew()
            trouble.end()
        except RedisError as error:
            trouble.begin(str(error))
        stop.wait(RENEW_SECONDS)
    client.close()

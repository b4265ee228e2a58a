"""The worker's lease on what it has taken, renewed by a thread for as long as the process runs."""

from typing import Any

from redis.exceptions import RedisError
from typing_extensions import override

from ostinato.messages.routing import queue_of
from tasks.trouble import Trouble
from worker.broker.liveness import WhileConnected
from worker.broker.redis.client import redis_client
from worker.broker.redis.taken import LEASE_SECONDS, Taken
from worker.repeating import Repeating
from worker.settings import Settings

RENEW_SECONDS = LEASE_SECONDS / 3


class Lease(WhileConnected):
    """A step of Celery's consumer; its thread goes on while a message waits long for the store."""

    @override
    def thread(self, parent: Any) -> Repeating:
        return _Renewal(parent.settings, parent.worker_id)


class _Renewal(Repeating):
    """Renews the lease at once, and then every `RENEW_SECONDS`."""

    def __init__(self, settings: Settings, worker: str) -> None:
        super().__init__(RENEW_SECONDS, self._renew, "lease")
        client = redis_client(settings.broker_address)
        self._taken = Taken(client, worker, settings.broker_prefix, queue_of(settings.own_lane))
        self._trouble = Trouble("lease_not_renewed", "lease_renewed_again")

    @override
    def _run(self) -> None:
        self._renew()
        super()._run()
        self._taken.close()

    def _renew(self) -> None:
        try:
            self._taken.renew()
            self._trouble.end()
        except RedisError as error:
            self._trouble.begin(str(error))

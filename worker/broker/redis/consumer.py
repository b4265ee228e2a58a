"""Celery's consumer on the worker's own transport, for a Redis or Valkey server."""

from typing import ClassVar

import structlog
from celery import bootsteps
from celery.exceptions import WorkerShutdown
from celery.platforms import EX_FAILURE
from kombu import Connection
from redis.exceptions import NoPermissionError
from typing_extensions import override

from worker.broker.client import BrokerClient
from worker.broker.consumer import WorkerConsumer
from worker.broker.redis.client import RedisClient
from worker.broker.redis.lease import Lease
from worker.broker.redis.transport import SocketTransport, Transport

_SOCKET = "redis+socket://"

_log = structlog.get_logger()


class RedisConsumer(WorkerConsumer):
    """Fetches by `worker.broker.redis.transport`; each answer of the broker is a sign of life."""

    own_steps: ClassVar[tuple[type[bootsteps.Step], ...]] = (*WorkerConsumer.own_steps, Lease)

    @override
    def client(self) -> BrokerClient:
        return RedisClient(self.settings)

    @override
    def start(self) -> None:
        try:
            super().start()
        except NoPermissionError as error:
            _log.error("broker_refuses", detail=str(error))
            raise WorkerShutdown(EX_FAILURE) from None

    @override
    def connection_for_read(self, heartbeat: float | None = None) -> Connection:
        address = self.settings.broker_address
        connection = self.app.connection_for_read(
            address.replace(_SOCKET, "socket://", 1),
            heartbeat=heartbeat,
            transport=SocketTransport if address.startswith(_SOCKET) else Transport,
            transport_options={
                "refuse": self.refuse,
                "worker_id": self.worker_id,
                "alive": self.life.sign,
                "ahead": self.receiver.receive_ahead,
                "lanes": self.settings.lanes if self.settings.lane in {None, 0} else 0,
            },
        )
        return self.ensure_connected(connection)

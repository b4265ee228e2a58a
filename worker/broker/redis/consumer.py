"""Celery's consumer for a Redis or Valkey server, on the worker's own transport."""

from typing import ClassVar

from celery import bootsteps
from kombu import Connection
from redis.exceptions import NoPermissionError
from typing_extensions import override

from worker.broker.consumer import WorkerConsumer
from worker.broker.redis.client import RedisClient
from worker.broker.redis.lease import Lease
from worker.broker.redis.transport import SocketTransport, Transport

_SOCKET = "redis+socket://"


class RedisConsumer(WorkerConsumer):
    """Fetches by `worker.broker.redis.transport`; each answer of the broker is a sign of life."""

    client = RedisClient
    refusal = NoPermissionError
    own_steps: ClassVar[tuple[type[bootsteps.Step], ...]] = (*WorkerConsumer.own_steps, Lease)

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

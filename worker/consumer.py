"""Celery's consumer on the worker's own transport: what Celery could not take apart goes to the quarantine, whole."""

import os
import socket
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import structlog
from celery.exceptions import WorkerShutdown
from celery.platforms import EX_FAILURE
from celery.worker.consumer import Consumer
from kombu import Connection
from redis.exceptions import NoPermissionError

from store.errors import MalformedMessage
from store.events import Rejected
from tasks.delivery import Receiver, Stopping
from tasks.reasons import printable
from worker.transport import SocketTransport, Transport

_SOCKET = "redis+socket://"

_log = structlog.get_logger()


def worker_consumer(receiver: Receiver, broker_address: str) -> type[Consumer]:
    """A consumer class that fetches from the broker by `worker.transport`; what that refuses goes to the receiver."""

    class WorkerConsumer(Consumer):
        def __init__(self, on_task_request: Callable[..., Any], **kwargs: Any) -> None:  # noqa: ANN401 - Celery's own
            self.worker_id = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
            self.broker_address = broker_address
            # The steps by which workers find each other: nothing here needs them, and they cost a second at start.
            options = {**kwargs.pop("worker_options", {}), "without_mingle": True, "without_gossip": True}
            super().__init__(on_task_request, worker_options=options, **kwargs)

        def start(self) -> None:
            try:
                super().start()
            except NoPermissionError as error:
                _log.error("broker_refuses", detail=f"{error}: give its user the right, or correct OSTINATO_BROKER_URL")
                raise WorkerShutdown(EX_FAILURE) from None

        def connection_for_read(self, heartbeat: float | None = None) -> Connection:
            at_socket = broker_address.startswith(_SOCKET)
            connection = self.app.connection_for_read(
                broker_address.replace(_SOCKET, "socket://", 1),
                heartbeat=heartbeat,
                transport=SocketTransport if at_socket else Transport,
                transport_options={"refuse": refuse, "worker_id": self.worker_id},
            )
            return self.ensure_connected(connection)

    def refuse(raw: bytes, error: MalformedMessage) -> bool:
        rejected = Rejected(
            raw=raw, reason_code=error.reason_code, reason_detail=printable(error.detail), source="transport"
        )
        try:
            receiver.reject(rejected, task="", delivery="")
        except Stopping:
            return False
        return True

    return WorkerConsumer

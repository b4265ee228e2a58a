"""Celery's consumer on the worker's own transport: what Celery could not take apart goes to the quarantine, whole."""

import os
import socket
from collections.abc import Callable
from time import monotonic
from typing import Any
from uuid import uuid4

import structlog
from celery.exceptions import WorkerShutdown
from celery.platforms import EX_FAILURE
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown
from kombu import Connection
from redis.exceptions import NoPermissionError

from store.errors import MalformedMessage
from store.events import Rejected
from tasks.delivery import Receiver, Stopping
from tasks.reasons import printable
from worker.life import Life
from worker.settings import Settings
from worker.transport import Refuse, SocketTransport, Transport
from worker.trouble import Trouble

_SOCKET = "redis+socket://"
_LONGEST_PAUSE = 2
# So long may what the dashboard shows of a task wait for more of it: one publication for several tasks.
_EVENTS_SECONDS = 0.1

_log = structlog.get_logger()


class _WorkerConsumer(Consumer):
    """Fetches by `worker.transport`, and says once, not at every try, that the broker is away."""

    settings: Settings
    receiver: Receiver
    life: Life
    hub: Any
    _flush_events: Callable[[], None]

    def __init__(self, on_task_request: Callable[..., Any], **kwargs: Any) -> None:  # noqa: ANN401 - Celery's own
        self.worker_id = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
        self._away = Trouble("broker_unavailable", "broker_available_again")
        self._events_due = 0.0
        # The steps by which workers find each other: nothing here needs them, and they cost a second at start.
        options = {**kwargs.pop("worker_options", {}), "without_mingle": True, "without_gossip": True}
        super().__init__(on_task_request, worker_options=options, **kwargs)

    def start(self) -> None:
        try:
            super().start()
        except NoPermissionError as error:
            _log.error("broker_refuses", detail=str(error))
            raise WorkerShutdown(EX_FAILURE) from None

    def connection_for_read(self, heartbeat: float | None = None) -> Connection:
        address = self.settings.broker_address
        connection = self.app.connection_for_read(
            address.replace(_SOCKET, "socket://", 1),
            heartbeat=heartbeat,
            transport=SocketTransport if address.startswith(_SOCKET) else Transport,
            transport_options={
                "refuse": _refuse_for(self.receiver),
                "worker_id": self.worker_id,
                "alive": self.life.sign,
                "ahead": self.receiver.receive_ahead,
            },
        )
        return self.ensure_connected(connection)

    def ensure_connected(self, conn: Connection) -> Connection:
        """Connect, however long the broker is away, unless the worker is to stop."""
        conn.ensure_connection(
            lambda error, _: self._away.begin(str(error)),
            interval_start=0,
            interval_step=1,
            interval_max=_LONGEST_PAUSE,
            callback=maybe_shutdown,
        )
        self.first_connection_attempt = False
        self._away.end()
        return conn

    def on_send_event_buffered(self) -> Callable[..., Any]:
        now = monotonic()
        if now >= self._events_due:
            self._events_due = now + _EVENTS_SECONDS
            self.hub.call_later(_EVENTS_SECONDS, self._flush_events)
        return self._flush_events

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        self._away.begin(str(exc))
        super().on_connection_error_after_connected(exc)


def worker_consumer(receiver: Receiver, settings: Settings, life: Life) -> type[Consumer]:
    """A consumer class for the broker of these settings; what the transport refuses goes to the receiver.

    Each answer of the broker is a sign of life.
    """
    return type("WorkerConsumer", (_WorkerConsumer,), {"receiver": receiver, "settings": settings, "life": life})


def _refuse_for(receiver: Receiver) -> Refuse:
    def refuse(raw: bytes, error: MalformedMessage) -> bool:
        rejected = Rejected(
            raw=raw, reason_code=error.reason_code, reason_detail=printable(error.detail), source="transport"
        )
        try:
            receiver.reject(rejected, task="", delivery="")
        except Stopping:
            return False
        return True

    return refuse

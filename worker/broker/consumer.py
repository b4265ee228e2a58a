"""What Celery runs in the worker, for every kind of broker: application, pool and consumer."""

import os
import socket
from collections.abc import Callable
from time import monotonic
from typing import Any, ClassVar
from uuid import uuid4

import structlog
from celery import bootsteps
from celery.concurrency import solo
from celery.exceptions import WorkerShutdown
from celery.platforms import EX_FAILURE
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown
from kombu import Connection
from typing_extensions import override

from ostinato.errors import MalformedMessage
from ostinato.messages.printable import printable
from ostinato.publishing.celery_app import OwnCelery
from store.events import Rejected
from tasks.receiver import Receiver, Stopping
from tasks.trouble import Trouble
from worker.broker.client import BrokerClient
from worker.broker.liveness import Life, Presence
from worker.settings import Settings

_LONGEST_PAUSE = 2
# Task events, for the dashboard, wait this long for others: one publication for several.
_EVENTS_SECONDS = 0.1

_log = structlog.get_logger()

Refuse = Callable[[bytes, MalformedMessage], bool]
"""Keeps the bytes of a message that Celery must not see; False if the worker is to stop before that is done."""


class WorkerApp(OwnCelery):
    """The application of worker and beat. Celery hands it to the classes that it makes: consumer and scheduler."""

    def __init__(self, settings: Settings, receiver: Receiver, life: Life) -> None:
        super().__init__("ostinato")
        self.settings, self.receiver, self.life = settings, receiver, life


class SerialPool(solo.TaskPool):
    """Applies messages one by one in the worker's own process; finishes each, also when Celery tells it to stop."""

    @override
    def terminate_job(self, pid: int, signal: int | None = None) -> None:
        # At SIGQUIT Celery calls this in the middle of a message. Celery's own pool raises then, in the transaction.
        return


class WorkerConsumer(Consumer):
    """Celery's consumer, as every broker needs it; a subclass has what one kind of broker needs beyond that.

    A message that Celery could not take apart goes to the quarantine, whole. A lost broker is logged once, not at every
    try. ``own_steps`` run beside Celery's. ``refusal`` is the error by which the broker says that this user may not do
    what a worker has to; it ends the worker.
    """

    own_steps: ClassVar[tuple[type[bootsteps.Step], ...]] = (Presence,)
    # Celery's steps that are left out: workers find each other by them, which costs a second at start.
    without: ClassVar[dict[str, bool]] = {"without_mingle": True, "without_gossip": True}

    client: ClassVar[type[BrokerClient]]
    refusal: ClassVar[type[Exception]]
    hub: Any
    _flush_events: Callable[[], None]

    def __init__(self, on_task_request: Callable[..., Any], *, app: WorkerApp, **kwargs: Any) -> None:  # noqa: ANN401 - Celery's own
        self.settings, self.receiver, self.life = app.settings, app.receiver, app.life
        self.worker_id = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
        self._away = Trouble("broker_unavailable", "broker_available_again")
        self._events_due = 0.0
        options = {**kwargs.pop("worker_options", {}), **self.without}
        super().__init__(on_task_request, app=app, worker_options=options, **kwargs)

    @override
    def start(self) -> None:
        try:
            super().start()
        except self.refusal as error:
            _log.error("broker_refuses", detail=str(error))
            raise WorkerShutdown(EX_FAILURE) from None

    @classmethod
    def configuration(cls, settings: Settings) -> dict[str, Any]:  # noqa: ARG003 - for those that need them
        """Celery's settings for this kind of broker."""
        return {}

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

    @override
    def on_send_event_buffered(self) -> Callable[..., Any]:
        now = monotonic()
        if now >= self._events_due:
            self._events_due = now + _EVENTS_SECONDS
            self.hub.call_later(_EVENTS_SECONDS, self._flush_events)
        return self._flush_events

    @override
    def on_connection_error_after_connected(self, exc: Exception) -> None:
        self._away.begin(str(exc))
        super().on_connection_error_after_connected(exc)

    def refuse(self, raw: bytes, error: MalformedMessage) -> bool:
        """Keep the bytes of a message that Celery must not see, as `Refuse` says."""
        rejected = Rejected(
            raw=raw, reason_code=error.reason_code, reason_detail=printable(error.detail), source="transport"
        )
        try:
            self.receiver.reject(rejected, task="", delivery="")
        except Stopping:
            return False
        return True

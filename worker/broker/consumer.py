"""Celery's consumer, as every broker wants it: what Celery could not take apart goes to the quarantine, whole."""

import os
import socket
from collections.abc import Callable
from time import monotonic
from typing import Any, ClassVar
from uuid import uuid4

from celery import bootsteps
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown
from kombu import Connection
from typing_extensions import override

from ostinato.errors import MalformedMessage
from ostinato.messages.printable import printable
from store.events import Rejected
from tasks.receiver import Receiver, Stopping
from worker.broker.life import Life
from worker.broker.liveness import Presence
from worker.settings import Settings
from worker.trouble import Trouble

_LONGEST_PAUSE = 2
# So long may what the dashboard shows of a task wait for more of it: one publication for several tasks.
_EVENTS_SECONDS = 0.1

Refuse = Callable[[bytes, MalformedMessage], bool]
"""Keeps the bytes of what Celery must not see; False if the worker is to stop before that is done."""


class WorkerConsumer(Consumer):
    """Says once, not at every try, that the broker is away. What a kind of broker needs beyond that, its subclass has.

    ``own_steps`` run beside Celery's.
    """

    own_steps: ClassVar[tuple[type[bootsteps.Step], ...]] = (Presence,)
    # Steps of Celery's that are left out: by these workers find each other, which costs a second at start.
    without: ClassVar[dict[str, bool]] = {"without_mingle": True, "without_gossip": True}

    settings: Settings
    receiver: Receiver
    life: Life
    hub: Any
    _flush_events: Callable[[], None]

    def __init__(self, on_task_request: Callable[..., Any], **kwargs: Any) -> None:  # noqa: ANN401 - Celery's own
        self.worker_id = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
        self._away = Trouble("broker_unavailable", "broker_available_again")
        self._events_due = 0.0
        options = {**kwargs.pop("worker_options", {}), **self.without}
        super().__init__(on_task_request, worker_options=options, **kwargs)

    @classmethod
    def configuration(cls, settings: Settings) -> dict[str, Any]:  # noqa: ARG003 - for those that need them
        """Celery's, for this kind of broker."""
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
        """Keep the bytes of what Celery must not see, as `Refuse` says."""
        rejected = Rejected(
            raw=raw, reason_code=error.reason_code, reason_detail=printable(error.detail), source="transport"
        )
        try:
            self.receiver.reject(rejected, task="", delivery="")
        except Stopping:
            return False
        return True

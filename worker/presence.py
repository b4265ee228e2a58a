"""How others know that a worker takes messages, without remote control; and the end of one that no longer does.

A thread asks the worker's loop for signs of life (`life`). While there are any, it says so to the broker. When there
have been none for too long, the worker is deaf: it ends, and whatever runs it starts another, which takes the messages
again. It cannot mend itself: whatever its loop waits for, it waits for in the middle of Celery.
"""

import os
import sys
from threading import Event, Thread, main_thread
from time import monotonic
from traceback import format_stack
from typing import Any

import structlog
from celery import bootsteps
from typing_extensions import override

from worker.broker_client import PRESENCE_SECONDS, BrokerClient
from worker.life import Life

# "Temporary failure", as sysexits.h has it: the next one may do better.
DEAF = 75
_STEP = 0.5
# A fetch is answered within a second or two.
_HEARD_SECONDS = 5.0

_log = structlog.get_logger()


class Presence(bootsteps.StartStopStep):
    """A step of Celery's consumer; it runs while there is a connection to the broker."""

    requires = ("celery.worker.consumer.connection:Connection",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Celery's own signature
        super().__init__(parent, **kwargs)
        self._stop = Event()
        self._thread: Thread | None = None

    @override
    def start(self, parent: Any) -> None:
        self._stop = Event()
        watch = _Watch(BrokerClient(parent.settings), parent.hostname, parent.life, parent.settings.deaf_after)
        self._thread = Thread(target=watch.run, args=(self._stop,), daemon=True, name="presence")
        self._thread.start()

    @override
    def stop(self, parent: Any) -> None:
        # Celery also stops steps that it never started.
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None


class _Watch:
    def __init__(self, broker: BrokerClient, worker: str, life: Life, deaf_after: float) -> None:
        self._broker = broker
        self._worker = worker
        self._life = life
        self._deaf_after = deaf_after
        self._due = 0.0

    def run(self, stop: Event) -> None:
        self._life.watch(monotonic())
        while not stop.wait(_STEP):
            self._look(monotonic())
        self._broker.say_gone("worker", self._worker)
        self._broker.close()

    def _look(self, now: float) -> None:
        silence = self._life.silence(now)
        if silence >= self._deaf_after:
            self._end(silence)
        elif silence < _HEARD_SECONDS and now >= self._due and self._life.seen:
            self._broker.say_present("worker", self._worker)
            self._due = now + PRESENCE_SECONDS

    def _end(self, silence: float) -> None:
        frame = vars(sys)["_current_frames"]().get(main_thread().ident)
        _log.critical("worker_deaf", seconds=round(silence), stack="".join(format_stack(frame)))
        self._broker.say_gone("worker", self._worker)
        os._exit(DEAF)

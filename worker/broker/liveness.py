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

from worker.broker.client import ANSWER_SECONDS, PRESENCE_SECONDS, BrokerClient, Part, name_in_lane
from worker.broker.kinds import broker_client
from worker.broker.life import Life

# "Temporary failure", as sysexits.h has it: the next one may do better.
DEAF = 75
_STEP = 0.5
# What nobody says is forgotten by the broker after a while.
_GONE_SECONDS = 2 * ANSWER_SECONDS

_log = structlog.get_logger()


class Watch:
    """A thread that says to the broker, while there are signs of life, that a worker or beat is at work.

    It ends the process that has shown none for too long.
    """

    def __init__(self, broker: BrokerClient, part: Part, name: str, life: Life) -> None:
        self._broker = broker
        self._part: Part = part
        self._name = name
        self._life = life
        self._due = 0.0
        self._stop = Event()
        self._thread = Thread(target=self._run, daemon=True, name="presence")
        self._thread.start()

    def stop(self) -> None:
        """Say that nobody is at work any more, and end the thread; not for longer than an answer may take.

        A signal that ends beat calls this in the middle of anything: what the thread waits for may be held by that.
        """
        self._stop.set()
        self._thread.join(_GONE_SECONDS)

    def _run(self) -> None:
        self._life.watch(monotonic())
        while not self._stop.wait(_STEP):
            self._look(monotonic())
        self._broker.say_gone(self._part, self._name)
        self._broker.close()

    def _look(self, now: float) -> None:
        silence = self._life.silence(now)
        if silence >= self._life.deaf_after:
            self._end(silence)
        elif self._life.seen and silence < self._life.heard and now >= self._due:
            self._broker.say_present(self._part, self._name)
            self._due = now + PRESENCE_SECONDS

    def _end(self, silence: float) -> None:
        try:
            frame = vars(sys)["_current_frames"]().get(main_thread().ident)
            _log.critical(f"{self._part}_deaf", seconds=round(silence), stack="".join(format_stack(frame)))
            self._broker.say_gone(self._part, self._name)
        finally:
            os._exit(DEAF)


class Presence(bootsteps.StartStopStep):
    """A step of Celery's consumer; it runs while there is a connection to the broker."""

    requires = ("celery.worker.consumer.connection:Connection",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Celery's own signature
        super().__init__(parent, **kwargs)
        self._watch: Watch | None = None

    @override
    def start(self, parent: Any) -> None:
        name = name_in_lane(parent.hostname, parent.settings.own_lane)
        self._watch = Watch(broker_client(parent.settings), "worker", name, parent.life)

    @override
    def stop(self, parent: Any) -> None:
        # Celery also stops steps that it never started.
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

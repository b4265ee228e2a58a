"""How others know that a worker takes messages, without remote control; and the end of one that no longer does.

The loop that takes messages shows life (`Life.sign`). A thread looks for these signs. While there are any, it tells the
broker that the worker is at work. When there have been none for too long, the worker is deaf: the process ends, and
what runs it (`ostinato up`, Compose) starts another, which takes the messages again. A deaf worker cannot mend itself:
its loop waits for something in the middle of Celery.
"""

import math
import os
import sys
from abc import abstractmethod
from collections.abc import Callable
from threading import main_thread
from time import monotonic
from traceback import format_stack
from typing import Any

import structlog
from celery import bootsteps
from typing_extensions import override

from ostinato.errors import BrokerUnavailable
from worker.broker.client import ANSWER_SECONDS, PRESENCE_SECONDS, BrokerClient, Part, name_in_lane
from worker.repeating import Repeating

# Exit code "temporary failure" of sysexits.h: the next process may do better.
DEAF = 75
# One step of watching counts at most this many seconds.
LONGEST_STEP = 2.0
_STEP = 0.5
# Ending may wait this long for the broker, which forgets a silent worker anyway.
_GONE_SECONDS = 2 * ANSWER_SECONDS

_log = structlog.get_logger()


class Life:
    """Signs of life of a loop, and for how long it has shown none. The loop gives the signs, one thread counts.

    A worker's loop shows life at each answer of the broker to a fetch, and while a message waits for the store. Time
    without a broker connection does not count as silence. Neither does time in which the whole process was stopped:
    one step counts at most `LONGEST_STEP`.
    """

    while_waiting: Callable[[], object]
    """Called several times a second while a message waits for the store."""

    def __init__(self, *, heard: float, deaf_after: float = math.inf) -> None:
        """Take the seconds of silence up to which it counts as heard, and from which it counts as deaf."""
        self.heard = heard
        self.while_waiting = _nothing
        self.deaf_after = deaf_after
        self._signs = self._seen = 0
        self._silence = 0.0
        self._at = 0.0

    def sign(self) -> None:
        """Show life."""
        self._signs += 1

    def begin(self, now: float) -> None:
        """Begin to count, or begin again; ``now`` in monotonic seconds, as below."""
        self._at = now

    @property
    def seen(self) -> bool:
        """Whether there was a sign already."""
        return self._seen > 0

    def silence(self, now: float) -> float:
        """Seconds counted since the last sign."""
        step, self._at = min(now - self._at, LONGEST_STEP), now
        self._silence = self._silence + step if self._signs == self._seen else 0.0
        self._seen = self._signs
        return self._silence


def _nothing() -> None:
    """Do nothing (default of `while_waiting`)."""


class Heartbeat(Repeating):
    """A thread that tells the broker, while there are signs of life, that a worker or beat is at work.

    It ends the process that has shown none for too long.
    """

    def __init__(self, broker: BrokerClient, part: Part, name: str, life: Life) -> None:
        super().__init__(_STEP, self._look, "presence")
        self._broker = broker
        self._part: Part = part
        self._name = name
        self._life = life
        self._due = 0.0

    @override
    def stop(self, timeout: float | None = _GONE_SECONDS) -> None:
        """Tell the broker that the worker or beat has gone, and end; wait at most ``timeout`` seconds for that.

        The thread itself tells it: a signal that ends beat calls this in the middle of anything, and the thread may
        wait for a lock that the interrupted code holds.
        """
        super().stop(timeout)

    @override
    def _run(self) -> None:
        self._life.begin(monotonic())
        super()._run()
        self._tell(self._broker.say_gone)
        self._broker.close()

    def _look(self) -> None:
        now = monotonic()
        silence = self._life.silence(now)
        if silence >= self._life.deaf_after:
            self._end(silence)
        elif self._life.seen and silence < self._life.heard and now >= self._due:
            self._tell(self._broker.say_present)
            self._due = now + PRESENCE_SECONDS

    def _tell(self, say: Callable[[Part, str], None]) -> None:
        try:
            say(self._part, self._name)
        except BrokerUnavailable as error:
            _log.debug("presence_not_said", detail=str(error))

    def _end(self, silence: float) -> None:
        try:
            frame = vars(sys)["_current_frames"]().get(main_thread().ident)
            _log.critical(f"{self._part}_deaf", seconds=round(silence), stack="".join(format_stack(frame)))
            self._tell(self._broker.say_gone)
        finally:
            os._exit(DEAF)


class WhileConnected(bootsteps.StartStopStep):
    """A step of Celery's consumer that runs a thread for as long as there is a connection to the broker."""

    requires = ("celery.worker.consumer.connection:Connection",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Celery's own signature
        super().__init__(parent, **kwargs)
        self._thread: Repeating | None = None

    @abstractmethod
    def thread(self, parent: Any) -> Repeating:  # noqa: ANN401 - Celery's own
        """Make the thread, for this consumer."""

    @override
    def start(self, parent: Any) -> None:
        self._thread = self.thread(parent)
        self._thread.start()

    @override
    def stop(self, parent: Any) -> None:
        # Celery also stops steps that it never started.
        if self._thread is not None:
            self._thread.stop()
            self._thread = None


class Presence(WhileConnected):
    """Runs the worker's `Heartbeat`."""

    @override
    def thread(self, parent: Any) -> Repeating:
        name = name_in_lane(parent.hostname, parent.settings.own_lane)
        return Heartbeat(parent.client(parent.settings), "worker", name, parent.life)

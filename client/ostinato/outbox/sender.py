"""The thread that empties a producer's outbox, for as long as the process runs."""

import logging
import math
import os
import time
from contextlib import suppress
from threading import Condition, Event, Thread
from typing import TYPE_CHECKING

from ostinato.errors import OutboxFull, OutboxUnavailable, TransientError
from ostinato.messages import wire
from ostinato.messages.models import BATCH_COUNT, Message
from ostinato.outbox.file import Outbox
from ostinato.outbox.folder import Place, take
from ostinato.outbox.forking import Open
from ostinato.outbox.forwarder import Forwarder
from ostinato.settings.outbox import OutboxSettings

if TYPE_CHECKING:
    from pathlib import Path

COALESCE_SECONDS = 0.05
LOOK_AROUND_SECONDS = 5.0
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0

# A producer runs in a process that is not ours: it logs little, through that process's own logging.
_log = logging.getLogger("ostinato")


class Sender(Open):
    """An outbox of the folder that this process owns, and the thread that sends what is in it.

    OutboxUnavailable if the folder or the file cannot be used.
    """

    def __init__(self, settings: OutboxSettings) -> None:
        self._settings = settings
        self._forwarder = Forwarder(settings)
        self.place, self.outbox = _opened(settings)
        self._wake, self._hurry, self._progress = Event(), Event(), Condition()
        self._wake.set()
        # When the thread must have ended. Since when a message waits for the broker, while that is away; else None.
        self._deadline = math.inf
        self._oldest: float | None = None
        self._pause = FIRST_PAUSE
        self._look_around_due = 0.0
        self._thread = Thread(target=self._run, name="ostinato-producer", daemon=True)
        self.process = os.getpid()
        self.opened()
        self._thread.start()

    def add(self, message: Message) -> None:
        """Take a message; MalformedMessage, OutboxFull, OutboxUnavailable."""
        text, oldest = wire.encode(message), self._oldest
        if oldest is not None and time.time() - oldest > self._settings.outbox_age:
            raise OutboxFull(
                f"A message has waited in the outbox {self.place.path} for more than {self._settings.outbox_age:g} "
                "seconds: the broker is away. Start it, or allow more by OSTINATO_OUTBOX_AGE."
            )
        self.outbox.add(str(message.id), message.KIND, text, limit=self._settings.outbox_bytes)
        self._wake.set()

    def flush(self, timeout: float) -> bool:
        """Wait until the broker has what was added before, at most ``timeout`` seconds; whether it has."""
        last = self.outbox.last
        self._hurry_up()
        with self._progress:
            return self._progress.wait_for(lambda: self.outbox.upto >= last, timeout)

    def close(self, timeout: float) -> int:
        """Send what waits, for at most ``timeout`` seconds, and end; returns how many messages are left."""
        self._deadline = time.monotonic() + timeout
        self._hurry_up()
        self._thread.join(timeout)
        return self.outbox.waiting

    def _hurry_up(self) -> None:
        self._hurry.set()
        self._wake.set()

    def _run(self) -> None:
        try:
            while not self._closing():
                self._send_next()
            while self.outbox.waiting and time.monotonic() < self._deadline and self._sent():
                pass
        finally:
            self._forwarder.close()
            self.outbox.close()
            self.place.leave()
            self.closed()

    def _closing(self) -> bool:
        return self._deadline < math.inf

    def _send_next(self) -> None:
        """Wait for messages, then a moment for more of them, and send them; after a failure, pause."""
        self._wake.wait(LOOK_AROUND_SECONDS)
        if self.outbox.waiting < BATCH_COUNT * self._settings.lanes:
            self._hurry.wait(COALESCE_SECONDS)
        if not self._closing() and not self._sent() and not self._closing():
            self._hurry.wait(self._pause)
            self._wake.set()

    def _sent(self) -> bool:
        """Send one batch, if one waits, look after other files and tidy up; whether all that went well."""
        self._wake.clear()
        self._hurry.clear()
        try:
            self._forwarder.forward(self.outbox)
            self._look_around()
            self._forwarder.tidy(self.outbox)
        except Exception as error:  # noqa: BLE001 - whatever it is, what waits is sent later
            self._failed(error)
            return False
        finally:
            with self._progress:
                self._progress.notify_all()
        self._went_well()
        return True

    def _look_around(self) -> None:
        """Every few seconds, send what processes that have ended have left."""
        if time.monotonic() >= self._look_around_due and not self._forwarder.forward_abandoned():
            self._look_around_due = time.monotonic() + LOOK_AROUND_SECONDS

    def _went_well(self) -> None:
        if self._oldest is not None:
            _log.info("The broker takes messages again: %d wait in %s.", self.outbox.waiting, self.place.path)
        self._oldest = None
        if self.outbox.waiting or time.monotonic() >= self._look_around_due:
            self._wake.set()

    def _failed(self, error: Exception) -> None:
        if self._oldest is None:
            expected = isinstance(error, TransientError)
            waiting, path = self.outbox.waiting, self.place.path
            _log.warning("%d messages wait in %s: %s", waiting, path, error, exc_info=None if expected else error)
            self._pause = FIRST_PAUSE
        else:
            self._pause = min(LONGEST_PAUSE, self._pause * 2)
        self._oldest = time.time()
        with suppress(OutboxUnavailable):
            self._oldest = self.outbox.oldest() or self._oldest


def _opened(settings: OutboxSettings) -> tuple[Place, Outbox]:
    """The first file that no process owns and that can be used."""
    unusable: set[Path] = set()
    while True:
        place = take(settings.outbox_folder, besides=unusable)
        new = not place.path.exists()
        try:
            return place, Outbox(place.path, fsync=settings.outbox_fsync)
        except OutboxUnavailable:
            place.leave()
            if new:
                raise
            unusable.add(place.path)

"""Fire and forget: `Producer` keeps each message in an outbox and returns; a thread of its own sends them on."""

import atexit
import os
from collections.abc import Callable
from threading import RLock
from typing import Concatenate, ParamSpec, Self, TypeVar

from ostinato.messages import wire
from ostinato.messages.models import (
    ApplyBatch,
    Message,
    RecalculateAllPatternPriorities,
    RecordPattern,
    RecordPatternApplication,
    SoftDeletePattern,
    UpdatePatternEffectiveness,
)
from ostinato.outbox.sender import Sending
from ostinato.publishing.tracing import recording
from ostinato.settings.environment import read_settings
from ostinato.settings.outbox import OutboxSettings

_AT_EXIT_SECONDS = 2.0

P = ParamSpec("P")
M = TypeVar("M", bound=Message)


def _recording(message: Callable[P, M], answer: Callable[[M], str]) -> Callable[Concatenate["Producer", P], str]:
    def record(self: "Producer", /, *args: P.args, **kwargs: P.kwargs) -> str:
        if args:
            raise TypeError("a message takes its fields by name")
        made = wire.make(message, kwargs)
        self.send(made)
        return answer(made)

    return record


def _id(message: Message) -> str:
    return str(message.id)


class Producer:
    """Takes messages at once, whether or not there is a broker, and loses none that it took.

    Each call checks its fields (MalformedMessage with a reason code), writes the message to the outbox of this process
    and returns an id: `record_pattern` the pattern's, `record_pattern_application` the application's, the others the
    message's. It never waits for the broker. OutboxFull where too much waits already, OutboxUnavailable where the file
    cannot be written: then nothing was taken.

    What a process leaves behind when it ends, however it ends, is sent by the next one that has a `Producer` on the
    same folder, by one that runs, or by `ostinato outbox flush`. Threads may share one; a child of a fork has an outbox
    of its own, from its first message on. A context manager that closes.
    """

    def __init__(self, settings: OutboxSettings | None = None) -> None:
        """Open an outbox, as the settings or else the environment have it; ConfigurationError, OutboxUnavailable."""
        self._settings = settings or read_settings(OutboxSettings)
        self._sending: Sending | None = None
        self._opened()

    record_pattern = _recording(RecordPattern, lambda message: message.pattern_id)
    record_pattern_application = _recording(RecordPatternApplication, _id)
    soft_delete_pattern = _recording(SoftDeletePattern, _id)
    update_pattern_effectiveness = _recording(UpdatePatternEffectiveness, _id)
    recalculate_all_pattern_priorities = _recording(RecalculateAllPatternPriorities, _id)

    def send(self, message: Message) -> None:
        """Take a message that is made already, of any kind but a batch; errors as for the others."""
        if message.KIND == ApplyBatch.KIND:
            raise TypeError("send the messages of a batch one by one: they are batched on their way")
        with recording(message.KIND, str(message.id)):
            self._opened().add(message)

    @property
    def waiting(self) -> int:
        """How many messages of this process the broker does not have yet."""
        sending = self._sending
        return 0 if sending is None else sending.outbox.waiting

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait for at most so many seconds until the broker has all that was taken before; whether it has."""
        sending = self._sending
        return sending is None or sending.flush(timeout)

    def close(self, timeout: float = 5.0) -> int:
        """Send what waits, for at most so many seconds; how many messages are left, which are sent later.

        A message after that opens the outbox again.
        """
        with _changing:
            sending, self._sending = self._sending, None
            _open.discard(self)
        return 0 if sending is None else sending.close(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _opened(self) -> Sending:
        with _changing:
            if self._sending is None:
                self._sending = Sending(self._settings)
                _open.add(self)
            return self._sending

    def after_fork(self) -> None:
        """In the child of a fork, done by itself: leave the outbox to the parent."""
        _of_parents.append(self._sending)
        self._sending = None


# Held while a producer opens or closes, which a fork waits for.
_changing = RLock()
_open: set[Producer] = set()
# What a child of a fork has from its parent: never used and never closed, because the parent uses it.
_of_parents: list[Sending | None] = []


def _after_fork() -> None:
    for producer in tuple(_open):
        producer.after_fork()
    _open.clear()
    _changing.release()


def _at_exit() -> None:
    for producer in tuple(_open):
        producer.close(_AT_EXIT_SECONDS)


os.register_at_fork(before=_changing.acquire, after_in_parent=_changing.release, after_in_child=_after_fork)
atexit.register(_at_exit)

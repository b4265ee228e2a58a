"""What the tests know of each message that they sent, whatever the product says of it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum
from threading import Lock

from tests.model.said import Message
from tests.model.serial import comparable


class Outcome(IntEnum):
    """What the sender knows; of several sendings of one message the surest counts."""

    FAIL = 0
    """Surely not sent."""
    INFO = 1
    """It may have been sent: the call did not return, or with an error that leaves it open."""
    OK = 2
    """Accepted: from here on the message must not be lost."""


@dataclass(frozen=True, slots=True)
class Note:
    """One message, whatever its spelling; ``at`` is when its outcome was last noted, in seconds since 1970."""

    message: Message
    outcome: Outcome
    at: float


@dataclass
class Ledger:
    """Notes messages from any number of threads; iterates over what was noted, each message once.

    Two messages are one if they have the same id and the same content; with another content, an id counts as another.
    """

    _notes: dict[tuple[str, str], Note] = field(default_factory=dict[tuple[str, str], Note])
    _unfit: set[bytes] = field(default_factory=set[bytes])
    _lock: Lock = field(default_factory=Lock)

    def note(self, outcome: Outcome, *messages: Message) -> None:
        """Write down what became of the sending of messages, each as JSON has it; a batch by its members."""
        with self._lock:
            for message in messages:
                key = (message["id"], comparable(message))
                known = self._notes.get(key)
                best = outcome if known is None else max(outcome, known.outcome)
                self._notes[key] = Note(message, best, time.time())

    def doubt(self) -> None:
        """Whatever was accepted so far may be lost: the broker that had it has lost its disk."""
        with self._lock:
            for key, note in self._notes.items():
                self._notes[key] = replace(note, outcome=min(note.outcome, Outcome.INFO))

    def note_unfit(self, raw: bytes) -> None:
        """Write down bytes that were accepted and can only end in the quarantine, as they are kept there."""
        with self._lock:
            self._unfit.add(raw)

    @property
    def unfit(self) -> frozenset[bytes]:
        """What must be in the quarantine, byte for byte."""
        with self._lock:
            return frozenset(self._unfit)

    def __iter__(self) -> Iterator[Note]:
        with self._lock:
            return iter(list(self._notes.values()))

    def __len__(self) -> int:
        with self._lock:
            return len(self._notes) + len(self._unfit)

"""Fire and forget: `Producer` keeps each message in an outbox and returns; a thread of its own sends it on."""

import atexit
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal, Self, TypeVar
from uuid import UUID

from ostinato.messages import wire
from ostinato.messages.models import (
    ApplyBatch,
    Message,
    Provenance,
    RecalculateAllPatternPriorities,
    RecordPattern,
    RecordPatternApplication,
    SoftDeletePattern,
    UpdatePatternEffectiveness,
)
from ostinato.outbox.forking import changing
from ostinato.outbox.sender import Sender
from ostinato.publishing.tracing import recording
from ostinato.settings.environment import read_settings
from ostinato.settings.outbox import OutboxSettings

_AT_EXIT_SECONDS = 2.0
# Made where they are not given.
_STAMPS = ("id", "occurred_at")

M = TypeVar("M", bound=Message)


class Producer:
    """Takes messages at once, whether or not there is a broker, and loses none that it took.

    Each call checks its fields, writes the message to the outbox of this process and returns an id. It never waits for
    the broker. If it raises an error, it took nothing: MalformedMessage (with a reason code) if a field is wrong,
    OutboxFull if too much waits already, OutboxUnavailable if the file cannot be written.

    What a process leaves behind when it ends, however it ends, is sent later: by the next process that has a `Producer`
    on the same folder, by one that runs already, or by `ostinato outbox flush`. Threads may share a producer. The child
    of a fork gets an outbox of its own with its first message. A context manager that closes.
    """

    def __init__(self, settings: OutboxSettings | None = None) -> None:
        """Open an outbox, as the settings say, or else the environment; ConfigurationError, OutboxUnavailable."""
        self._settings = settings or read_settings(OutboxSettings)
        self._sender: Sender | None = None
        self._opened()

    def record_pattern(  # noqa: PLR0913 - a message has many fields
        self,
        *,
        pattern_type: str,
        pattern_name: str,
        description: str | None = None,
        context_tags: Sequence[str] | None = None,
        suggested_action: str | None = None,
        provenance: Provenance | Mapping[str, str | int | None] | None = None,
        instrument_name: str | None = None,
        fingerprint: str | None = None,
        id: UUID | str | None = None,  # noqa: A002 - the field's name
        occurred_at: datetime | str | None = None,
    ) -> str:
        """Say that a pattern was seen.

        Args:
            pattern_type: Which sort of pattern it is; 1 to 100 characters.
            pattern_name: What it is called; 1 to 500 characters. Case and runs of white space do not matter.
            description: What it is; at most 10,000 characters, tabs and new lines among them.
            context_tags: Words to find it by; at most 64, each of 1 to 200 characters.
            suggested_action: What to do about it; at most 10,000 characters, tabs and new lines among them.
            provenance: Where it was seen: `job_hash` (at most 200 characters), `sheet_num` (0 to 2,147,483,647).
            instrument_name: What saw it; at most 200 characters.
            fingerprint: Patterns of one type with the same fingerprint are one pattern; at most 200 characters.
            id: The message's id, the same at each retry; a UUID of 36 characters. Without one, it is made.
            occurred_at: When it was seen: an aware datetime, or ISO 8601 with an offset. Without one, now.

        Returns:
            the pattern's id: 16 hex digits, the same for every spelling of the name.

        Raises:
            MalformedMessage, OutboxFull, OutboxUnavailable: nothing was taken, see `Producer`.
        """
        return self._taken(RecordPattern, locals()).pattern_id

    def record_pattern_application(  # noqa: PLR0913 - a message has many fields
        self,
        *,
        pattern_id: str,
        execution_id: str,
        pattern_led_to_success: bool,
        retry_count_before: int = 0,
        retry_count_after: int = 0,
        application_mode: Literal["exploitation", "exploration"] = "exploitation",
        validation_passed: bool | None = None,
        grounding_confidence: float | None = None,
        id: UUID | str | None = None,  # noqa: A002 - the field's name
        occurred_at: datetime | str | None = None,
    ) -> str:
        """Say that a pattern was applied to an execution, and how that ended.

        Args:
            pattern_id: The pattern's id, as `record_pattern` returns it, or an alias; 1 to 200 characters.
            execution_id: What it was applied to; at most 200 characters.
            pattern_led_to_success: Whether it worked; a real boolean.
            retry_count_before: Retries before it was applied; 0 to 1,000,000.
            retry_count_after: Retries after it was applied; 0 to 1,000,000.
            application_mode: `exploitation` of what is known to work, or `exploration`.
            validation_passed: Whether the result passed its validation; a real boolean.
            grounding_confidence: How sure it is that the pattern caused the outcome; 0 to 1, and finite.
            id: The message's id, the same at each retry; a UUID of 36 characters. Without one, it is made.
            occurred_at: When it was applied: an aware datetime, or ISO 8601 with an offset. Without one, now.

        Returns:
            the application's id, which is the message's.

        Raises:
            MalformedMessage, OutboxFull, OutboxUnavailable: nothing was taken, see `Producer`.
        """
        return str(self._taken(RecordPatternApplication, locals()).id)

    def soft_delete_pattern(
        self,
        *,
        pattern_id: str,
        id: UUID | str | None = None,  # noqa: A002 - the field's name
        occurred_at: datetime | str | None = None,
    ) -> str:
        """Hide a pattern from queries until it is seen again; its row and its applications stay.

        Args:
            pattern_id: The pattern's id, or an alias; 1 to 200 characters.
            id: The message's id, the same at each retry; a UUID of 36 characters. Without one, it is made.
            occurred_at: When it was deleted: an aware datetime, or ISO 8601 with an offset. Without one, now.

        Returns:
            the message's id.

        Raises:
            MalformedMessage, OutboxFull, OutboxUnavailable: nothing was taken, see `Producer`.
        """
        return str(self._taken(SoftDeletePattern, locals()).id)

    def update_pattern_effectiveness(
        self,
        *,
        pattern_id: str,
        id: UUID | str | None = None,  # noqa: A002 - the field's name
        occurred_at: datetime | str | None = None,
    ) -> str:
        """Ask for one pattern's scores to be computed again.

        Args:
            pattern_id: The pattern's id, or an alias; 1 to 200 characters.
            id: The message's id, the same at each retry; a UUID of 36 characters. Without one, it is made.
            occurred_at: When it was asked: an aware datetime, or ISO 8601 with an offset. Without one, now.

        Returns:
            the message's id.

        Raises:
            MalformedMessage, OutboxFull, OutboxUnavailable: nothing was taken, see `Producer`.
        """
        return str(self._taken(UpdatePatternEffectiveness, locals()).id)

    def recalculate_all_pattern_priorities(
        self,
        *,
        id: UUID | str | None = None,  # noqa: A002 - the field's name
        occurred_at: datetime | str | None = None,
    ) -> str:
        """Ask for every pattern's scores to be computed again; beat does so by itself.

        Args:
            id: The message's id, the same at each retry; a UUID of 36 characters. Without one, it is made.
            occurred_at: When it was asked: an aware datetime, or ISO 8601 with an offset. Without one, now.

        Returns:
            the message's id.

        Raises:
            MalformedMessage, OutboxFull, OutboxUnavailable: nothing was taken, see `Producer`.
        """
        return str(self._taken(RecalculateAllPatternPriorities, locals()).id)

    def send(self, message: Message) -> None:
        """Take a message that was made before, of any kind but a batch; errors as for the others."""
        if message.KIND == ApplyBatch.KIND:
            raise TypeError("send the messages of a batch one by one: they are batched on their way")
        with recording(message.KIND, str(message.id)):
            self._opened().add(message)

    @property
    def waiting(self) -> int:
        """How many messages of this process the broker does not have yet."""
        sender = self._own()
        return 0 if sender is None else sender.outbox.waiting

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until the broker has all that was taken before, at most ``timeout`` seconds; whether it has."""
        sender = self._own()
        return sender is None or sender.flush(timeout)

    def close(self, timeout: float = 5.0) -> int:
        """Send what waits, for at most ``timeout`` seconds; returns how many messages are left, to be sent later.

        A message after that opens the outbox again.
        """
        with changing:
            sender, self._sender = self._own(), None
            _open.discard(self)
        return 0 if sender is None else sender.close(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _taken(self, model: Callable[..., M], arguments: Mapping[str, object]) -> M:
        """The message of a method's arguments, which are its fields, once it is in the outbox."""
        fields = {
            name: value
            for name, value in arguments.items()
            if name != "self" and not (value is None and name in _STAMPS)
        }
        message = wire.make(model, fields)
        self.send(message)
        return message

    def _own(self) -> Sender | None:
        """What this process has open: the child of a fork leaves its parent's alone."""
        sender = self._sender
        return sender if sender is not None and sender.process == os.getpid() else None

    def _opened(self) -> Sender:
        with changing:
            sender = self._own()
            if sender is None:
                sender = self._sender = Sender(self._settings)
                _open.add(self)
            return sender


_open: set[Producer] = set()


def _at_exit() -> None:
    for producer in tuple(_open):
        producer.close(_AT_EXIT_SECONDS)


atexit.register(_at_exit)

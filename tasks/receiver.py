"""What becomes of a message that arrives: parsed, applied in one transaction, committed; quarantined or tried again.

Knows messages and the store, and nothing of Celery: `celery_tasks` does.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from threading import Event
from typing import NamedTuple, TypeVar

import structlog

from ostinato.errors import TransientError
from ostinato.messages.models import RecalculateAllPatternPriorities
from store.events import Item, Recalculation, Rejected
from store.writing.applying import Delivery, apply_in_turn
from store.writing.recalculation import recalculate
from store.writing.transaction import Clock, Writer
from tasks.events import items, recalculation_in, unexpected
from tasks.trouble import Trouble

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 5.0

_log = structlog.get_logger()
T = TypeVar("T")


class Stopping(Exception):
    """The worker is to stop while a message waits for the store; the message has had no effect yet."""


class RawDelivery(NamedTuple):
    """What a task brings, unread: the kind that names the task, the text, and the id that Celery gave this sending."""

    kind: str
    text: str
    id: str


def _trouble() -> Trouble:
    return Trouble("store_unavailable", "store_available_again")


@dataclass(frozen=True, slots=True)
class Receiver:
    """Takes deliveries to the store; ``pause`` waits for this many seconds, and is False if the worker is to stop."""

    writer: Writer
    clock: Clock
    pause: Callable[[float], bool]
    _ahead: Counter[RawDelivery] = field(default_factory=Counter[RawDelivery], init=False)
    _stopping: Event = field(default_factory=Event, init=False)
    _store: Trouble = field(default_factory=_trouble, init=False)

    @property
    def waits_for_store(self) -> bool:
        """Whether a message was tried and waits for a store that is unavailable; for any thread."""
        return self._store.lasts

    def receive(self, kind: str, text: str, delivery: str) -> None:
        """Give the message of an effect kind, or a batch of them, its effect; returns once it is committed."""
        if self._done_ahead(RawDelivery(kind, text, delivery)):
            return
        events = items(kind, text)
        self._until_stored(lambda: self._apply(events, kind, delivery))

    def receive_ahead(self, delivered: Sequence[RawDelivery]) -> None:
        """Give messages that were fetched together their effects in one transaction, before their tasks run.

        So they share one commit. It is tried once: if it fails, each task applies its own message, and handles errors.
        """
        self._ahead.clear()
        # Not beyond a recalculation: it may need more than one transaction, and has to keep its place.
        grouped = list(takewhile(lambda each: each.kind != RecalculateAllPatternPriorities.KIND, delivered))
        if not grouped:
            return
        try:
            deliveries = [Delivery(kind, key, items(kind, text)) for kind, text, key in grouped]
            apply_in_turn(self.writer, self.clock, deliveries)
        except Exception as error:  # noqa: BLE001 - the tasks will meet the same error, and handle it
            _log.debug("messages_not_applied_together", count=len(grouped), detail=str(error))
        else:
            self._ahead.update(grouped)

    def receive_recalculation(self, text: str, delivery: str) -> bool:
        """Recompute the next chunk of patterns; False if the message has to be delivered again for the rest."""
        kind = RecalculateAllPatternPriorities.KIND
        event = recalculation_in(text)
        if isinstance(event, Rejected):
            self.reject(event, kind, delivery)
            return True
        return self._until_stored(lambda: self._recalculate(event, kind, delivery))

    def reject(self, rejected: Rejected, task: str, delivery: str) -> None:
        """Quarantine a message that can never be applied; returns once that is committed."""
        self._until_stored(lambda: self._commit([rejected], task, delivery))

    def _done_ahead(self, delivered: RawDelivery) -> bool:
        if delivered not in self._ahead:
            return False
        self._ahead[delivered] -= 1
        if not self._ahead[delivered]:
            del self._ahead[delivered]
        return True

    def _apply(self, items: Sequence[Item], task: str, delivery: str) -> None:
        try:
            self._commit(items, task, delivery)
        except TransientError:
            raise
        except Exception as error:  # noqa: BLE001 - a defect of ours must cost neither this message nor the next
            _log.exception("effect_failed", task=task, delivery=delivery)
            if len(items) == 1:
                self._commit([_defect(items[0], error)], task, delivery)
            else:
                for item in items:
                    self._apply([item], task, delivery)

    def _commit(self, items: Sequence[Item], task: str, delivery: str) -> None:
        apply_in_turn(self.writer, self.clock, [Delivery(task, delivery, items)])

    def _recalculate(self, event: Recalculation, task: str, delivery: str) -> bool:
        try:
            with self.writer.transaction(self.clock) as transaction:
                return recalculate(transaction, event, task=task, delivery=delivery)
        except TransientError:
            raise
        except Exception as error:  # noqa: BLE001 - as for any other message
            _log.exception("effect_failed", task=task, delivery=delivery)
            self._commit([_defect(event, error)], task, delivery)
            return True

    def _until_stored(self, attempt: Callable[[], T]) -> T:
        """Try until the store takes it; the log says once that the store is unavailable, and once that it is back."""
        pause = FIRST_PAUSE
        while True:
            if self._stopping.is_set():
                raise Stopping
            try:
                result = attempt()
            except Exception as error:
                self._store.begin(str(error))
                if not self.pause(pause):
                    # So that the other messages of this fetch are not tried any more.
                    self._stopping.set()
                    raise Stopping from error
                pause = min(LONGEST_PAUSE, pause * 2)
            else:
                self._store.end()
                return result


def _defect(item: Item | Recalculation, error: Exception) -> Rejected:
    if isinstance(item, Rejected):
        raise error
    return unexpected(item.content, error, message_id=item.id)

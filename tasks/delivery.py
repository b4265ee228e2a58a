"""What becomes of a message that arrives: parsed, applied in one transaction, committed; quarantined or tried again.

Knows the wire and the store, nothing of Celery: the binding is in `binding`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog

from store.errors import MalformedMessage, TransientError
from store.events import Item, Recalculation, Rejected
from store.lanes import apply_in_turn
from store.recalculation import recalculate
from store.transaction import Clock, Writer
from tasks import wire
from tasks.messages import BATCH_MEMBERS, ApplyBatch, RecalculateAllPatternPriorities

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 5.0

_log = structlog.get_logger()
T = TypeVar("T")


class Stopping(Exception):
    """The worker is to stop while a message waits for the store; the message has had no effect yet."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Takes deliveries to the store.

    ``pause`` waits for so many seconds and says False once the worker is
    to stop.
    """

    writer: Writer
    clock: Clock
    pause: Callable[[float], bool]

    def receive(self, kind: str, text: str, delivery: str) -> None:
        """Give the message of an effect kind, or a batch of them, its effect; returns once it is committed."""
        items = _read(kind, text)
        self._until_stored(lambda: self._apply(items, kind, delivery))

    def receive_recalculation(self, text: str, delivery: str) -> bool:
        """Recompute the next chunk of patterns; True when this message needs no further delivery."""
        kind = RecalculateAllPatternPriorities.KIND
        try:
            event = wire.read(RecalculateAllPatternPriorities, text).event()
        except Exception as error:  # noqa: BLE001 - as for any other message
            self.reject(_unread(text, error), kind, delivery)
            return True
        return self._until_stored(lambda: self._recalculate(event, kind, delivery))

    def reject(self, rejected: Rejected, task: str, delivery: str) -> None:
        """Keep a message that can never be applied; returns once that is committed."""
        self._until_stored(lambda: self._commit([rejected], task, delivery))

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
        apply_in_turn(self.writer, self.clock, items, task=task, delivery=delivery)

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
        """The attempt's result, however long the store is away: said once in the log, and once when it is back."""
        pause, waited = FIRST_PAUSE, False
        while True:
            try:
                result = attempt()
            except Exception as error:
                if not waited:
                    _log.warning("store_unavailable", detail=str(error))
                waited = True
                if not self.pause(pause):
                    raise Stopping from error
                pause = min(LONGEST_PAUSE, pause * 2)
            else:
                if waited:
                    _log.info("store_available_again")
                return result


def _read(kind: str, text: str) -> list[Item]:
    try:
        return wire.read_batch(text) if kind == ApplyBatch.KIND else [wire.read(BATCH_MEMBERS[kind], text).event()]
    except Exception as error:  # noqa: BLE001 - a defect of ours in reading must not cost the message either
        return [_unread(text, error)]


def _unread(text: str, error: Exception) -> Rejected:
    if isinstance(error, MalformedMessage):
        return wire.rejected(text, error)
    return _unexpected(text, error, message_id=None)


def _defect(item: Item | Recalculation, error: Exception) -> Rejected:
    if isinstance(item, Rejected):
        raise error
    return _unexpected(item.content, error, message_id=item.id)


def _unexpected(text: str, error: Exception, message_id: str | None) -> Rejected:
    return Rejected(
        raw=text.encode(errors="surrogatepass"),
        reason_code="unexpected_error",
        reason_detail=type(error).__name__,
        source="domain",
        message_id=message_id,
    )

"""Beat: sends the message of each slot, to the same queue as all messages."""

import os
import socket
from typing import Any

import structlog
from celery.beat import BeatLazyFunc, ScheduleEntry, Scheduler, SchedulingError
from kombu import Connection
from typing_extensions import override

from ostinato.messages import wire
from ostinato.messages.models import RecalculateAllPatternPriorities
from ostinato.publishing.kinds import kind_of
from ostinato.times import EPOCH
from tasks.trouble import Trouble
from worker.beat.slots import SlotSchedule, slot_message
from worker.broker.consumer import WorkerApp
from worker.broker.kinds import broker_client
from worker.broker.liveness import Heartbeat, Life

RETRY_SECONDS = 2.0
LONGEST_WAIT = 5

_log = structlog.get_logger()


def beat_schedule(schedule: SlotSchedule, options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Celery's configuration of beat's only job; ``options`` are those of a task for this broker.

    The last run is given as 1970, so that beat starts with the slot that it may have missed. If it had not missed it,
    the inbox recognizes the message.
    """
    kind = RecalculateAllPatternPriorities.KIND
    return {
        kind: {
            "task": kind,
            "schedule": schedule,
            "args": (BeatLazyFunc(_slot_text, schedule),),
            "options": {**options, "argsrepr": "all patterns", "retry": False, "ignore_result": True},
            "last_run_at": EPOCH,
        }
    }


def _slot_text(schedule: SlotSchedule) -> str:
    return wire.encode(slot_message(schedule.slot(schedule.now())))


class SlotScheduler(Scheduler):
    """Celery's scheduler without a file of its own, and with patience: a slot that could not be sent is sent later.

    It shows life at every tick, except at those at which a slot could not be sent.
    """

    def __init__(self, app: WorkerApp, **kwargs: Any) -> None:  # noqa: ANN401 - Celery's own signature
        self._settings = app.settings
        self._failed = False
        self._away = Trouble("broker_unavailable", "broker_available_again")
        self._trouble = Trouble("slot_not_sent", "slots_are_sent_again")
        self._name = f"{socket.gethostname()}-{os.getpid()}"
        self._life = Life(heard=2 * LONGEST_WAIT)
        self._heartbeat: Heartbeat | None = None
        super().__init__(app, **kwargs)

    @override
    def tick(self, *args: Any, **kwargs: Any) -> float:
        before = dict(self.schedule)
        try:
            wait = super().tick(*args, **kwargs)
        except kind_of(self._settings.broker_address).errors as error:
            # Celery has marked the entry as run before it had a connection to send it on.
            self.schedule.update(before)
            self._not_sent(str(error))
            wait = RETRY_SECONDS
        if self._failed:
            self._failed, self._heap = False, None
            return RETRY_SECONDS
        self._show_life()
        return wait

    @override
    def close(self) -> None:
        super().close()
        if self._heartbeat is not None:
            self._heartbeat.stop()
            self._heartbeat = None

    def _show_life(self) -> None:
        if self._heartbeat is None:
            # A thread tells the broker: a signal that ends beat must not interrupt that.
            self._heartbeat = Heartbeat(broker_client(self._settings), "beat", self._name, self._life)
            self._heartbeat.start()
        self._life.sign()

    @override
    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except SchedulingError as error:
            self._not_sent(str(error))
            # Celery has marked the entry as run before it sent it.
            self.schedule[str(entry.name)] = entry
        else:
            self._trouble.end()
            _log.info("slot_sent", task=entry.task)

    def _ensure_connected(self) -> Connection:
        self.connection.ensure_connection(
            lambda error, _: self._away.begin(str(error)), interval_start=0, interval_step=1, interval_max=2
        )
        self._away.end()
        return self.connection

    def _not_sent(self, detail: str) -> None:
        self._failed = True
        self._trouble.begin(detail)

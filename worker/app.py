"""The one place where the Celery application is put together: it takes settings and returns the application."""

import logging
import time
from functools import partial
from typing import Any

import structlog
from celery import signals
from celery.exceptions import WorkerShutdown, WorkerTerminate
from celery.worker import state

from ostinato.errors import ConfigurationError, TransientError
from ostinato.messages.routing import queue_of
from ostinato.publishing.kinds import kind_of
from store.errors import StoreOutdated
from store.writing.transaction import Writer
from tasks.celery_tasks import bind
from tasks.receiver import Receiver
from worker.beat.scheduler import LONGEST_WAIT, SlotScheduler, beat_schedule
from worker.beat.slots import SlotSchedule
from worker.broker.consumer import WorkerApp
from worker.broker.kinds import consumer_class
from worker.broker.liveness import Life
from worker.clock import now
from worker.logs import configure_logs
from worker.observability.watching import Observers
from worker.settings import Settings

_PAUSE_STEP = 0.1
# The broker answers a fetch within a second or two.
_HEARD_SECONDS = 5.0
_SIGNALS = "ostinato"
_BOUNDS = {
    # A cut connection must not leave the worker waiting for ever.
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    # No timeout ends a fetch. After these seconds without an answer, it is sent again on another connection.
    "health_check_interval": 5,
}


def create_app(settings: Settings) -> WorkerApp:
    """The application of worker and beat; connects to nothing before one of them starts."""
    life = Life(heard=_HEARD_SECONDS, deaf_after=settings.deaf_after)
    observers = Observers(settings)
    receiver = Receiver(_writer(settings, observers), now, partial(_pause, life))
    app, consumer = WorkerApp(settings, receiver, life), consumer_class(settings)
    app.conf.update(_configuration(settings) | consumer.configuration(settings), worker_consumer=consumer)
    app.steps["consumer"].update(consumer.own_steps)
    bind(app, receiver, observers.around)
    _connect_signals(settings, receiver, observers)
    return app


def _writer(settings: Settings, observers: Observers) -> Writer:
    """The store's writer; with one lane, it is the only one."""
    return Writer(settings.store_address, settings.own_lane if settings.lanes > 1 else None, observers.committed)


def _configuration(settings: Settings) -> dict[str, Any]:
    schedule = SlotSchedule(settings.recalculate_every, settings.recalculate_offset)
    kind = kind_of(settings.broker_address)
    return {
        # Serial: one process that applies one message after the other.
        "worker_pool": "worker.broker.consumer:SerialPool",
        "worker_concurrency": 1,
        "worker_prefetch_multiplier": 1,
        # The broker is told "done" after the commit, never before.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        **kind.configuration(settings, _BOUNDS),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # No task runs when a lost connection is noticed. Without this setting, Celery warns at each loss.
        "worker_cancel_long_running_tasks_on_connection_loss": True,
        "task_default_queue": queue_of(settings.own_lane),
        "task_create_missing_queues": False,
        "task_queues": None,
        # JSON only, in and out, and no results: what a message did is in the store.
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_ignore_result": True,
        # The dashboard needs events, and no remote control, so there is none.
        "worker_send_task_events": True,
        "worker_enable_remote_control": False,
        "beat_schedule": beat_schedule(schedule, kind.options(queue_of(settings.own_lane), _BOUNDS)),
        "beat_scheduler": SlotScheduler,
        "beat_max_loop_interval": LONGEST_WAIT,
        "enable_utc": True,
        "timezone": "UTC",
    }


def _connect_signals(settings: Settings, receiver: Receiver, observers: Observers) -> None:
    def set_up_logs(**_: object) -> None:
        configure_logs(settings.log_level)

    def begin(**_: object) -> None:
        try:
            settings.require_lane()
            observers.start(receiver)
            receiver.writer.open()
        except (ConfigurationError, StoreOutdated) as error:
            raise SystemExit(str(error)) from None
        except TransientError as error:
            logging.getLogger(__name__).warning("store_unavailable: %s", error)

    def say_ready(**_: object) -> None:
        detail = "`celery inspect` and `celery control` get no answer; ask `ostinato status` instead"
        structlog.get_logger().info("remote_control_off", detail=detail)

    def end(**_: object) -> None:
        observers.stop()
        receiver.writer.close()

    signals.setup_logging.connect(set_up_logs, weak=False, dispatch_uid=_SIGNALS)
    signals.worker_init.connect(begin, weak=False, dispatch_uid=_SIGNALS)
    signals.worker_ready.connect(say_ready, weak=False, dispatch_uid=_SIGNALS)
    signals.worker_shutdown.connect(end, weak=False, dispatch_uid=_SIGNALS)


def _pause(life: Life, seconds: float) -> bool:
    """Wait, and show life meanwhile; False as soon as the worker is told to stop."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        life.sign()
        life.while_waiting()
        try:
            state.maybe_shutdown()
        except (WorkerShutdown, WorkerTerminate):
            return False
        time.sleep(_PAUSE_STEP)
    return True

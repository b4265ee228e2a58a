"""The product's application, for `celery -A tests.deaf_worker`: it goes deaf, once, in the way that a file names.

The file is the one that OSTINATO_TEST_DEAF names; it is gone then, so that the next worker hears.
"""

import os
from pathlib import Path
from threading import Event
from typing import Any, cast

from celery import Celery, bootsteps
from typing_extensions import override

from tasks.receiver import Receiver
from worker.broker.redis.taken import Taken

WAYS = ("hanging loop", "cancelled consumer", "no queue", "unanswered fetch", "hanging task")
VARIABLE = "OSTINATO_TEST_DEAF"
_SOON = 1.0


def _hang() -> None:
    Event().wait()


def _hang_with(self: Receiver, kind: str, text: str, delivery: str) -> None:  # noqa: ARG001 - the product's own
    _hang()


def _ask_nobody(self: Taken, seconds: float) -> tuple[str, ...]:  # noqa: ARG001 - the product's own
    return ("BLMOVE", "nothing", "nothing", "RIGHT", "LEFT", "0")


class Deafness(bootsteps.StartStopStep):
    """A step of Celery's consumer that breaks its loop when it has run for a moment."""

    requires = ("celery.worker.consumer.tasks:Tasks",)
    way = ""

    @override
    def start(self, parent: Any) -> None:
        actions = {
            "hanging loop": _hang,
            "cancelled consumer": parent.task_consumer.cancel,
            "no queue": cast("list[str]", vars(parent.task_consumer.channel)["_active_queues"]).clear,
        }
        parent.timer.call_after(_SOON, actions[self.way])


def deaf(app: Celery, armed: Path) -> Celery:
    """The application, deaf if the file is there; the file is removed."""
    if not armed.exists():
        return app
    way = armed.read_text(encoding="utf-8")
    armed.unlink()
    if way == "unanswered fetch":
        Taken.fetching = _ask_nobody
    elif way == "hanging task":
        Receiver.receive = _hang_with
    else:
        Deafness.way = way
        app.steps["consumer"].add(Deafness)
    return app


def __getattr__(name: str) -> Celery:
    # Only Celery's command makes it: a test that wants to know the ways needs no application.
    if name != "app":
        raise AttributeError(name)
    from worker.celery import app  # noqa: PLC0415 - see above

    return deaf(app, Path(os.environ[VARIABLE]))

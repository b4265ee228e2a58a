"""The Celery tasks: one for each kind of message, of the same name."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager

from celery import Task
from celery.exceptions import Reject

from ostinato.errors import BrokerUnavailable
from ostinato.messages.models import BATCH_MEMBERS, ApplyBatch, RecalculateAllPatternPriorities
from ostinato.publishing.celery_app import OwnCelery
from ostinato.publishing.publisher import publish_text
from ostinato.reasons import Reason
from store.events import Rejected
from tasks.receiver import Receiver, Stopping

_RECALCULATION = RecalculateAllPatternPriorities.KIND


Run = Callable[[str, str], None]
"""Handles the text of a task, and the id of this sending."""
Header = Callable[[str], object]
"""Looks up a header of the task by name; None if absent. Senders may put any type there."""
Around = Callable[[str, str, Header], AbstractContextManager[None]]
"""The context that a task runs in; it is given the task's kind, the id of this sending, and its headers."""


def bind(app: OwnCelery, receiver: Receiver, around: Around) -> None:
    """Register a task for each kind with an application; each hands what it receives to the receiver."""
    for kind in (*BATCH_MEMBERS, ApplyBatch.KIND):
        _register(app, kind, receiver, around, _effect(kind, receiver))
    _register(app, _RECALCULATION, receiver, around, _recalculation(app, receiver))


def _effect(kind: str, receiver: Receiver) -> Run:
    def run(text: str, delivery: str) -> None:
        receiver.receive(kind, text, delivery)

    return run


def _recalculation(app: OwnCelery, receiver: Receiver) -> Run:
    def run(text: str, delivery: str) -> None:
        if not receiver.receive_recalculation(text, delivery):
            # The rest goes to the end of the queue: no message waits for more than one chunk.
            try:
                publish_text(
                    app, _RECALCULATION, text, queue=app.conf.task_default_queue, summary="all patterns, continued"
                )
            except BrokerUnavailable as error:
                # This delivery goes back to its queue instead, which needs no room on the broker.
                raise Reject(str(error), requeue=True) from error

    return run


def _register(app: OwnCelery, kind: str, receiver: Receiver, around: Around, run: Run) -> None:
    def task(self: Task[..., None], /, *args: object, **kwargs: object) -> None:
        delivery = str(self.request.id)
        text = args[0] if len(args) == 1 and not kwargs else None
        # Celery keeps a message's headers among the attributes of the request.
        with around(kind, delivery, self.request.get):
            try:
                if isinstance(text, str):
                    run(text, delivery)
                else:
                    receiver.reject(_wrong_arguments(args, kwargs), kind, delivery)
            except Stopping as stopping:
                raise Reject(str(stopping), requeue=True) from stopping

    # The default, shared=True, would add the task to every other application of the process.
    app.task(name=kind, bind=True, shared=False)(task)


def _wrong_arguments(args: tuple[object, ...], kwargs: dict[str, object]) -> Rejected:
    return Rejected(
        raw=json.dumps([args, kwargs]).encode(),
        reason_code=Reason.WRONG_ARGUMENTS,
        reason_detail="the only argument of a task is its message, one JSON text",
    )

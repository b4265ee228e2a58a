"""Celery's consumer, with a door: what Celery could not take apart goes to the quarantine, whole."""

import json
from collections.abc import Callable
from typing import Any, cast

from celery.worker.consumer import Consumer
from kombu.message import Message

from store.events import Rejected
from tasks.delivery import Receiver, Stopping
from tasks.reasons import printable
from worker.envelope import Envelope, Problem, problem_with


def quarantining_consumer(receiver: Receiver) -> type[Consumer]:
    """A consumer class that hands Celery what Celery can take apart, and everything else to the receiver."""

    class QuarantiningConsumer(Consumer):
        def __init__(self, on_task_request: Callable[..., Any], **kwargs: Any) -> None:  # noqa: ANN401 - Celery's own
            # The steps by which workers find each other: nothing here needs them, and they cost a second at start.
            options = {**kwargs.pop("worker_options", {}), "without_mingle": True, "without_gossip": True}
            super().__init__(on_task_request, worker_options=options, **kwargs)

        def create_task_handler(self, *args: object, **kwargs: object) -> Callable[[Message], None]:
            take = cast("Any", super()).create_task_handler(*args, **kwargs)

            def on_message(message: Message) -> None:
                problem = problem_with(
                    Envelope(message.headers, message.body, message.content_type, message.content_encoding)
                )
                if problem is None:
                    take(message)
                else:
                    _quarantine(receiver, message, problem)

            return on_message

    return QuarantiningConsumer


def _quarantine(receiver: Receiver, message: Message, problem: Problem) -> None:
    headers = cast("dict[str, object]", message.headers or {})
    raw = getattr(message, "_raw", None) or {"headers": headers, "body": message.body}
    rejected = Rejected(
        raw=json.dumps(raw, default=repr).encode(errors="surrogatepass"),
        reason_code=problem.reason_code,
        reason_detail=printable(problem.detail),
        source="transport",
    )
    try:
        receiver.reject(rejected, printable(str(headers.get("task"))), str(message.delivery_tag))
    except Stopping:
        message.requeue()
    else:
        message.ack()

"""Celery's own idiom for a producer: `record_pattern.delay(pattern_type=…, pattern_name=…)`."""

import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Generic, ParamSpec

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
from ostinato.settings.broker import BrokerSettings
from ostinato.settings.environment import read_settings

if TYPE_CHECKING:
    from celery.canvas import Signature
    from celery.result import AsyncResult

    from ostinato.publishing.celery_app import OwnCelery

P = ParamSpec("P")

_SOON = "a message is applied as soon as it arrives; the field `occurred_at` says when it happened"
_ROUTED = "its pattern decides which queue a message goes to"
_LAST = "nothing can follow a message; `.s(…)` gives a signature that can follow your own tasks"
_ONCE = "a message is sent once, within half a second; after BrokerUnavailable send it again with its `id`"
_WRITTEN = "a message is one JSON text, not compressed"
_OURS = "a message is sent to the broker that OSTINATO_BROKER_URL names"
REFUSED: Mapping[str, str] = {
    **dict.fromkeys(("countdown", "eta"), _SOON),
    "expires": "a message never expires",
    **dict.fromkeys(("queue", "exchange", "routing_key", "router"), _ROUTED),
    "priority": "messages are applied in the order of their arrival",
    **dict.fromkeys(("link", "link_error", "chain", "chord", "group_id"), _LAST),
    **dict.fromkeys(("retry", "retry_policy"), _ONCE),
    **dict.fromkeys(("serializer", "compression"), _WRITTEN),
    **dict.fromkeys(("connection", "producer", "publisher"), _OURS),
    "task_id": "the task has the message's id, which is the field `id`",
}
"""Options of Celery's that cannot be honoured, and why."""
# What they may say, because it is so in any case.
_GRANTED: Mapping[str, object] = {"ignore_result": True, "retry": False, "serializer": "json"}


class RemoteTask(Generic[P]):
    """A task that runs in Ostinato's worker: what it is called with is checked here and sent there.

    It takes the fields of its message by name, as the method of `Producer` with the same name does.
    """

    def __init__(self, kind: str, message: Callable[P, Message]) -> None:
        self.name = kind
        self.message = message

    def __repr__(self) -> str:
        return f"<task {self.name} of Ostinato's worker>"

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> "AsyncResult[None]":
        """Send a message of these fields, within half a second; returns a result whose ``id`` is the message's.

        MalformedMessage with a reason code if a field is wrong, before anything is sent; BrokerUnavailable if the
        broker does not answer; ConfigurationError if OSTINATO_BROKER_URL cannot be one. The worker keeps no results, so
        there is nothing to wait for.
        """
        return self.apply_async(args, kwargs)

    def apply_async(
        self, args: tuple[object, ...] | None = None, kwargs: Mapping[str, object] | None = None, **options: object
    ) -> "AsyncResult[None]":
        """The same as `delay`, called as Celery's tasks are. TypeError for an option that cannot be honoured."""
        for option, value in options.items():
            if value is not None and value != _GRANTED.get(option):
                why = REFUSED.get(option, "Ostinato's worker does not know this option")
                raise TypeError(f"{self.name} takes no {option}: {why}")
        from ostinato.publishing.publisher import (  # noqa: PLC0415 - Celery loads at the first message, not at import
            publish,
        )

        message = self._made(args, kwargs)
        app, lanes = _app(os.getpid())
        publish(app, message, lanes)
        return app.AsyncResult(str(message.id))

    def s(self, *args: P.args, **kwargs: P.kwargs) -> "Signature[None]":
        """A message of these fields as an immutable signature, which your own Celery application can send.

        It may be the last of a chain, the body of a chord, one of a group, a `link` or a `link_error`. Your application
        must use the same broker as Ostinato. The message is made now, with its id and its time: sent twice, it is
        applied once. MalformedMessage with a reason code if a field is wrong.
        """
        from ostinato.publishing.signature import signature_of  # noqa: PLC0415 - see above

        _, lanes = _app(os.getpid())
        return signature_of(self._made(args, kwargs), lanes)

    si = s

    def _made(self, args: tuple[object, ...] | None, kwargs: Mapping[str, object] | None) -> Message:
        if args:
            raise TypeError(f"{self.name} takes its fields by name")
        return wire.make(self.message, kwargs or {})


@cache
def _app(_process: int) -> "tuple[OwnCelery, int]":
    # By process: the child of a fork must neither use nor close the connections of its parent.
    from ostinato.publishing.publisher import producer_app  # noqa: PLC0415 - see above

    settings = read_settings(BrokerSettings)
    return producer_app(settings), settings.lanes


record_pattern = RemoteTask(RecordPattern.KIND, RecordPattern)
record_pattern_application = RemoteTask(RecordPatternApplication.KIND, RecordPatternApplication)
soft_delete_pattern = RemoteTask(SoftDeletePattern.KIND, SoftDeletePattern)
update_pattern_effectiveness = RemoteTask(UpdatePatternEffectiveness.KIND, UpdatePatternEffectiveness)
recalculate_all_pattern_priorities = RemoteTask(RecalculateAllPatternPriorities.KIND, RecalculateAllPatternPriorities)
apply_batch = RemoteTask(ApplyBatch.KIND, ApplyBatch)

"""Celery's own idiom for a producer: `record_pattern.delay(pattern_type=…, pattern_name=…)`."""

import os
from collections.abc import Callable, Mapping
from functools import lru_cache
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
    from celery.result import AsyncResult

    from ostinato.publishing.celery_app import OwnCelery

P = ParamSpec("P")


class RemoteTask(Generic[P]):
    """A task that runs in Ostinato's worker: what it is called with is checked here and sent there."""

    def __init__(self, kind: str, message: Callable[P, Message]) -> None:
        self.name = kind
        self.message = message

    def __repr__(self) -> str:
        return f"<task {self.name} of Ostinato's worker>"

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> "AsyncResult[None]":
        """Send a message of these fields, within half a second; returns a result whose ``id`` is the message's.

        MalformedMessage with a reason code if a field is wrong, before anything is sent; BrokerUnavailable if the
        broker does not answer; ConfigurationError if OSTINATO_BROKER_URL cannot be one.
        """
        return self.apply_async(args, kwargs)

    def apply_async(
        self, args: tuple[object, ...] = (), kwargs: Mapping[str, object] | None = None
    ) -> "AsyncResult[None]":
        """The same as `delay`, called as Celery's tasks are."""
        if args:
            raise TypeError(f"{self.name} takes its fields by name")
        from ostinato.publishing.publisher import (  # noqa: PLC0415 - Celery loads at the first message, not at import
            publish,
        )

        message = wire.make(self.message, kwargs or {})
        app, lanes = _app(os.getpid())
        publish(app, message, lanes)
        return app.AsyncResult(str(message.id))


@lru_cache(maxsize=1)
def _app(_process: int) -> "tuple[OwnCelery, int]":
    # By process: connections must not be shared with the parent of a fork.
    from ostinato.publishing.publisher import producer_app  # noqa: PLC0415 - see above

    settings = read_settings(BrokerSettings)
    return producer_app(settings), settings.lanes


record_pattern = RemoteTask(RecordPattern.KIND, RecordPattern)
record_pattern_application = RemoteTask(RecordPatternApplication.KIND, RecordPatternApplication)
soft_delete_pattern = RemoteTask(SoftDeletePattern.KIND, SoftDeletePattern)
update_pattern_effectiveness = RemoteTask(UpdatePatternEffectiveness.KIND, UpdatePatternEffectiveness)
recalculate_all_pattern_priorities = RemoteTask(RecalculateAllPatternPriorities.KIND, RecalculateAllPatternPriorities)
apply_batch = RemoteTask(ApplyBatch.KIND, ApplyBatch)

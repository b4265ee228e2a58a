"""What a program uses to report to an Ostinato learning store.

A program that must not wait for the broker and must lose nothing keeps a `Producer` for as long as it runs::

    from ostinato import Producer

    producer = Producer()
    producer.record_pattern(pattern_type="flaky_test", pattern_name="test_login times out")

Or it sends in Celery's own way, without an outbox::

    from ostinato import record_pattern

    record_pattern.delay(pattern_type="flaky_test", pattern_name="test_login times out")

Importing this package reads no setting, connects to nothing and loads nothing else: each name loads its module when it
is first used, and Celery loads with the first message.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ostinato.errors import (
        BrokerUnavailable,
        ConfigurationError,
        MalformedMessage,
        OstinatoError,
        OutboxFull,
        OutboxUnavailable,
    )
    from ostinato.identity import pattern_id
    from ostinato.messages.models import (
        ApplyBatch,
        RecalculateAllPatternPriorities,
        RecordPattern,
        RecordPatternApplication,
        SoftDeletePattern,
        UpdatePatternEffectiveness,
    )
    from ostinato.producer import Producer
    from ostinato.remote import (
        apply_batch,
        recalculate_all_pattern_priorities,
        record_pattern,
        record_pattern_application,
        soft_delete_pattern,
        update_pattern_effectiveness,
    )

__all__ = [
    "ApplyBatch",
    "BrokerUnavailable",
    "ConfigurationError",
    "MalformedMessage",
    "OstinatoError",
    "OutboxFull",
    "OutboxUnavailable",
    "Producer",
    "RecalculateAllPatternPriorities",
    "RecordPattern",
    "RecordPatternApplication",
    "SoftDeletePattern",
    "UpdatePatternEffectiveness",
    "apply_batch",
    "pattern_id",
    "recalculate_all_pattern_priorities",
    "record_pattern",
    "record_pattern_application",
    "soft_delete_pattern",
    "update_pattern_effectiveness",
]

_MODULE_OF = {
    "BrokerUnavailable": "errors",
    "ConfigurationError": "errors",
    "MalformedMessage": "errors",
    "OstinatoError": "errors",
    "OutboxFull": "errors",
    "OutboxUnavailable": "errors",
    "Producer": "producer",
    "pattern_id": "identity",
    "ApplyBatch": "messages.models",
    "RecalculateAllPatternPriorities": "messages.models",
    "RecordPattern": "messages.models",
    "RecordPatternApplication": "messages.models",
    "SoftDeletePattern": "messages.models",
    "UpdatePatternEffectiveness": "messages.models",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_MODULE_OF.get(name, 'remote')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

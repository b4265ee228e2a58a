"""What may be asked of the store: the messages, and one task for each of their kinds.

A producer imports the tasks and sends::

    from tasks import record_pattern

    record_pattern.delay(pattern_type="flaky_test", pattern_name="test_login times out")

or, where it must not wait for the broker and nothing may be lost, keeps a `Producer` for as long as it runs::

    from tasks import Producer

    producer = Producer()
    producer.record_pattern(pattern_type="flaky_test", pattern_name="test_login times out")

Importing this loads neither SQLAlchemy nor the worker, reads no setting and connects to nothing; Celery loads with the
first message, or `Producer`.
"""

from typing import TYPE_CHECKING, Any

from tasks.messages import (
    ApplyBatch,
    RecalculateAllPatternPriorities,
    RecordPattern,
    RecordPatternApplication,
    SoftDeletePattern,
    UpdatePatternEffectiveness,
)
from tasks.remote import RemoteTask

if TYPE_CHECKING:
    from tasks.producer import Producer

record_pattern = RemoteTask(RecordPattern.KIND, RecordPattern)
record_pattern_application = RemoteTask(RecordPatternApplication.KIND, RecordPatternApplication)
soft_delete_pattern = RemoteTask(SoftDeletePattern.KIND, SoftDeletePattern)
update_pattern_effectiveness = RemoteTask(UpdatePatternEffectiveness.KIND, UpdatePatternEffectiveness)
recalculate_all_pattern_priorities = RemoteTask(RecalculateAllPatternPriorities.KIND, RecalculateAllPatternPriorities)
apply_batch = RemoteTask(ApplyBatch.KIND, ApplyBatch)

__all__ = [
    "ApplyBatch",
    "Producer",
    "RecalculateAllPatternPriorities",
    "RecordPattern",
    "RecordPatternApplication",
    "SoftDeletePattern",
    "UpdatePatternEffectiveness",
    "apply_batch",
    "recalculate_all_pattern_priorities",
    "record_pattern",
    "record_pattern_application",
    "soft_delete_pattern",
    "update_pattern_effectiveness",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the module has
    if name == "Producer":
        from tasks.producer import Producer  # noqa: PLC0415 - see above

        return Producer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

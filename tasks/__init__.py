"""The Celery tasks: what becomes of a message that arrives.

What producers use lives in the client, `ostinato`; these are the same names, for those who have the server.
"""

from typing import TYPE_CHECKING

import ostinato

if TYPE_CHECKING:
    from ostinato import ApplyBatch as ApplyBatch
    from ostinato import Producer as Producer
    from ostinato import RecalculateAllPatternPriorities as RecalculateAllPatternPriorities
    from ostinato import RecordPattern as RecordPattern
    from ostinato import RecordPatternApplication as RecordPatternApplication
    from ostinato import SoftDeletePattern as SoftDeletePattern
    from ostinato import UpdatePatternEffectiveness as UpdatePatternEffectiveness
    from ostinato import apply_batch as apply_batch
    from ostinato import recalculate_all_pattern_priorities as recalculate_all_pattern_priorities
    from ostinato import record_pattern as record_pattern
    from ostinato import record_pattern_application as record_pattern_application
    from ostinato import soft_delete_pattern as soft_delete_pattern
    from ostinato import update_pattern_effectiveness as update_pattern_effectiveness


def __getattr__(name: str) -> object:
    if name in ostinato.__all__:
        return getattr(ostinato, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

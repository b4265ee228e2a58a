"""Every benchmark by name, in the order of the table. One more is a module with `run`, and a line here."""

from collections.abc import Mapping
from typing import Protocol

from benchmarks import (
    asking,
    behind_recalculation,
    callers_wait,
    hot_pattern,
    ingest,
    lanes,
    memory,
    on_postgresql,
    one_message_a_task,
    recalculation,
)
from benchmarks.figures import Figure


class Run(Protocol):
    """Measures: in full, or only that everything runs."""

    def __call__(self, *, quick: bool) -> list[Figure]:
        """What was found."""
        ...


BENCHMARKS: Mapping[str, Run] = {
    "ingest": ingest.run,
    "callers_wait": callers_wait.run,
    "recalculation": recalculation.run,
    "behind_recalculation": behind_recalculation.run,
    "one_message_a_task": one_message_a_task.run,
    "hot_pattern": hot_pattern.run,
    "asking": asking.run,
    "memory": memory.run,
    "on_postgresql": on_postgresql.run,
    "lanes": lanes.run,
}

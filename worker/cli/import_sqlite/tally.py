"""Which rows were taken and which were not, and why."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """What became of the rows of one table.

    ``parked`` counts those of the ``taken`` that wait for their pattern. ``changed`` has the ids of the rows that were
    taken before and have changed since. ``skipped`` has, by reason, the ids of the rows that cannot be taken.
    ``mended`` counts, by reason, what was mended in the rows that were taken.
    """

    rows: int = 0
    taken: int = 0
    parked: int = 0
    already_there: int = 0
    changed: list[str] = field(default_factory=list[str])
    mended: Counter[str] = field(default_factory=Counter[str])
    skipped: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def fields(self) -> Mapping[str, object]:
        """The tally for JSON."""
        return {
            "rows": self.rows,
            "taken": self.taken,
            "parked": self.parked,
            "already_there": self.already_there,
            "changed": self.changed,
            "mended": dict(sorted(self.mended.items())),
            "skipped": dict(sorted(self.skipped.items())),
        }


@dataclass(slots=True)
class ImportResult:
    """What became of a predecessor's database; ``version`` is the version of its schema, if it says."""

    version: int | None
    patterns: Tally = field(default_factory=Tally)
    applications: Tally = field(default_factory=Tally)

    @property
    def complete(self) -> bool:
        """Whether the store now has every row of the database, unchanged."""
        return not any(tally.changed or tally.skipped for tally in (self.patterns, self.applications))

    def fields(self) -> Mapping[str, object]:
        """The result for JSON."""
        return {
            "schema_version": self.version,
            "patterns": self.patterns.fields(),
            "applications": self.applications.fields(),
        }

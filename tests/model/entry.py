"""One pattern in plain Python (spec 5.1 to 5.4 and 6): the messages that made it, and what follows from all of them.

Nothing is kept up to date along the way, but for the two scores, which are as of the moment they were last computed.
"""

import math
from dataclasses import dataclass, field
from typing import Any

from tests.model.naming import likeness
from tests.model.said import Said, stamp

_DAY = 24 * 60 * 60 * 1_000_000


@dataclass
class Entry:
    """The messages of a pattern: sightings of its own id, those that were merged into it, and all others."""

    id: str
    own: list[Said]
    merged: list[Said] = field(default_factory=list[Said])
    applications: list[Said] = field(default_factory=list[Said])
    deletes: list[Said] = field(default_factory=list[Said])
    effectiveness: float = 0.5
    priority: float = 0.5

    @property
    def first_seen(self) -> int:
        """The earliest event time of all sightings."""
        return min(each["at"] for each in self.own + self.merged)

    @property
    def last_seen(self) -> int:
        """The latest event time of all sightings."""
        return max(each["at"] for each in self.own + self.merged)

    @property
    def last_confirmed(self) -> int:
        """The later of first seen and the newest success."""
        return max([self.first_seen, *(each["at"] for each in self.applications if each["pattern_led_to_success"])])

    @property
    def active(self) -> bool:
        """Unless the newest delete is at or after last seen."""
        return not any(each["at"] >= self.last_seen for each in self.deletes)

    @property
    def likeness(self) -> tuple[str | None, ...]:
        """What the content hash covers, of what is stored now."""
        named = self._earliest()
        return likeness(
            named["pattern_type"], named["pattern_name"], self._newest("description"), self._newest("fingerprint")
        )

    def score(self, now: int) -> None:
        """Compute both scores at ``now``."""
        successes = sum(each["pattern_led_to_success"] for each in self.applications)
        count = len(self.applications)
        historical = (successes + 0.5) / (count + 1)
        window = sorted(self.applications, key=stamp)[-5:]
        recent = sum(each["pattern_led_to_success"] for each in window) / max(1, len(window))
        known = [each["grounding_confidence"] for each in window if "grounding_confidence" in each]
        grounding = sum(known) / len(known) if known else 1.0
        days = max(0, math.floor((now - self.last_confirmed) / _DAY))
        proven = (0.7 * recent + 0.3 * historical) * 0.9 ** (days / 30) * (0.7 + 0.3 * grounding)
        self.effectiveness = proven if count >= 3 else 0.55
        seen = len(self.own) + len(self.merged)
        self.priority = self.effectiveness * max(0.6, min(1.0, math.log10(seen + 1) / 2))

    def row(self) -> dict[str, Any]:
        """What the store says of the pattern, but for scores and content hash."""
        named = self._earliest()
        provenance = named.get("provenance", {})
        successes = [each for each in self.applications if each["pattern_led_to_success"]]
        return {
            "pattern_type": named["pattern_type"],
            "pattern_name": named["pattern_name"],
            "instrument_name": named.get("instrument_name"),
            "provenance_job_hash": provenance.get("job_hash"),
            "provenance_sheet_num": provenance.get("sheet_num"),
            **{name: self._newest(name) for name in ("description", "suggested_action", "fingerprint")},
            "context_tags": self._newest("context_tags"),
            "occurrence_count": len(self.own) + len(self.merged),
            "led_to_success_count": len(successes),
            "led_to_failure_count": len(self.applications) - len(successes),
            "first_seen": self.first_seen,
            "last_seen": self.last_seen,
            "last_confirmed": self.last_confirmed,
            "active": self.active,
            "variance": 0.0,
            "trust_score": 0.5,
            "trust_calculated_at": named["at"],
            "quarantine_status": "pending",
        }

    def _earliest(self) -> Said:
        return min(self.own, key=stamp)

    def _newest(self, name: str) -> Any:  # noqa: ANN401 - whatever the field holds
        """What the newest sighting that supplied the field says."""
        supplied = [each for each in self.own if name in each]
        return max(supplied, key=stamp)[name] if supplied else None

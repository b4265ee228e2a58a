"""What a benchmark found: values of alternating rounds beside those of a baseline, and whether they are good enough."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal, NamedTuple, Self

Of = Literal["ratio", "median", "worst"]
Bound = Literal["at least", "at most"]


class Series(NamedTuple):
    """The values of some rounds, in their order."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The value in the middle."""
        return median(self.rounds)

    def as_json(self) -> dict[str, Any]:
        """The values, and what sums them up."""
        return {"median": self.median, "min": min(self.rounds), "max": max(self.rounds), "rounds": list(self.rounds)}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """The series that `as_json` gave."""
        return cls(tuple(fields["rounds"]))


class Target(NamedTuple):
    """What is good enough: of the ratio of the medians, of our median, or of our worst round."""

    of: Of
    bound: Bound
    number: float

    def is_met(self, reached: float) -> bool:
        """Whether this value is good enough."""
        return reached >= self.number if self.bound == "at least" else reached <= self.number

    def margin(self, reached: float) -> float:
        """How many times better than asked for; below 1 it is not met."""
        return reached / self.number if self.bound == "at least" else self.number / reached


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table; ``key`` is its name in the page of explanations.

    ``baseline`` are the rounds of what it is measured ``against``, in the same unit, taken in turn with ours.
    """

    key: str
    what: str
    unit: str
    ours: Series
    baseline: Series | None = None
    against: str = ""
    targets: tuple[Target, ...] = ()

    @property
    def ratio(self) -> float | None:
        """Our median divided by the baseline's; None without one."""
        return None if self.baseline is None else self.ours.median / self.baseline.median

    def reached(self, target: Target) -> float:
        """What a target is held against; ValueError for a ratio where there is no baseline."""
        if target.of != "ratio":
            return self.ours.median if target.of == "median" else self._worst(target.bound)
        if self.ratio is None:
            raise ValueError(f"{self.key} has a target for its ratio, but no baseline")
        return self.ratio

    @property
    def met(self) -> bool | None:
        """Whether every target is met; None where there is none."""
        return all(each.is_met(self.reached(each)) for each in self.targets) if self.targets else None

    def as_json(self) -> dict[str, Any]:
        """The figure for `results.json`, with what follows from the values."""
        return {
            "key": self.key,
            "what": self.what,
            "unit": self.unit,
            "ours": self.ours.as_json(),
            "baseline": None if self.baseline is None else self.baseline.as_json(),
            "against": self.against,
            "ratio": self.ratio,
            "targets": [target._asdict() for target in self.targets],
            "met": self.met,
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """The figure that `as_json` gave."""
        return cls(
            key=fields["key"],
            what=fields["what"],
            unit=fields["unit"],
            ours=Series.from_json(fields["ours"]),
            baseline=Series.from_json(fields["baseline"]) if fields["baseline"] else None,
            against=fields["against"],
            targets=tuple(Target(**each) for each in fields["targets"]),
        )

    def _worst(self, bound: Bound) -> float:
        return min(self.ours.rounds) if bound == "at least" else max(self.ours.rounds)


def percentile(values: Iterable[float], share: float) -> float:
    """The least of the values that so large a share of them, above 0 and at most 1, does not exceed."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1]


def alternate(rounds: int, *measures: Callable[[], float]) -> list[Series]:
    """The values of each of these, taken in turn, so that what the machine does meanwhile meets all of them alike."""
    return columns([measure() for measure in measures] for _ in range(rounds))


def columns(rounds: Iterable[Sequence[float]]) -> list[Series]:
    """Rounds that give several values each, as one series for each of these."""
    return [Series(tuple(values)) for values in zip(*rounds, strict=True)]

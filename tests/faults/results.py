"""What the faults led to, as a table for people and as lines of JSON."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Self

_HEAD = ("fault", "injected", "hit", "messages", "lost", "twice", "quarantined", "recovery p50 / max", "loss (95 %)")

_SAYS_NOTHING = 3


@dataclass
class Result:
    """What became of a number of faults of one kind.

    ``hits``: how many of them really met the moment they were meant for; ``quarantined`` is what belongs there;
    ``recovery``: the seconds from each fault until the next message was applied; ``seed``: what repeats it.
    """

    fault: str
    injected: int
    hits: int
    messages: int
    lost: int
    twice: int
    quarantined: int
    seed: str = ""
    recovery: list[float] = field(default_factory=list[float])

    def __add__(self, other: Self) -> "Result":
        return Result(
            self.fault,
            self.injected + other.injected,
            self.hits + other.hits,
            self.messages + other.messages,
            self.lost + other.lost,
            self.twice + other.twice,
            self.quarantined + other.quarantined,
            f"{self.seed}, {other.seed}",
            self.recovery + other.recovery,
        )

    def cells(self) -> tuple[str, ...]:
        """The table's row."""
        counts = (self.injected, self.hits, self.messages, self.lost, self.twice, self.quarantined)
        seconds = f"{median(self.recovery):.1f} / {max(self.recovery):.1f} s" if self.recovery else "-"
        return (self.fault, *(f"{count:,}".replace(",", " ") for count in counts), seconds, self._bound())

    def _bound(self) -> str:
        """By the rule of three: none in n means less than 3/n, for each fault; of three or less it means nothing."""
        return "-" if self.lost or self.hits <= _SAYS_NOTHING else f"< {300 / self.hits:.2g} %"


def table(results: Iterable[Result]) -> str:
    """One row for each fault, in the order of their names, as Markdown whose columns are aligned."""
    of: defaultdict[str, list[Result]] = defaultdict(list)
    for result in results:
        of[result.fault].append(result)
    rows = [_HEAD, *(summed(of[fault]).cells() for fault in sorted(of))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    rule = " | ".join("-" * width for width in widths)
    return "\n".join(f"| {line} |" for line in (lines[0], rule, *lines[1:]))


def summed(results: Sequence[Result]) -> Result:
    """All of one fault's runs as one."""
    total = results[0]
    for result in results[1:]:
        total += result
    return total


def read(file: Path) -> list[Result]:
    """The results in a file."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [from_json(json.loads(line)) for line in lines]


def append(file: Path, results: Iterable[Result]) -> None:
    """Add results to a file, one line each."""
    with file.open("a", encoding="utf-8") as lines:
        lines.writelines(f"{json.dumps(asdict(result))}\n" for result in results)


def from_json(fields: dict[str, Any]) -> Result:
    """A result from what `dataclasses.asdict` made of it."""
    return Result(**fields)

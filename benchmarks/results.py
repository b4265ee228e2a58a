"""What was measured last, by the benchmarks' names: `results.json`, and the pages made from it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from benchmarks.figures import Figure

RESULTS = Path(__file__).with_name("results.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One benchmark's figures, and where they come from; ``date`` is UTC, ``seconds`` what it took to measure."""

    name: str
    date: str
    seconds: float
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    figures: Sequence[Figure]

    def as_json(self) -> dict[str, Any]:
        """The entry for `results.json`."""
        return {
            "name": self.name,
            "date": self.date,
            "seconds": self.seconds,
            "machine": dict(self.machine),
            "versions": dict(self.versions),
            "figures": [figure.as_json() for figure in self.figures],
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """The entry that `as_json` gave."""
        figures = [Figure.from_json(each) for each in fields["figures"]]
        return cls(figures=figures, **{name: value for name, value in fields.items() if name != "figures"})


def text(entries: Sequence[Entry]) -> str:
    """Entries as JSON for files and programs."""
    return json.dumps([entry.as_json() for entry in entries], indent=2, ensure_ascii=False) + "\n"


def read(file: Path = RESULTS) -> list[Entry]:
    """The entries of a file."""
    return [Entry.from_json(fields) for fields in json.loads(file.read_text(encoding="utf-8"))]


def updated(known: Sequence[Entry], new: Entry, order: Sequence[str]) -> list[Entry]:
    """The entries with a new one in the place of its name's, in the order of these names."""
    of = {entry.name: entry for entry in (*known, new)}
    return [of[name] for name in order if name in of]

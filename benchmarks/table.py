"""The figures as a table: for a terminal, and as the page of the documentation."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.figures import Figure, Series, Target
from benchmarks.results import Entry

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "benchmarks.md"
TIMES = "\N{MULTIPLICATION SIGN}"
_HEAD = ("", "measure", "ours", "baseline", "ratio", "target", "met")
_THOUSAND = 1_000
_SIGN = {"at least": "≥", "at most": "≤"}
_MET = {True: "yes", False: "**no**", None: ""}
_INTRODUCTION = """\
# Benchmarks

Made by `python3 dev.py bench` from [its results](../../benchmarks/results.json); do not edit.
[How to run and read them](../how-to/benchmarks.md).

![How many times better than its target each figure is](../images/benchmarks.svg)

Medians of alternating rounds, in brackets the lowest and the highest.
"""


def number(value: float) -> str:
    """Three digits that count, and no power of ten."""
    if abs(value) >= _THOUSAND:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < _THOUSAND - 1 else f"{value:.0f}"


def shown(target: Target) -> str:
    """A target in a few signs."""
    return f"{_SIGN[target.bound]} {number(target.number)} {TIMES if target.of == 'ratio' else f'({target.of})'}"


def table(figures: Iterable[Figure]) -> str:
    """One row for each figure, as Markdown whose columns are aligned."""
    rows = [_HEAD, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    rule = " | ".join("-" * width for width in widths)
    return "\n".join(f"| {line} |".replace("|  |", "| |") for line in (lines[0], rule, *lines[1:]))


def page(entries: Sequence[Entry], explanations: Mapping[str, str]) -> str:
    """The page of the documentation."""
    return f"{_INTRODUCTION}\n{body(entries, explanations)}"


def body(entries: Sequence[Entry], explanations: Mapping[str, str]) -> str:
    """The table, a sentence for each target that is not met, and where the figures come from."""
    if not entries:
        return "Nothing has been measured yet.\n"
    figures = [figure for entry in entries for figure in entry.figures]
    reasons = [f"* **{each.key}** is not met. {_reason(each, explanations)}" for each in figures if each.met is False]
    parts = [table(figures), "\n".join(reasons), _settings(entries)]
    return "\n".join(f"{part.rstrip()}\n" for part in parts if part)


def quick(entries: Sequence[Entry]) -> str:
    """The table of a quick run, whose figures are held against no target."""
    figures = [replace(figure, targets=()) for entry in entries for figure in entry.figures]
    return f"{table(figures)}\n\nEverything runs. It was a quick run: these figures mean nothing.\n"


def unexplained(figures: Iterable[Figure], explanations: Mapping[str, str]) -> list[str]:
    """The keys of the figures whose target is not met and not explained."""
    return [figure.key for figure in figures if figure.met is False and figure.key not in explanations]


def _cells(figure: Figure) -> tuple[str, ...]:
    baseline = f"{_values(figure.baseline, figure.unit)}: {figure.against}" if figure.baseline else figure.against
    ratio = "" if figure.ratio is None else f"{number(figure.ratio)} {TIMES}"
    targets = ", ".join(map(shown, figure.targets))
    return (figure.key, figure.what, _values(figure.ours, figure.unit), baseline, ratio, targets, _MET[figure.met])


def _values(series: Series, unit: str) -> str:
    return f"{number(series.median)} {unit} ({number(min(series.rounds))} to {number(max(series.rounds))})"


def _reason(figure: Figure, explanations: Mapping[str, str]) -> str:
    return explanations.get(figure.key, "It is not explained yet.")


def _settings(entries: Sequence[Entry]) -> str:
    """Where the figures come from; benchmarks that share a machine and versions share a paragraph."""
    of: dict[str, list[str]] = {}
    for entry in entries:
        machine = {name: value for name, value in entry.machine.items() if name != "load"}
        rest = "; ".join(f"{name} {value}" for name, value in (*machine.items(), *entry.versions.items()) if value)
        of.setdefault(rest, []).append(
            f"`{entry.name}` {entry.date}, {entry.seconds:.0f} s, load {entry.machine.get('load', 0)} at its start"
        )
    return "\n".join(f"{'; '.join(names)}.\n\n{rest}.\n" for rest, names in of.items())

"""The figures as a picture: by how many times each one is better than its target, on a scale of powers of ten."""

import math
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple

from benchmarks.figures import Figure
from benchmarks.table import TIMES, number, shown

CHART = Path(__file__).parents[1] / "docs" / "images" / "benchmarks.svg"
# Readable on white and on black: the picture's reader says which one it is.
_STYLE = """
  text { font: 13px sans-serif; fill: #1f2328 }
  .faint { fill: #59636e }
  .grid { stroke: #d1d9e0 }
  .target { stroke: #1f2328; stroke-width: 2 }
  .met { fill: #1a7f37 }
  .missed { fill: #bc4c00 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .faint { fill: #9198a1 }
    .grid { stroke: #3d444d }
    .target { stroke: #f0f6fc }
    .met { fill: #3fb950 }
    .missed { fill: #f0883e }
  }"""
_LEFT, _WIDTH, _RIGHT = 440, 380, 200
_TOP, _ROW, _BAR = 44, 30, 14
# Bars of less than this would not be seen.
_SHORTEST = 2.0


class Bar(NamedTuple):
    """One target: what it is about, how many times better than asked for, and what is written behind it."""

    label: str
    margin: float
    note: str


def bars(figures: Iterable[Figure]) -> Iterator[Bar]:
    """A bar for each target."""
    for figure in figures:
        for target in figure.targets:
            reached = figure.reached(target)
            value = f"{number(reached)} {TIMES}" if target.of == "ratio" else f"{number(reached)} {figure.unit}"
            yield Bar(f"{figure.key} {figure.what}", target.margin(reached), f"{value} ({shown(target)})")


def svg(figures: Iterable[Figure]) -> str:
    """The chart, with the line at which a target is met."""
    drawn = list(bars(figures))
    scale = _Scale([bar.margin for bar in drawn])
    height = _TOP + _ROW * len(drawn) + 10
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + _RIGHT} {height}" role="img">',
            "<title>By how many times each figure is better than its target</title>",
            f"<style>{_STYLE}\n</style>",
            *_grid(scale, height),
            *(line for row, bar in enumerate(drawn) for line in _drawn(bar, scale, _TOP + _ROW * row)),
            "</svg>\n",
        ]
    )


class _Scale:
    """From a margin to a place: powers of ten at equal distances, the lowest and the highest at the ends."""

    def __init__(self, margins: list[float]) -> None:
        self.low = min(-1, *(math.floor(math.log10(each)) for each in margins), -1)
        self.high = max(1, *(math.ceil(math.log10(each)) for each in margins), 1)

    def x(self, margin: float) -> float:
        return _LEFT + _WIDTH * (math.log10(margin) - self.low) / (self.high - self.low)


def _grid(scale: _Scale, height: int) -> Iterator[str]:
    for power in range(scale.low, scale.high + 1):
        x, kind = scale.x(10.0**power), "target" if power == 0 else "grid"
        label = "target" if power == 0 else f"{number(10.0**power)} {TIMES}"
        yield f'<text class="faint" x="{x:.1f}" y="16" text-anchor="middle">{label}</text>'
        yield f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="26" y2="{height - 8}"/>'


def _drawn(bar: Bar, scale: _Scale, y: int) -> Iterator[str]:
    at, target = scale.x(bar.margin), scale.x(1)
    left, width = min(at, target), max(abs(at - target), _SHORTEST)
    kind = "met" if bar.margin >= 1 else "missed"
    yield f'<text x="{_LEFT - 12}" y="{y + _BAR - 2}" text-anchor="end">{escape(bar.label)}</text>'
    yield f'<rect class="{kind}" x="{left:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="2"/>'
    yield f'<text x="{_LEFT + _WIDTH + 12}" y="{y + _BAR - 2}">{escape(bar.note)}</text>'

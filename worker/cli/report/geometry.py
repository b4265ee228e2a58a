"""The geometry of a drawing: scales, paths and ticks. Pure."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from ostinato.times import EPOCH

Point = tuple[float, float]

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_STEPS = (
    *(1, 2, 5, 15, 30),
    *(_MINUTE, 2 * _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR),
    *(_DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY, 91 * _DAY, 182 * _DAY),
)
_YEAR = 365 * _DAY


class Scale(NamedTuple):
    """Maps values from ``low`` to ``high`` to places from ``begin`` to ``end``; if ``low`` is ``high``, to ``end``."""

    low: float
    high: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        """The place of a value."""
        share = 1.0 if self.high == self.low else (value - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)


def number(value: float) -> str:
    """A place for SVG, to a tenth of a unit, which is finer than any screen."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def line(points: Iterable[Point]) -> str:
    """A path through the points."""
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)


def area(points: Sequence[Point], ground: float) -> str:
    """The closed path between the points and the ground."""
    return f"{line(points)}L{number(points[-1][0])} {number(ground)}L{number(points[0][0])} {number(ground)}Z"


def apart(first: float, second: float, distance: float) -> tuple[float, float]:
    """Two places in their order, moved as little as possible to be at least ``distance`` apart."""
    missing = distance - abs(first - second)
    if missing <= 0:
        return first, second
    up, down = (first, second) if first <= second else (second, first)
    up, down = up - missing / 2, down + missing / 2
    return (up, down) if first <= second else (down, up)


def widths(parts: Sequence[int], whole: float, least: float) -> list[float]:
    """The whole, divided in proportion to the parts, each at least ``least``; that must fit for every part."""
    small = {place for place, each in enumerate(parts) if each * whole < least * sum(parts)}
    rest = sum(each for place, each in enumerate(parts) if place not in small)
    room = whole - least * len(small)
    return [least if place in small else room * each / rest for place, each in enumerate(parts)]


def counts(most: int) -> list[int]:
    """Two to six round numbers from 0; the last is the first that is not below ``most``."""
    step = next(each for each in _round_steps() if each * 5 >= most)
    return [step * place for place in range(max(1, math.ceil(most / step)) + 1)]


def _round_steps() -> Iterable[int]:
    power = 1
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10


def times(first: datetime, last: datetime, most: int) -> list[tuple[datetime, str]]:
    """At most ``most`` round moments between two, each with a label."""
    step = next((each for each in _STEPS if len(_multiples(first, last, each)) <= most), None)
    if step is None:
        step = max(1, math.ceil((last - first).total_seconds() / most / _YEAR)) * _YEAR
    found = [EPOCH + timedelta(seconds=step * each) for each in _multiples(first, last, step)[:most]]
    return [(moment, _label(moment, step)) for moment in found]


def _multiples(first: datetime, last: datetime, step: int) -> range:
    """The multiples of ``step`` seconds since 1970 between two moments."""
    every = timedelta(seconds=step)
    return range(-((EPOCH - first) // every), (last - EPOCH) // every + 1)


def _label(moment: datetime, step: int) -> str:
    if step < _MINUTE:
        return f"{moment:%H:%M:%S}"
    if step < _DAY:
        return f"{moment:%H:%M}"
    return f"{moment.day} {moment:%b}" if step < 91 * _DAY else f"{moment:%b %Y}"

"""Drawings of facts. Each is described in words, and shows details under the pointer."""

from collections.abc import Sequence
from itertools import accumulate

from markupsafe import Markup

from ostinato.times import from_micros
from store.reading.overview import SHARES, Span
from store.rules.trajectory import Point, Trajectory
from worker.cli.report.geometry import Scale, apart, area, counts, line, number, widths
from worker.cli.report.svg import Bar, Canvas, dot, joined

# A little wider than a phone, so that letters stay legible if the drawing shrinks to that.
_CHART = Canvas("chart", width=420, height=220, left=44, right=412, top=14, bottom=192)
# Several stand side by side. The names of the lines have room at the right.
_SCORES = Canvas("chart", width=336, height=190, left=28, right=232, top=10, bottom=162)
_SPARK = Canvas("spark", width=120, height=30, left=2, right=115, top=3, bottom=27)
_PARTS = Canvas("parts", width=1_000, height=14, left=0, right=1_000, top=0, bottom=14, stretched=True)
_LEAST_PART = 14.0


def sparkline(trajectory: Trajectory) -> Markup:
    """The priority since the first sighting, from 0 to 1, in a small drawing."""
    x, y = _time(trajectory, _SPARK), _share(_SPARK)
    points = [(x.at(each.at), y.at(each.scores.priority)) for each in trajectory.points]
    first, last = trajectory.points[0].scores.priority, trajectory.points[-1].scores.priority
    drawn = Markup('<path class="area" d="{}"/><path class="line" d="{}"/>')
    return _SPARK.svg(
        f"Priority: {first:.2f} at first, {last:.2f} now",
        drawn.format(area(points, _SPARK.bottom), line(points)),
        dot(points[-1], "end"),
    )


def scores(trajectory: Trajectory) -> Markup:
    """Both scores since the first sighting, from 0 to 1."""
    x, y = _time(trajectory, _SCORES), _share(_SCORES)
    first, last = trajectory.points[0], trajectory.points[-1]
    priority = [(x.at(each.at), y.at(each.scores.priority)) for each in trajectory.points]
    effective = [(x.at(each.at), y.at(each.scores.effectiveness)) for each in trajectory.points]
    said = (
        f"From {_day(first)} to {_day(last)}: priority from {first.scores.priority:.2f} to {last.scores.priority:.2f}, "
        f"effectiveness from {first.scores.effectiveness:.2f} to {last.scores.effectiveness:.2f}"
    )
    drawn = Markup('<path class="area" d="{}"/><path class="line" d="{}"/><path class="second" d="{}"/>')
    return _SCORES.svg(
        said,
        _SCORES.grid(y, [(0.0, "0"), (0.5, "0.5"), (1.0, "1")]),
        _SCORES.dates(from_micros(first.at), from_micros(last.at)),
        drawn.format(area(priority, _SCORES.bottom), line(priority), line(effective)),
        dot(priority[-1], "end"),
        dot(effective[-1], "end other"),
        _ends(y, last),
        _under_pointer(trajectory, x),
    )


def _ends(y: Scale, last: Point) -> Markup:
    """The names of the lines, at their ends."""
    scores = last.scores
    places = apart(y.at(scores.priority), y.at(scores.effectiveness), 17)
    names = (("name", f"priority {scores.priority:.2f}"), ("name other", f"effective {scores.effectiveness:.2f}"))
    return joined(
        Markup('<text class="{}" x="{}" y="{}">{}</text>').format(kind, _SCORES.right + 9, number(place + 4), text)
        for place, (kind, text) in zip(places, names, strict=True)
    )


def _under_pointer(trajectory: Trajectory, x: Scale) -> Markup:
    """A strip for each point, with its numbers under the pointer."""
    places = [x.at(each.at) for each in trajectory.points]
    half = max(3.0, (places[-1] - places[0]) / max(1, len(places) - 1)) / 2
    return joined(
        Bar(place - half, place + half, _SCORES.top, _SCORES.bottom).svg("strip", _said(each))
        for place, each in zip(places, trajectory.points, strict=True)
    )


def _said(point: Point) -> str:
    return (
        f"{from_micros(point.at):%Y-%m-%d %H:%M} UTC: priority {point.scores.priority:.3f}, "
        f"effectiveness {point.scores.effectiveness:.3f}, seen {point.sightings:,}, "
        f"✓ {point.successes:,}, ✗ {point.failures:,}"
    )


def priorities(shares: Sequence[int]) -> Markup:
    """The number of patterns for each span of priority."""
    most, ticks = max(shares), counts(max(shares))
    x, y = Scale(0, SHARES, _CHART.left, _CHART.right), Scale(0, ticks[-1], _CHART.bottom, _CHART.top)
    bars = (
        Bar(x.at(place) + 1, x.at(place + 1) - 1, y.at(count), _CHART.bottom).svg(
            "good", f"{count:,} {'pattern' if count == 1 else 'patterns'} {_range(place)}"
        )
        for place, count in enumerate(shares)
    )
    return _CHART.svg(
        f"{sum(shares):,} active patterns by priority; most, {most:,}, {_range(shares.index(most))}",
        _CHART.grid(y, [(each, f"{each:,}") for each in ticks]),
        *(_CHART.mark(x.at(SHARES * each / 4), f"{each / 4:g}") for each in range(5)),
        *bars,
    )


def _range(place: int) -> str:
    return f"from {place / SHARES:.2f} to {(place + 1) / SHARES:.2f}"


def outcomes(spans: Sequence[Span]) -> Markup:
    """Successes upwards and failures downwards, over time."""
    up, down = (max(each.successes for each in spans), max(each.failures for each in spans))
    ticks = counts(max(up, down))
    shown = [-each for each in ticks[:0:-1] if each <= down] + [each for each in ticks if each <= up]
    x, y = Scale(0, len(spans), _CHART.left, _CHART.right), Scale(-down, up, _CHART.bottom, _CHART.top)
    said = (
        f"{sum(each.successes for each in spans):,} successes and {sum(each.failures for each in spans):,} failures "
        f"from {spans[0].begin:%Y-%m-%d} to {spans[-1].end:%Y-%m-%d}"
    )
    bars = (_up_and_down(each, x.at(place) + 0.5, x.at(place + 1) - 0.5, y) for place, each in enumerate(spans))
    return _CHART.svg(
        said,
        _CHART.grid(y, [(each, f"{abs(each):,}") for each in shown]),
        _CHART.dates(spans[0].begin, spans[-1].end),
        *bars,
    )


def _up_and_down(span: Span, left: float, right: float, y: Scale) -> Markup:
    title = f"{span.begin:%Y-%m-%d %H:%M} to {span.end:%m-%d %H:%M} UTC: ✓ {span.successes:,}, ✗ {span.failures:,}"
    up = Bar(left, right, y.at(span.successes), y.at(0)).svg("good", title) if span.successes else Markup()
    down = Bar(left, right, y.at(0), y.at(-span.failures)).svg("bad", title) if span.failures else Markup()
    return up + down


def parts(named: Sequence[tuple[str, int]], said: str) -> Markup:
    """Counts as parts of one bar; each count above zero is wide enough to be seen."""
    present = [(name, count) for name, count in named if count]
    wide = widths([count for _, count in present], _PARTS.width, _LEAST_PART)
    drawn = (
        Bar(right - width, right, _PARTS.top, _PARTS.bottom).svg(f"part {name}", f"{count:,} {name}")
        for (name, count), width, right in zip(present, wide, accumulate(wide), strict=True)
    )
    return _PARTS.svg(said, *drawn)


def _time(trajectory: Trajectory, on: Canvas) -> Scale:
    return Scale(trajectory.points[0].at, trajectory.points[-1].at, on.left, on.right)


def _share(on: Canvas) -> Scale:
    return Scale(0, 1, on.bottom, on.top)


def _day(point: Point) -> str:
    return f"{from_micros(point.at):%Y-%m-%d}"

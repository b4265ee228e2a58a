"""The parts of a drawing, as SVG; the style sheet of the page gives their classes colours."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from markupsafe import Markup

from worker.cli.report.geometry import Point, Scale, number, times

# The width of a date, with some space beside it.
_DATE = 64


class Canvas(NamedTuple):
    """The size of a drawing, and the sides of the area that has the data; marks are outside of it."""

    kind: str
    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    stretched: bool = False

    def svg(self, said: str, *parts: Markup) -> Markup:
        """The drawing of these parts; ``said`` describes it in words."""
        aspect = Markup(' preserveAspectRatio="none"') if self.stretched else ""
        return Markup('<svg class="{}" role="img" aria-label="{}" viewBox="0 0 {} {}"{}>{}</svg>').format(
            self.kind, said, self.width, self.height, aspect, joined(parts)
        )

    def grid(self, y: Scale, ticks: Sequence[tuple[float, str]]) -> Markup:
        """A line and a text for each value; the line at zero has the class ``ground``."""
        template = Markup('<line class="{kind}" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>') + Markup(
            '<text class="tick" x="{at}" y="{below}">{text}</text>'
        )
        return joined(
            template.format(
                kind="grid" if value else "ground",
                left=self.left,
                right=self.right,
                y=number(y.at(value)),
                at=self.left - 7,
                below=number(y.at(value) + 4),
                text=text,
            )
            for value, text in ticks
        )

    def dates(self, first: datetime, last: datetime) -> Markup:
        """Round moments below the data."""
        x = Scale(first.timestamp(), last.timestamp(), self.left, self.right)
        return joined(
            self.mark(x.at(moment.timestamp()), text)
            for moment, text in times(first, last, (self.right - self.left) // _DATE)
        )

    def mark(self, x: float, text: str) -> Markup:
        """A text below the data."""
        return Markup('<text class="mark" x="{}" y="{}">{}</text>').format(number(x), self.height - 8, text)


class Bar(NamedTuple):
    """The sides of a bar."""

    left: float
    right: float
    top: float
    bottom: float

    def svg(self, kind: str, title: str) -> Markup:
        """A rectangle of this class; ``title`` shows under the pointer."""
        return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>').format(
            kind,
            number(self.left),
            number(self.top),
            number(self.right - self.left),
            number(self.bottom - self.top),
            title,
        )


def dot(at: Point, kind: str) -> Markup:
    """A circle of this class."""
    return Markup('<circle class="{}" cx="{}" cy="{}" r="3"/>').format(kind, number(at[0]), number(at[1]))


def joined(parts: Iterable[Markup]) -> Markup:
    """The parts as one."""
    return Markup("").join(parts)

"""The facts as one page of HTML, which loads nothing."""

from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ostinato.messages.printable import escaped
from store.reading.records import Stats
from worker.cli.report import charts
from worker.cli.report.facts import Facts

_LONGEST = 280


def page(facts: Facts) -> str:
    """The page of these facts; texts of messages are escaped."""
    environment = Environment(
        loader=PackageLoader("worker.cli.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(said=_said, moment=_moment, stamp=datetime.isoformat)
    ledger = _ledger(facts.stats)
    sum_of = f"{facts.stats.received:,} received: {', '.join(f'{count:,} {name}' for name, count in ledger)}"
    return environment.get_template("page.html").render(facts=facts, charts=charts, ledger=ledger, sum_of=sum_of)


def _said(text: str) -> Markup:
    """A foreign text: a long one is cut off, unprintable characters are escaped, its writing direction is isolated."""
    shown = escaped(text)
    return Markup("<bdi>{}</bdi>").format(shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…")


def _moment(moment: datetime) -> Markup:
    return Markup('<time datetime="{}">{} {:%b %Y, %H:%M} UTC</time>').format(moment.isoformat(), moment.day, moment)


def _ledger(stats: Stats) -> list[tuple[str, int]]:
    return [(name, getattr(stats, name)) for name in ("applied", "parked", "quarantined", "discarded")]

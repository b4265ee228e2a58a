"""The page of a report: for any facts, it is one page of HTML that loads nothing."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

import worker.cli.report
from ostinato.times import to_micros
from store.reading.overview import SHARES, Refused, Span, Waiting
from store.reading.records import Pattern, Stats
from store.rules.scoring import DAY, Outcome
from store.rules.trajectory import Totals, moments, trajectory
from worker.cli.report.facts import Facts
from worker.cli.report.page import page

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CSS = (Path(worker.cli.report.__file__).parent / "templates" / "page.css").read_text(encoding="utf-8")
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></title></svg><svg onload=alert(1)>",
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }} {% raw %}",
    "\u202egpj.exe\u0000\x1b[2J",
    "javascript:alert(1) &lt;b&gt;",
)
VOID = {"meta", "br", "img", "link", "hr", "input"}


def pattern(name: str, number: int = 0) -> Pattern:
    """A pattern with this text in each field."""
    return Pattern(
        **dict.fromkeys(("first_seen", "last_seen", "last_confirmed"), NOW),
        **dict.fromkeys(("effectiveness_score", "priority_score", "variance", "trust_score"), 0.5),
        **dict.fromkeys(("instrument_name", "provenance_job_hash", "provenance_sheet_num"), None),
        **dict.fromkeys(("occurrence_count", "led_to_success_count", "led_to_failure_count"), 3),
        id=f"{name}{number}",
        pattern_type=name,
        pattern_name=name,
        description=name,
        context_tags=(name,),
        suggested_action=name,
        quarantine_status="pending",
        content_hash="0" * 32,
        active=True,
    )


def stats(**counts: int) -> Stats:
    """The numbers of a store; all others are 0."""
    names = [name for name in Stats.__slots__ if name not in {"average_effectiveness", "last_recalculation"}]
    return Stats(**{**dict.fromkeys(names, 0), **counts}, average_effectiveness=None, last_recalculation=None)


EMPTY = Facts(
    made=NOW, stats=stats(), ranking=(), trajectories={}, shares=[0] * SHARES, outcomes=(), waiting=(), refused=()
)


def full(*names: str) -> Facts:
    """A store whose patterns, unknown patterns and reasons have these names."""
    now = to_micros(NOW)
    totals = Totals(
        occurrence_count=9, successes=2, failures=2, first_seen=now - 9 * DAY, newest_success=None, variance=0
    )
    at = moments(totals.first_seen, now, 10)
    way = trajectory(totals, at, [*range(1, 11), 10], [Outcome(now - DAY, "x", success=True, grounding=None)] * 2)
    ranking = [pattern(name, number) for number, name in enumerate(names)]
    return replace(
        EMPTY,
        stats=stats(received=9, applied=6, parked=2, quarantined=1, patterns_active=len(names), applications=4),
        ranking=ranking,
        trajectories={each.id: way for each in ranking},
        shares=[0, 3, *[0] * (SHARES - 2)],
        outcomes=[Span(NOW - timedelta(days=day), NOW - timedelta(days=day - 1), day, 1) for day in (3, 2, 1)],
        waiting=[Waiting(pattern_id=name, messages=2, since=NOW) for name in names],
        refused=[Refused(reason_code=name, messages=1, latest=NOW) for name in names],
    )


class Parsed(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Every element is closed by its own end."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element of SVG without content."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """In the order in which they began."""
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        """Of the style sheet too."""
        self.text += data

    def names(self) -> set[str]:
        """The names of all elements."""
        return {name for name, _ in self.elements}


def addresses(parsed: Parsed) -> Iterator[str]:
    """Each URL that an attribute could load or link to."""
    for _, attributes in parsed.elements:
        yield from (
            value or "" for name, value in attributes.items() if name in {"src", "href", "srcset", "xlink:href"}
        )


@pytest.mark.parametrize("facts", [EMPTY, full("plain"), full(*HOSTILE)], ids=["empty", "plain", "hostile"])
def test_it_is_well_formed_and_loads_nothing(facts: Facts) -> None:
    """Every link leads to a place on the page, nothing is a script, and the policy says so."""
    text = page(facts)
    parsed = Parsed(text)
    assert [] == parsed.open
    assert not parsed.names() & {"script", "img", "link", "iframe", "object", "embed", "form", "base"}
    assert not [name for _, attributes in parsed.elements for name in attributes if name.startswith("on")]
    places = {f"#{attributes['id']}" for _, attributes in parsed.elements if "id" in attributes}
    assert places >= set(addresses(parsed))
    assert "url(" not in text
    assert "@import" not in text
    policies = [each["content"] for name, each in parsed.elements if name == "meta" and "http-equiv" in each]
    assert ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"] == policies


def test_the_same_elements_whatever_the_names() -> None:
    """No name adds an element or an attribute; each is on the page as it was written."""
    plain = Parsed(page(full(*("plain" for _ in HOSTILE))))
    hostile = Parsed(page(full(*HOSTILE)))
    shape = [[(name, sorted(each)) for name, each in parsed.elements] for parsed in (plain, hostile)]
    assert shape[0] == shape[1]
    for name in HOSTILE[:5]:
        assert name in hostile.text
    assert r"\u202egpj.exe\x00\x1b[2J" in hostile.text


def test_every_drawing_says_what_it_shows() -> None:
    """For people who cannot see it."""
    parsed = Parsed(page(full("plain")))
    drawings = [each for name, each in parsed.elements if name == "svg"]
    assert 6 == len(drawings)
    assert all(each["role"] == "img" and len(str(each["aria-label"])) > 10 for each in drawings)


def test_an_empty_store_has_a_page_that_says_so() -> None:
    """In every section."""
    text = Parsed(page(EMPTY)).text
    for said in (
        "No pattern deserves",
        "There is no pattern yet",
        "There is no line yet",
        "Nothing has been tried",
        "Nothing waits",
        "Nothing is in",
    ):
        assert said in text


def test_it_says_what_it_cannot_know() -> None:
    """The number of sightings and applications without a known time."""
    assert "Of 1 sightings and applications below the time is no longer known" not in Parsed(page(EMPTY)).text
    facts = full("plain")
    [way] = facts.trajectories.values()
    assert f"Of {way.undated} sightings and applications below the time is no longer known" in " ".join(
        Parsed(page(facts)).text.split()
    )


def test_a_long_text_is_cut_off() -> None:
    """Its beginning is kept."""
    assert "x" * 279 + "…" in page(full("x" * 500))
    assert "x" * 280 not in page(full("x" * 500))


def luminance(colour: str) -> float:
    """As WCAG 2 defines it, of a colour such as #10a0ff."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", range(3), ids=["light", "dark", "print"])
def test_every_text_can_be_read(theme: int) -> None:
    """Its contrast with what is behind it is at least 4.5 (WCAG 2 AA), in every theme."""
    block = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[theme]
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
    assert {"paper", "card", "ink", "soft", "rule", "first", "tint", "second", "bad", "wait", "link"} == set(colours)
    for text in ("ink", "soft", "first", "second", "bad", "wait", "link"):
        for ground in ("paper", "card"):
            high, low = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
            assert 4.5 <= (high + 0.05) / (low + 0.05), (text, ground)

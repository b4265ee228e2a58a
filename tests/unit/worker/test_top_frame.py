"""The frame fits the window, however small, for any content."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from store.reading.records import Pattern
from store.reading.vitals import Arrival, Glance, Refusal
from worker.broker.client import BrokerState
from worker.cli.top.frame import ago, frame
from worker.cli.top.sight import Sight

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TEXTS = st.text(max_size=200) | st.sampled_from(["\x1b[2J\x07", "\u5bec" * 90, "a\u0301" * 90, "\u202e\n\r\t[/]"])


def pattern(name: str) -> Pattern:
    """A pattern with this text in each field."""
    return Pattern(
        **dict.fromkeys(("first_seen", "last_seen", "last_confirmed"), NOW),
        **dict.fromkeys(("effectiveness_score", "priority_score", "variance", "trust_score"), 0.5),
        **dict.fromkeys(("occurrence_count", "led_to_success_count", "led_to_failure_count"), 10**15),
        **dict.fromkeys(("instrument_name", "provenance_job_hash", "provenance_sheet_num"), None),
        id="bc26dc4af26e61ff",
        pattern_type=name,
        pattern_name=name,
        description=name,
        context_tags=None,
        suggested_action=name,
        quarantine_status="pending",
        content_hash="0" * 32,
        active=True,
    )


def sight(*texts: str, rows: int = 30, last: Arrival | None = None) -> Sight:
    """A look at a store with these texts everywhere."""
    glance = Glance(
        ranking=tuple(pattern(text) for text in texts for _ in range(rows)),
        patterns=100_000,
        applied=10**9,
        duplicates=0,
        parked=10**6,
        quarantined=10**6,
        last=last,
        last_recalculation=NOW - timedelta(hours=9),
        refusals=tuple(Refusal(received_at=NOW, reason_code="not_json", detail=text) for text in texts),
    )
    return Sight(
        at=NOW,
        glance=glance,
        seen=NOW,
        store_trouble="",
        broker=BrokerState({0: 10**6}, {0: 1}),
        broker_trouble="",
        outbox=10**6,
        rate=12_345.6,
        next=NOW + timedelta(hours=15),
    )


def drawn(seen: Sight, width: int, height: int | None) -> list[str]:
    """The lines of the view."""
    console = Console(file=StringIO(), width=width, height=height, force_terminal=True, color_system=None, emoji=False)
    with console.capture() as captured:
        console.print(frame(seen, width=width, height=height, hint="q ends"))
    return captured.get().splitlines()


@given(texts=st.lists(TEXTS, max_size=3), width=st.integers(20, 200), height=st.integers(12, 60))
def test_it_fits(texts: list[str], width: int, height: int) -> None:
    """It has no more lines than the window, none is wider, and every character is printable."""
    lines = drawn(
        replace(sight(*texts), store_trouble="".join(texts), broker=None, broker_trouble="away"), width, height
    )
    assert height >= len(lines)
    assert width >= max(map(cell_len, lines))
    assert all(each.isprintable() for line in lines for each in line.replace("\x1b[0m", "").replace("\x1b[1m", ""))


def test_a_low_window_keeps_the_ranking() -> None:
    """The refusals give way to it."""
    assert any("bc26dc4a" in line for line in drawn(sight("x"), 80, 16))
    assert not any("quarantine list" in line for line in drawn(sight("x"), 80, 14))
    assert any("quarantine list" in line for line in drawn(sight("x"), 80, 24))


def test_a_window_without_room_says_so() -> None:
    """It does not say that there is no pattern."""
    assert "The window is too low for the ranking." == drawn(sight("x"), 80, 10)[-1].strip()
    assert "No pattern matches yet." == drawn(sight(), 80, 10)[-1].strip()


def test_what_to_do_about_trouble_is_not_cut_off() -> None:
    """If the window has room for it and some patterns."""
    trouble = f"There is no store at {'/long' * 20} yet: run `ostinato up`."
    seen = replace(sight("x"), store_trouble=trouble, broker=None, broker_trouble=trouble)
    for height in (None, 24):
        lines = drawn(seen, 80, height)
        assert 2 == sum("run `ostinato up`." in line for line in lines)
        assert any("bc26dc4a" in line for line in lines)
    assert not any("run `ostinato up`." in line for line in drawn(seen, 80, 14))


def test_without_a_height_all_is_shown() -> None:
    """For output to a file."""
    assert 30 == sum("bc26dc4a" in line for line in drawn(sight("x"), 80, None))


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (None, "no message of a producer was applied or parked yet, only recalculations"),
        (Arrival(occurred_at=NOW - timedelta(hours=7), applied_at=NOW), "0.0 s ago, 7 h after its event"),
        (
            Arrival(occurred_at=NOW, applied_at=NOW - timedelta(seconds=9)),
            "its event is 9.0 s ahead of the worker's clock",
        ),
    ],
)
def test_the_lag_is_that_of_the_last_message(last: Arrival | None, said: str) -> None:
    """Also if the clocks of producer and worker differ."""
    assert any(said in line for line in drawn(sight(last=last), 100, 24))


def test_nothing_is_said_of_a_store_that_was_not_seen() -> None:
    """Its numbers are unknown; an empty store is different, and is described as such."""
    unseen = drawn(replace(sight(), glance=None, seen=None, store_trouble="away"), 100, 24)
    assert ["not known yet", "not known yet; next 06-02 03:00 UTC, in 15 h"] == [
        line[8:].strip() for line in unseen if line.startswith(("last ", "scores "))
    ]
    seen = sight()
    assert seen.glance is not None
    empty = replace(seen.glance, applied=0, last_recalculation=None)
    lines = drawn(replace(seen, glance=empty), 100, 24)
    assert any(line.strip().endswith("no message of a producer was applied or parked yet") for line in lines)
    assert any("never recalculated" in line for line in lines)


@pytest.mark.parametrize(
    ("served", "said"),
    [
        ({}, "no worker is there, so messages wait"),
        ({0: 1}, "1 worker is there; no worker in lane 1, where messages wait"),
        ({0: 1, 1: 2}, "3 workers are there"),
    ],
)
def test_lanes_without_a_worker_are_named(served: dict[int, int], said: str) -> None:
    """No others are."""
    assert any(
        line.endswith(said) for line in drawn(replace(sight(), broker=BrokerState({0: 0, 1: 5}, served)), 100, 24)
    )


def test_lengths_of_time() -> None:
    """In the largest unit that fits at least twice."""
    spans = (
        timedelta(seconds=-1),
        timedelta(seconds=1.5),
        timedelta(seconds=90),
        timedelta(hours=30),
        timedelta(days=3),
    )
    assert ["0.0 s", "1.5 s", "90 s", "30 h", "3 d"] == list(map(ago, spans))

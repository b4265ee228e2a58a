"""The geometry of drawings."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.cli.report.geometry import Scale, apart, area, counts, line, number, times, widths

FIRST = datetime(2026, 5, 30, 22, 31, 7, 5, tzinfo=UTC)


def test_a_scale_takes_ends_to_ends() -> None:
    """Also reversed, and for an empty span."""
    assert [0, 50, 100] == [Scale(10, 20, 0, 100).at(value) for value in (10, 15, 20)]
    assert [100, 0] == [Scale(0, 1, 100, 0).at(value) for value in (0, 1)]
    assert 7 == Scale(3, 3, 0, 7).at(3)


def test_paths() -> None:
    """Numbers are short; an area is closed along its ground."""
    assert ["0", "0", "1.5", "10", "-2.3", "100"] == list(map(number, (0.0, -0.04, 1.5, 10.0, -2.26, 100.04)))
    assert "M0 1L2.5 3" == line([(0, 1), (2.5, 3)])
    assert "M0 1L2.5 3L2.5 9L0 9Z" == area([(0, 1), (2.5, 3)], 9)


def test_two_places_are_kept_apart() -> None:
    """Both are moved, and only if they are too near."""
    assert [(10, 40), (15, 25), (25, 15), (5, 15)] == [
        apart(*pair, 10) for pair in ((10, 40), (18, 22), (22, 18), (10, 10))
    ]


@given(st.lists(st.integers(1, 10**9), max_size=4))
def test_parts_fill_the_whole_and_can_be_seen(parts: list[int]) -> None:
    """The larger a part, the wider it is; a part too small to be seen has the least width."""
    found = widths(parts, 1_000, 8)
    assert (1_000 if parts else 0) == pytest.approx(sum(found))
    assert all(width > 7.5 for width in found)
    assert [width for _, width in sorted(zip(parts, found, strict=True))] == sorted(found)


@given(st.integers(0, 10**15))
def test_counts_are_round_and_reach_the_most(most: int) -> None:
    """From 0, two to six of them, and the last but one is below the most."""
    found = counts(most)
    assert (0, True) == (found[0], 2 <= len(found) <= 6)
    assert found[-1] >= most >= (found[-2] if most else 0)
    assert str(found[1]).rstrip("0") in {"1", "2", "5"}


@given(st.timedeltas(timedelta(0), timedelta(days=60_000)), st.integers(1, 6))
def test_times_are_round_and_between(span: timedelta, most: int) -> None:
    """No more than asked for, each within the span, in order."""
    found = times(FIRST, FIRST + span, most)
    assert most >= len(found)
    assert all(FIRST <= moment <= FIRST + span for moment, _ in found)
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("span", "names"),
    [
        (timedelta(seconds=9), ["22:31:10", "22:31:15"]),
        (timedelta(hours=5), ["00:00", "02:00"]),
        (timedelta(days=3), ["31 May", "1 Jun", "2 Jun"]),
        (timedelta(days=60), ["4 Jun", "18 Jun", "2 Jul", "16 Jul"]),
    ],
)
def test_times_have_labels_that_tell_them_apart(span: timedelta, names: list[str]) -> None:
    """By seconds, minutes or days."""
    assert names == [name for _, name in times(FIRST, FIRST + span, 4)]

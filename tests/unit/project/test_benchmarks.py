"""What the benchmarks make of what they measured: ratios, tables, the chart and the page."""

from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random
from xml.etree import ElementTree as ET

import pytest

from benchmarks import chart, results, table
from benchmarks.explanations import EXPLANATIONS
from benchmarks.figures import Figure, Series, Target, alternate, percentile
from benchmarks.results import Entry
from benchmarks.suite import BENCHMARKS
from benchmarks.traffic import paced

FASTER = Figure(
    key="F1",
    what="messages < a second",
    unit="messages/s",
    ours=Series((1_000.0, 5_000.0, 2_000.0)),
    baseline=Series((100.0, 400.0, 500.0)),
    against="by hand",
    targets=(Target("ratio", "at least", 10), Target("worst", "at least", 500)),
)
WAIT = Figure(key="F2", what="wait", unit="ms", ours=Series((1.0, 4.0, 2.0)), targets=(Target("worst", "at most", 3),))
PLAIN = Figure(key="F3", what="no target", unit="s", ours=Series((0.25,)))
ENTRY = Entry(
    name="first",
    date="2026-01-01 00:00",
    seconds=3.0,
    machine={"cores": 2, "load": 0.1},
    versions={"python": "3.11"},
    figures=[FASTER, WAIT, PLAIN],
)


def test_the_median_counts_and_not_the_mean() -> None:
    """One round that went wrong does not move the ratio."""
    assert 2_000 == FASTER.ours.median
    assert 5 == FASTER.ratio
    assert PLAIN.ratio is None


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (Target("ratio", "at least", 5), True),
        (Target("ratio", "at least", 5.1), False),
        (Target("ratio", "at most", 5), True),
        (Target("median", "at most", 1_999), False),
        (Target("worst", "at most", 4_999), False),
        (Target("worst", "at least", 1_000), True),
        (Target("worst", "at least", 1_001), False),
    ],
)
def test_a_target_is_met_or_not(target: Target, expected: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Of ratio, median and worst round, each against its own bound; the margin says the same."""
    figure = replace(FASTER, targets=(target,))

    assert expected is figure.met
    assert expected is (target.margin(figure.reached(target)) >= 1)


def test_every_target_has_to_be_met() -> None:
    """One that is not spoils the figure; without any there is nothing to say."""
    assert [False, False, None] == [each.met for each in (FASTER, WAIT, PLAIN)]


def test_a_ratio_needs_a_baseline() -> None:
    """A target that cannot be judged is an error and not met by default."""
    with pytest.raises(ValueError, match="F3"):
        _ = replace(PLAIN, targets=(Target("ratio", "at least", 1),)).met


def test_rounds_alternate() -> None:
    """Each is measured once a round, in turn."""
    numbers = count(1)

    first, second = alternate(3, lambda: next(numbers), lambda: next(numbers))

    assert (1, 3, 5) == first.rounds
    assert (2, 4, 6) == second.rounds


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1, 100), (0.001, 1)])
def test_a_percentile_is_one_of_the_values(share: float, expected: float) -> None:
    """The nearest rank, also of values in no order."""
    assert expected == percentile([*range(51, 101), *range(1, 51)], share)


def test_a_pace_is_kept_until_the_time_is_over() -> None:
    """No call more than there are periods, and the time of each."""
    calls = count()

    waits = paced(lambda: next(calls), Random(1), 1_000, 0.02)  # noqa: S311 - to be repeated

    assert next(calls) == len(waits)
    assert 20 >= len(waits) >= 1
    assert all(wait >= 0 for wait in waits)


def test_results_survive_their_file(tmp_path: Path) -> None:
    """What is written is read again, rounds and all."""
    file = tmp_path / "results.json"
    file.write_text(results.text([ENTRY]), encoding="utf-8")

    assert [ENTRY] == results.read(file)


def test_a_run_by_name_replaces_its_own_entry() -> None:
    """The others stay as they were, in the order of the suite; what has no benchmark any more is dropped."""
    known = [replace(ENTRY, name=name) for name in ("old", "second", "first")]
    new = replace(ENTRY, name="first", seconds=9.0)

    assert [new, known[1]] == results.updated(known, new, ["first", "second", "third"])


@pytest.mark.parametrize(
    ("value", "expected"),
    [(12_345.6, "12,346"), (999.7, "1000"), (123.4, "123"), (1.234, "1.23"), (0.05, "0.05"), (2.0, "2")],
)
def test_numbers_are_short(value: float, expected: str) -> None:
    """Three digits that count, without powers of ten."""
    assert expected == table.number(value)


def test_the_table_has_a_row_for_each_figure() -> None:
    """With medians, spread, baseline, ratio and target, in columns of equal width."""
    lines = table.table(ENTRY.figures).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]

    assert 1 == len({len(line) for line in lines})
    assert cells[2] == [
        "F1",
        "messages < a second",
        "2,000 messages/s (1,000 to 5,000)",
        "400 messages/s (100 to 500): by hand",
        f"5 {table.TIMES}",
        f"≥ 10 {table.TIMES}, ≥ 500 (worst)",
        "**no**",
    ]
    assert ["F3", "no target", "0.25 s (0.25 to 0.25)", "", "", "", ""] == cells[4]


def test_what_is_not_met_is_explained() -> None:
    """By the sentence under its key, or by the remark that there is none."""
    body = table.body([ENTRY], {"F1": "The disk is slow."})

    assert "* **F1** is not met. The disk is slow.\n* **F2** is not met. It is not explained yet." in body
    assert "`first` 2026-01-01 00:00, 3 s, load 0.1 at its start.\n\ncores 2; python 3.11." in body
    assert ["F2"] == table.unexplained(ENTRY.figures, {"F1": "The disk is slow."})


def test_a_quick_run_is_held_against_nothing() -> None:
    """And says that its figures mean nothing."""
    text = table.quick([ENTRY])

    assert ["F1", "F2", "F3"] == [line.split()[1] for line in text.splitlines()[2:5]]
    assert text.endswith("these figures mean nothing.\n")
    assert not any(word in text for word in ("≥", "≤", "met.", "**no**"))


def test_the_chart_has_a_bar_for_each_target() -> None:
    """Those that are met end to the right of the target's line, the others to the left of it."""
    met = replace(WAIT, ours=Series((0.03,)))
    drawn = ET.fromstring(chart.svg([FASTER, met, PLAIN]))  # noqa: S314 - made here
    kinds = {each.get("class"): each for each in drawn.iter() if each.tag.endswith("rect")}
    (line,) = [each for each in drawn.iter() if each.get("class") == "target"]
    target = float(line.get("x1", 0))

    assert {"met", "missed"} == set(kinds)
    assert target == pytest.approx(float(kinds["met"].get("x", 0)))
    assert target > float(kinds["missed"].get("x", 0))
    assert [0.5, 2, 100] == [bar.margin for bar in chart.bars([FASTER, met, PLAIN])]


def test_the_page_and_the_chart_are_those_of_the_results() -> None:
    """Nobody has edited them, or changed how they are made without making them anew."""
    entries = results.read()
    figures = [figure for entry in entries for figure in entry.figures]

    assert table.page(entries, EXPLANATIONS) == table.PAGE.read_text(encoding="utf-8")
    assert chart.svg(figures) == chart.CHART.read_text(encoding="utf-8")


def test_the_results_are_of_this_suite_and_explained() -> None:
    """Every target of the figures on record is met, or somebody has said why not."""
    entries = results.read()

    assert [entry.name for entry in entries] == [name for name in BENCHMARKS if name in {e.name for e in entries}]
    assert [] == table.unexplained((figure for entry in entries for figure in entry.figures), EXPLANATIONS)

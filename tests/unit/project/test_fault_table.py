"""The table of the fault tests, and its place on its page."""

from pathlib import Path

import pytest

from tests.faults.__main__ import main, rounds
from tests.faults.ledger import Ledger, Outcome
from tests.faults.page import PAGE, with_table
from tests.faults.results import Result, append, read, table

KILLS = Result("kills", 10, 6, 1_200, 0, 0, 0, "1", [1.0, 3.0])
CUTS = Result("cuts", 5, 0, 10, 0, 0, 2, "1")


def rows(*results: Result) -> list[list[str]]:
    """The cells of the table's rows, without its head."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table(results).splitlines()[2:]]


def test_one_row_for_each_fault() -> None:
    """The runs of one fault are summed up; none lost in n hits is said as less than 3/n."""
    assert [
        ["cuts", "5", "0", "10", "0", "0", "2", "-", "-"],
        ["kills", "20", "12", "2 400", "0", "0", "0", "2.0 / 3.0 s", "< 25 %"],
    ] == rows(KILLS, CUTS, KILLS)


def test_a_loss_has_no_bound() -> None:
    """Where something was lost, nothing is said of what may be lost."""
    [row] = rows(KILLS, Result("kills", 1, 1, 1, 1, 0, 0))
    assert ("1", "-") == (row[4], row[-1])


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Of several runs, in their order."""
    file = tmp_path / "results.jsonl"
    append(file, [KILLS])
    append(file, [CUTS, KILLS])
    assert [KILLS, CUTS, KILLS] == read(file)


def test_the_page_has_a_place_for_the_table() -> None:
    """What stood there is replaced, and nothing else; a page without one is refused."""
    page = PAGE.read_text(encoding="utf-8")
    once = with_table(page, "a table\n")
    assert "a table\n" in once
    assert with_table(page, "another\n") == with_table(once, "another\n")
    with pytest.raises(ValueError, match="has no lines"):
        with_table("a page", "a table")


def test_the_surest_outcome_of_a_message_counts() -> None:
    """Whatever its spelling, and in whatever order the outcomes are noted; another content is another message."""
    one = {"kind": "soft_delete_pattern", "id": "a", "occurred_at": "2026-01-31T12:00:00Z", "pattern_id": "p"}
    ledger = Ledger()
    ledger.note(Outcome.OK, one)
    ledger.note(Outcome.INFO, one | {"occurred_at": "2026-01-31T13:00:00+01:00"}, one | {"pattern_id": "q"})
    assert {"p": Outcome.OK, "q": Outcome.INFO} == {note.message["pattern_id"]: note.outcome for note in ledger}


@pytest.mark.parametrize(("codes", "expected"), [([0], 0), ([1], 1), ([2], 2)])
def test_there_is_a_round_where_there_is_no_time(codes: list[int], expected: int) -> None:
    """One, with its own seed, and its exit code."""
    seeds: list[str] = []

    def run(seed: str) -> int:
        seeds.append(seed)
        return codes.pop()

    assert (expected, ["7.1"]) == (rounds(0, "7", run), seeds)


def test_rounds_go_on_until_the_time_is_over_or_nothing_runs() -> None:
    """Rounds in which defects are found do not end it; one that pytest could not run does."""
    codes, seeds = [0, 1, 0, 4, 0], list[str]()

    def run(seed: str) -> int:
        seeds.append(seed)
        return codes.pop(0)

    assert (4, [f"7.{number}" for number in (1, 2, 3, 4)]) == (rounds(3600, "7", run), seeds)


@pytest.mark.parametrize("arguments", [["-k", "x"], ["--minutes", "x"]])
def test_a_wrong_command_line_of_faults_is_refused(arguments: list[str]) -> None:
    """With exit code 2."""
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert 2 == stopped.value.code

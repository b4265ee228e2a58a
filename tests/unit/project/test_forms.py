"""The forms of the tests: which cases each runs, and their counts."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

CASES = """
import pytest
from hypothesis import given, settings, strategies as st

pytestmark = pytest.mark.filterwarnings("default")

def test_always():
    pass

@pytest.mark.long
def test_long():
    pass

@pytest.mark.parametrize("kind", ["one", pytest.param("other", marks=pytest.mark.long)])
def test_kind(kind):
    pass

@pytest.mark.each_broker
@pytest.mark.parametrize("kind", ["one", pytest.param("other", marks=pytest.mark.long)])
def test_each(kind):
    pass

def test_counts(scaled, full):
    assert (full, [scaled(each) for each in (1, 4, 10, 40)]) == EXPECTED

@given(st.integers(0, 10**9))
@settings(max_examples=3, database=None)
def test_search(full, number):
    print("drawn", number)
"""
SHORT, FULL = "(False, [1, 1, 2, 8])", "(True, [1, 4, 10, 40])"


def ran(folder: Path, expected: str, *arguments: str) -> tuple[set[str], str]:
    """The cases that a run with these arguments passes, and its output."""
    (folder / "test_cases.py").write_text(f"EXPECTED = {expected}\n{CASES}")
    options = ("-p", "tests.forms", "-p", "no:cacheprovider", "-o", "markers=long\n each_broker", "-v", "-s")
    command = [sys.executable, "-m", "pytest", *options, *arguments]
    out = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    assert " failed" not in out, out
    return set(re.findall(r"::test_(\S+) ", out)), out


def test_the_short_form_leaves_out_what_is_long(tmp_path: Path) -> None:
    """Unless what every broker has to pass; it does a fifth of each count."""
    expected = {"always", "kind[one]", "each[one]", "each[other]", "counts", "search"}
    assert expected == ran(tmp_path, SHORT)[0]


def test_the_long_form_runs_the_rest_and_what_counts(tmp_path: Path) -> None:
    """With the full counts, and with a seed that repeats its searches."""
    found, out = ran(tmp_path, FULL, "--long")
    assert {"long", "kind[other]", "counts", "search"} == found
    [seed] = re.findall(r"--hypothesis-seed=\d+", out)
    drawn = re.findall(r"drawn \d+", out)
    assert drawn == re.findall(r"drawn \d+", ran(tmp_path, FULL, "--long", seed)[1])
    assert drawn


@pytest.mark.parametrize(("form", "expected"), [((), SHORT), (("--long",), FULL)])
def test_a_case_that_is_named_runs_in_any_form(tmp_path: Path, form: tuple[str, ...], expected: str) -> None:
    """A function names all of its cases."""
    names = [f"test_cases.py::test_{each}" for each in ("always", "long", "kind")]
    assert {"always", "long", "kind[one]", "kind[other]"} == ran(tmp_path, expected, *form, *names)[0]


def test_everything_can_be_run_with_the_full_counts(tmp_path: Path) -> None:
    """As the rounds of faults are."""
    everything = {"always", "long", "kind[one]", "kind[other]", "each[one]", "each[other]", "counts", "search"}
    assert everything == ran(tmp_path, FULL, "--full")[0]

"""That every benchmark still runs, and what its results look like; how fast it was is nobody's business here."""

import json
import sys
import tempfile
from statistics import median
from typing import Any

import pytest

from benchmarks.results import RESULTS
from benchmarks.suite import BENCHMARKS
from tests.product import Product

pytestmark = pytest.mark.long

_SUMMED_UP = {"median", "min", "max", "rounds"}


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The results of one short run of all, by name; those on record stay as they were."""
    before = RESULTS.read_bytes()
    with Product(tmp_path_factory.mktemp("h")) as product:
        # PostgreSQL's own user must be able to read its folder.
        env = {"TMPDIR": tempfile.gettempdir()}
        run = product.run(sys.executable, "-m", "benchmarks", "--quick", "--json", env=env)
        assert 0 == run.code, run.err
    assert before == RESULTS.read_bytes()
    return {entry["name"]: entry for entry in json.loads(run.out)}


def test_every_benchmark_ran(entries: dict[str, Any]) -> None:
    """In the order of the table, and together they have every measure."""
    figures = [figure["key"] for entry in entries.values() for figure in entry["figures"]]

    assert list(BENCHMARKS) == list(entries)
    assert {f"P{number}" for number in range(1, 11)} <= set(figures)
    assert len(figures) == len(set(figures))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_figures_are_positive_and_follow_from_their_rounds(entries: dict[str, Any], name: str) -> None:
    """Each has what it is and in which unit; the ratio is that of the medians."""
    for figure in entries[name]["figures"]:
        assert figure["what"]
        assert figure["unit"]
        series = [each for each in (figure["ours"], figure["baseline"]) if each is not None]
        for each in series:
            assert _SUMMED_UP == set(each)
            assert 0 < each["min"] <= each["median"] <= each["max"]
            assert median(each["rounds"]) == each["median"]
        ratio = series[0]["median"] / series[1]["median"] if len(series) > 1 else None
        assert ratio == figure["ratio"]
        assert (figure["met"] is None) == (figure["targets"] == [])


def test_results_say_where_they_come_from(entries: dict[str, Any]) -> None:
    """With the machine, how busy it was, and every version."""
    for entry in entries.values():
        assert {"cores", "cpu", "memory_gb", "system", "files", "load"} == set(entry["machine"])
        assert {"python", "celery", "kombu", "redis", "sqlalchemy", "psycopg", "sqlite", "servers"} == set(
            entry["versions"]
        )

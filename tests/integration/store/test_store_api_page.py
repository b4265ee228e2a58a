"""The page on reading in Python is right."""

import re
from dataclasses import fields
from inspect import signature
from pathlib import Path

import pytest

import store
from ostinato.identity import pattern_id
from store.reading.records import Pattern, RecordedApplication, Stats
from tests.integration.store.bench import Bench, application, sighting

PAGE = Path(__file__).parents[3].joinpath("docs", "reference", "store-api.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
URL = "sqlite:////var/lib/ostinato/store.db"


def run(bench: Bench) -> None:
    """Run the page's example with this store."""
    assert 1 == EXAMPLE.count(URL)
    exec(compile(EXAMPLE.replace(URL, bench.url), "store-api.md", "exec"), {})  # noqa: S102 - the page's own words


def test_the_example_runs(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """On each kind of database."""
    names = ["test_login times out", *map(str, range(5))]
    for name in names:
        bench.apply(sighting(name, pattern_type="timeout", context_tags=["ci"], suggested_action="raise the limit"))
    key = pattern_id("timeout", "test_login times out")
    bench.apply(application(key, execution_id="run-17"))
    run(bench)

    lines = capsys.readouterr().out.splitlines()
    assert "0.500 0: raise the limit" in lines
    assert ["1 more", "2026-06-01 12:00:00+00:00 run-17 True", "7 messages applied"] == lines[5:]


def test_the_example_says_what_went_wrong(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """It catches the errors that may be raised."""
    run(bench)
    bench.sql("DROP TABLE patterns" if bench.url.startswith("sqlite") else "DROP TABLE patterns CASCADE")
    run(bench)

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("never seen: No pattern is called")
    assert second.startswith("try again later: The store at ")


@pytest.mark.parametrize("record", [Pattern, RecordedApplication, Stats], ids=lambda record: record.__name__)
def test_every_field_is_described(record: type[Pattern | RecordedApplication | Stats]) -> None:
    """The table of a record has its fields and no other."""
    table = PAGE.split(f"\n| `{record.__name__}` | |\n", 1)[1].split("\n\n", 1)[0]
    described = [name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])]

    assert {each.name for each in fields(record)} == set(described)


def test_every_filter_is_described() -> None:
    """The page has each filter with its default."""
    filters = [str(each) for name, each in signature(store.Store.patterns).parameters.items() if name != "self"]
    written = [re.sub(r":.*?( = |$)", "=", each) for each in filters]

    assert f"patterns(*, {', '.join(written)})" in PAGE

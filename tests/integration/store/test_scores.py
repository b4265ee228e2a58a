"""One definition of the scores, in Python and in SQL, on each kind of database (spec section 6)."""

from collections.abc import Generator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, insert, make_url, select

from ostinato.times import to_micros
from store.database.engines import writer_engine
from store.database.tables import patterns
from store.rules.pattern import PatternState
from store.rules.scoring import EARLIEST, LATEST, Evidence, score
from store.writing.scoring_sql import scores_at
from tests.integration.store.bench import DAY, NOW, Bench, application, recalculation, sighting
from tests.samples.golden_scores import EXACT
from tests.servers.databases import Database

PROVEN = Evidence(16, 12, 3, recent=0.8, grounding=0.5, last_confirmed=NOW, variance=0.25)
COUNTS = st.one_of(st.integers(0, 6), st.integers(0, 10**12))
SHARES = st.one_of(st.sampled_from([0.0, 0.2, 0.4, 0.6, 0.8, 1.0]), st.floats(0, 1))
MOMENTS = st.datetimes(timezones=st.just(UTC)).map(to_micros)


def near_days(days: int, off: int) -> int:
    """This many days and microseconds."""
    return days * DAY + off


# Whole days and a microsecond before and behind, both ways, and up to all the time there is.
AGES = st.one_of(
    st.builds(near_days, st.integers(-400, 4_000), st.integers(-1, 1)),
    st.integers(EARLIEST - LATEST, LATEST - EARLIEST),
)


class Case(NamedTuple):
    """A pattern's evidence, and how long ago, in microseconds, it was confirmed."""

    evidence: Evidence
    age: int


CASES = st.builds(Case, st.builds(Evidence, COUNTS, COUNTS, COUNTS, SHARES, SHARES, st.just(0), SHARES), AGES)


def since(year: int, month: int, day: int, **age: float) -> tuple[int, list[Case]]:
    """A clock reading, and one case: evidence confirmed on a day at noon, that long before."""
    confirmed = datetime(year, month, day, 12, tzinfo=UTC)
    long = timedelta(**age)
    return to_micros(confirmed + long), [Case(PROVEN, long // timedelta(microseconds=1))]


@pytest.fixture(scope="module")
def engine(database: Database) -> Generator[Engine]:
    """An engine of an empty store."""
    url = database.new_store()
    engine = writer_engine(make_url(url))
    yield engine
    engine.dispose()
    database.drop(url)


def add(connection: Connection, evidence: list[Evidence]) -> None:
    """Rows with this evidence and nothing else of interest."""
    row = PatternState(
        id="", pattern_type="T", pattern_name="n", content_hash="", first_seen=0, last_seen=0, last_confirmed=0,
        trust_calculated_at=0, stamps={},
    )  # fmt: skip
    values = {name: getattr(row, name) for name in patterns.columns.keys()}  # noqa: SIM118 - names, not columns
    counts = {"successes": "led_to_success_count", "failures": "led_to_failure_count"}
    said = ({counts.get(name, name): value for name, value in asdict(each).items()} for each in evidence)
    connection.execute(insert(patterns), [{**values, **each, "id": f"{at:03}"} for at, each in enumerate(said)])


@given(now=MOMENTS, cases=st.lists(CASES, min_size=1, max_size=20))
@example(*since(2024, 2, 28, days=1))
@example(*since(2024, 2, 29, days=366))
@example(*since(2026, 3, 29, hours=23, minutes=59))
@example(*since(2026, 10, 25, hours=24))
@example(*since(2016, 6, 1, days=3652))
@example(*since(2026, 6, 1, microseconds=-1))
@example(*since(2026, 6, 1, days=-1, microseconds=-1))
@example(*since(1, 1, 1, days=3_000_000))
@example(NOW, [Case(replace(PROVEN, occurrence_count=10**12, successes=10**12, failures=10**12), 45 * DAY)])
@example(NOW, [Case(replace(PROVEN, grounding=5e-324), 0)])
def test_python_and_the_database_agree(engine: Engine, now: int, cases: list[Case]) -> None:
    """To 1e-12, for any evidence and clock reading (spec 6)."""
    confirmed = (min(LATEST, max(EARLIEST, now - case.age)) for case in cases)
    evidence = [replace(case.evidence, last_confirmed=at) for case, at in zip(cases, confirmed, strict=True)]
    with engine.begin() as connection:
        add(connection, evidence)
        at = scores_at(now)
        rows = connection.execute(select(at.effectiveness, at.priority).order_by(patterns.c.id)).all()
        connection.execute(patterns.delete())

    for each, row in zip(evidence, rows, strict=True):
        expected = score(each, now)
        assert pytest.approx(expected.effectiveness, rel=0, abs=EXACT) == row[0]
        assert pytest.approx(expected.priority, rel=0, abs=EXACT) == row[1]


def test_the_oldest_and_the_tiniest_can_be_recalculated(bench: Bench) -> None:
    """No valid value is an error in a database: the year 1, the least number above zero (spec 5.5, 6)."""
    bench.apply(*(old := [sighting(name, occurred_at="0001-01-01T00:00:00Z") for name in ("one", "two")]))
    bench.apply(*(application(old[0].pattern_id, occurred_at="0001-01-02T00:00:00Z") for _ in range(3)))
    bench.apply(*(application(old[1].pattern_id, grounding_confidence=5e-324) for _ in range(3)))

    assert bench.recalculate(recalculation())
    assert [] == bench.logged("pattern_scores_impossible")
    found = [bench.store.pattern(each.pattern_id).effectiveness_score for each in old]
    assert pytest.approx([0.0, 0.9625 * 0.7], rel=0, abs=EXACT) == found

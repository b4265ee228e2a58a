"""The numbers of a store that metrics show, on each kind of database."""

from store.events import Rejected
from store.reading.vitals import vitals
from store.rules.scoring import DAY
from tests.integration.store.bench import NOW, Bench, application, recalculation, sighting
from tests.integration.store.plans import sqlite_plans


def test_they_are_the_stores(bench: Bench) -> None:
    """Empty at first; then what waits and since when, what is new in the quarantine, and the last recalculation."""
    with bench.reading() as connection:
        found = vitals(connection)
    assert (0, None, {}, None) == (found.parked, found.parked_since, found.quarantined, found.recalculated)
    bench.apply(sighting(), application("aaaa"))
    bench.apply(application("bbbb"), now=NOW + DAY)
    bench.apply(*(Rejected(raw=b"%d" % number, reason_code="not_json", reason_detail="no") for number in range(3)))
    bench.sql("UPDATE quarantine SET state = 'discarded' WHERE raw = :raw", raw=b"0")
    bench.recalculate(recalculation(), now=NOW + 1)
    with bench.reading() as connection:
        found = vitals(connection)
    assert (2, NOW, {"not_json": 2}, NOW + 1) == (
        found.parked,
        found.parked_since,
        found.quarantined,
        found.recalculated,
    )
    assert {"applied": 2, "duplicates": 0, "merges": 0} == found.counters


def test_no_large_row_is_read_for_them(bench: Bench) -> None:
    """Rows of these tables may be megabytes each, and their number grows: indexes answer everything."""
    with bench.reading() as connection, sqlite_plans(bench.url) as plans:
        vitals(connection)

    of_large = [each for each in plans if "parked" in each or "quarantine" in each]
    if bench.url.startswith("sqlite"):
        assert 2 == len(of_large)
    assert all("COVERING INDEX" in each for each in of_large)

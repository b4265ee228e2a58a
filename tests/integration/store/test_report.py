"""The facts of a report, and the glance of `ostinato top`, on each kind of database."""

from datetime import UTC, datetime
from threading import Event, Thread

from ostinato.identity import pattern_id
from ostinato.times import to_micros
from store.events import Rejected
from store.reading.ranking import Filters
from store.reading.vitals import glance
from tests.integration.store.bench import NOW, Bench, application, sighting
from worker.cli.report.facts import facts
from worker.cli.report.page import page

KEY = pattern_id("T", "n")
EDGES = [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)]


def test_the_numbers_of_a_report_agree_while_a_worker_writes(bench: Bench) -> None:
    """Each transaction adds a pattern and an application of it, so there are as many applications as patterns."""
    enough = Event()

    def write() -> None:
        number = 0
        while not enough.is_set():
            number += 1
            bench.apply(sighting(f"n{number}"), application(pattern_id("T", f"n{number}")))

    writing = Thread(target=write)
    writing.start()
    try:
        found = [facts(bench.url, limit=10_000, now=NOW) for _ in range(8)]
    finally:
        enough.set()
        writing.join()
    for each in found:
        tried = sum(span.successes for span in each.outcomes)
        assert {each.stats.applications} == {tried, sum(each.shares), len(each.ranking), len(each.trajectories)}
    assert found[0].stats.applications < found[-1].stats.applications


def test_a_content_that_is_not_json_spoils_no_report(bench: Bench) -> None:
    """Its sighting is undated, and so is one whose name is not a text; the others have their times."""
    told = [sighting(name, -number) for number, name in enumerate(("n", "N", " n", "n ", "  n"))]
    bench.apply(*told)
    for event, content in zip(told, ("{no json", "[1]", '{"pattern_type": "T", "pattern_name": 7}'), strict=False):
        bench.sql("UPDATE inbox SET content = :content WHERE message_id = :id", content=content, id=event.id)
    bench.apply(Rejected(raw=b"\xff{", reason_code="not_json", reason_detail="\\xff{"))
    with bench.reading() as connection:
        assert ["\\xff{"] == [each.detail for each in glance(connection, Filters(), limit=1, refusals=1).refusals]
    found = facts(bench.url, limit=10, now=NOW)
    assert ["not_json"] == [each.reason_code for each in found.refused]
    assert 3 == found.trajectories[KEY].undated
    assert "Of 3 sightings and applications below the time is no longer known" in " ".join(page(found).split())


def test_a_report_from_the_earliest_to_the_latest_time(bench: Bench) -> None:
    """Events of the years 1 and 9999, and a clock at the latest possible time, make a page."""
    for moment in EDGES:
        bench.apply(sighting("n", occurred_at=moment), application(KEY, occurred_at=moment))
        for clock in (NOW, to_micros(EDGES[0])):
            found = facts(bench.url, limit=10, now=clock)
            assert found.stats.applications == sum(each.successes for each in found.outcomes)
            assert page(found).endswith("</html>")

"""Several questions about one moment, on each kind of database."""

from datetime import UTC, datetime
from threading import Event, Thread

from ostinato.identity import pattern_id
from ostinato.times import to_micros
from store.events import Rejected
from store.reading.glance import Watched
from store.reading.moment import Moment
from store.reading.overview import Overview
from store.reading.ranking import Filters
from store.reading.trajectories import Past
from tests.integration.store.bench import NOW, Bench, application, ids, sighting
from worker.cli.report.facts import facts
from worker.cli.report.page import page

KEY = pattern_id("T", "n")
EDGES = [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)]


class Whole(Moment, Past, Overview):
    """A store with all that can be asked about the same moment."""


def test_every_answer_is_of_the_moment_of_the_first(bench: Bench) -> None:
    """Whatever is written in between, which nobody holds up; whoever asks anew sees it."""
    bench.apply(sighting("n"))
    with Whole(bench.url) as whole:
        before = whole.stats()
        bench.apply(sighting("other"), application(KEY), application("unknown"))
        assert before == whole.stats()
        assert [KEY] == ids(whole.patterns())
        assert [] == whole.outcomes(upto=NOW)
        assert [] == whole.waiting()
    with Whole(bench.url) as whole:
        assert (2, 1) == (len(whole.patterns()), len(whole.waiting()))


def test_once_closed_it_may_be_asked_again(bench: Bench) -> None:
    """About another moment."""
    whole = Whole(bench.url)
    assert [] == whole.patterns()
    whole.close()
    bench.apply(sighting("n"))
    assert [KEY] == ids(whole.patterns())
    whole.close()


def test_the_numbers_of_a_report_agree_while_a_worker_writes(bench: Bench) -> None:
    """Each transaction has a new pattern and an application of it: there are as many of one as of the other."""
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
        assert {each.stats.applications} == {tried, sum(each.shares), len(each.ranking), len(each.courses)}
    assert found[0].stats.applications < found[-1].stats.applications


def test_a_text_that_is_no_json_costs_no_look(bench: Bench) -> None:
    """Its sighting has no time any more, and neither has one whose name is no text; the others have theirs."""
    told = [sighting(name, -number) for number, name in enumerate(("n", "N", " n", "n ", "  n"))]
    bench.apply(*told)
    for event, content in zip(told, ("{no json", "[1]", '{"pattern_type": "T", "pattern_name": 7}'), strict=False):
        bench.sql("UPDATE inbox SET content = :content WHERE message_id = :id", content=content, id=event.id)
    bench.apply(Rejected(raw=b"\xff{", reason_code="not_json", reason_detail="\\xff{"))
    with Watched(bench.url) as watched:
        assert ["\\xff{"] == [each.detail for each in watched.glance(Filters(), limit=1, refusals=1).refusals]
    found = facts(bench.url, limit=10, now=NOW)
    assert ["not_json"] == [each.reason_code for each in found.refused]
    assert 3 == found.courses[KEY].undated
    assert "Of 3 sightings and applications below the time is no longer known" in " ".join(page(found).split())


def test_a_report_from_the_beginning_to_the_end_of_all_time(bench: Bench) -> None:
    """Events of the years 1 and 9999, and a clock at the end of all time, make a page."""
    for moment in EDGES:
        bench.apply(sighting("n", occurred_at=moment), application(KEY, occurred_at=moment))
        for clock in (NOW, to_micros(EDGES[0])):
            found = facts(bench.url, limit=10, now=clock)
            assert found.stats.applications == sum(each.successes for each in found.outcomes)
            assert page(found).endswith("</html>")

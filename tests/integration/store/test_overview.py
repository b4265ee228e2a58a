"""The store as a whole, and the glance at it, on each kind of database."""

from datetime import timedelta
from itertools import pairwise

from ostinato.identity import pattern_id
from ostinato.times import from_micros
from store.events import Rejected
from store.reading.overview import SHARES, Refused, Waiting, outcomes, priorities, refused, waiting
from store.reading.ranking import Filters
from store.reading.vitals import Arrival, glance
from store.rules.scoring import DAY
from tests.integration.store.bench import NOW, TODAY, Bench, application, ids, recalculation, sighting

EDGES = (0.0, 0.0499, 0.05, 0.15, 0.3, 0.55, 0.9499999, 0.95, 1.0)


def test_priorities_are_counted_once_each(bench: Bench) -> None:
    """Also a priority at the edge of two parts; deleted patterns are not counted."""
    bench.apply(*(sighting(f"{edge}") for edge in EDGES), sighting("deleted"))
    for edge in EDGES:
        bench.sql("UPDATE patterns SET priority_score = :edge WHERE pattern_name = :name", edge=edge, name=f"{edge}")
    bench.sql("UPDATE patterns SET active = :no WHERE pattern_name = 'deleted'", no=False)
    expected = [0] * SHARES
    for edge in EDGES:
        expected[min(int(edge * SHARES + 1e-9), SHARES - 1)] += 1
    with bench.reading() as connection:
        assert expected == priorities(connection)


def test_outcomes_in_spans_of_time(bench: Bench) -> None:
    """Each application counts once, also the first, the last and one of tomorrow."""
    key = pattern_id("T", "n")
    with bench.reading() as connection:
        assert [] == outcomes(connection, upto=NOW)
    bench.apply(sighting("n", -100))
    bench.apply(*(application(key, "SF"[day % 2], -day) for day in range(41)), application(key, "S", 1))
    with bench.reading() as connection:
        spans = outcomes(connection, upto=NOW, spans=10)
    assert (22, 20) == (sum(each.successes for each in spans), sum(each.failures for each in spans))
    assert [5, *[4] * 8, 5] == [each.successes + each.failures for each in spans]
    assert (TODAY - timedelta(days=40), 10) == (spans[0].begin, len(spans))
    assert all(one.end == other.begin for one, other in pairwise(spans))


def test_what_waits_and_what_was_refused(bench: Bench) -> None:
    """The largest number first."""
    bench.apply(*(application("aaaa", "S", -day) for day in (2, 5)), application("bbbb", "S", -1))
    bench.apply(*(Rejected(raw=b"%d" % number, reason_code="not_json", reason_detail="no") for number in range(3)))
    bench.apply(Rejected(raw=b"x", reason_code="unknown_kind", reason_detail="no"), now=NOW + DAY)
    with bench.reading() as connection:
        assert [Waiting(pattern_id="aaaa", messages=2, since=TODAY - timedelta(days=5))] == waiting(connection, 1)
        assert ["aaaa", "bbbb"] == [each.pattern_id for each in waiting(connection)]
        assert [
            Refused(reason_code="not_json", messages=3, latest=TODAY),
            Refused(reason_code="unknown_kind", messages=1, latest=TODAY + timedelta(days=1)),
        ] == refused(connection)


def test_a_glance_agrees_with_the_longer_questions(bench: Bench) -> None:
    """With the ranking and with the store in numbers."""
    with bench.reading() as connection:
        empty = glance(connection, Filters(), limit=5, refusals=3)
    assert (None, None, (), ()) == (empty.last, empty.last_recalculation, empty.ranking, empty.refusals)
    bench.apply(*(sighting(f"{number}", -number) for number in range(8)), application("aaaa"))
    bench.apply(sighting("late", -2), now=NOW + DAY)
    bench.recalculate(recalculation(), now=NOW + 2 * DAY)
    for number in range(5):
        rejected = Rejected(raw=b"%d" % number, reason_code="not_json", reason_detail="x" * 2_000)
        bench.apply(rejected, now=NOW + number)
    with bench.reading() as connection:
        found, stats = glance(connection, Filters(), limit=5, refusals=3), bench.store.stats()
    assert ids(bench.store.patterns(limit=5)) == ids(found.ranking)
    assert (stats.patterns, stats.applied, stats.parked, stats.quarantined, stats.duplicates) == (
        *(found.patterns, found.applied, found.parked, found.quarantined, found.duplicates),
    )
    assert stats.last_recalculation == found.last_recalculation
    assert Arrival(occurred_at=TODAY - timedelta(days=2), applied_at=from_micros(NOW + DAY)) == found.last
    assert [NOW + 4, NOW + 3, NOW + 2] == [
        (each.received_at - from_micros(NOW)).microseconds + NOW for each in found.refusals
    ]
    assert {500} == {len(each.detail) for each in found.refusals}

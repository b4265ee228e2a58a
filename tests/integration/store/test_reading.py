"""Asking the store which patterns deserve attention, and for its numbers (spec section 8)."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ostinato.identity import pattern_id
from store.database.tables import aliases
from store.errors import AmbiguousPrefix, NotFound
from tests.integration.store.bench import (
    DAY,
    NOW,
    TODAY,
    Bench,
    application,
    ids,
    recalculation,
    rescore,
    sighting,
    soft_delete,
)


def named(bench: Bench, **filters: Any) -> list[str]:  # noqa: ANN401 - any filter
    """The names of the patterns that pass, in order."""
    return [each.pattern_name for each in bench.store.patterns(**filters)]


def ranked(bench: Bench, *names: str, **values: float) -> None:
    """Patterns whose rows have these values, whatever the rules say."""
    bench.apply(*(sighting(name) for name in names))
    for column, value in values.items():
        for name in names:
            bench.sql(f"UPDATE patterns SET {column} = :value WHERE pattern_name = :name", value=value, name=name)  # noqa: S608 - names of ours


def test_patterns_come_by_priority_then_last_seen_then_id(bench: Bench) -> None:
    """The order is always the same (spec 8)."""
    ranked(bench, "low", priority_score=0.2)
    ranked(bench, "high", priority_score=0.9)
    ranked(bench, "old", priority_score=0.5, last_seen=NOW - DAY)
    tied = sorted(["one", "two", "three"], key=lambda name: pattern_id("T", name))
    ranked(bench, *tied, priority_score=0.5)

    assert ["high", *tied, "old", "low"] == named(bench)


def test_the_least_priority_is_included(bench: Bench) -> None:
    """It is 0.01 by default (spec 8)."""
    ranked(bench, "exact", priority_score=0.01)
    ranked(bench, "below", priority_score=0.0099)
    ranked(bench, "above", priority_score=0.6)

    assert ["above", "exact"] == named(bench)
    assert ["above", "exact", "below"] == named(bench, min_priority=0)
    assert ["above"] == named(bench, min_priority=0.6)
    assert [] == named(bench, min_priority=0.61)


def test_twenty_patterns_unless_asked_for_more(bench: Bench) -> None:
    """The limit is 20 by default (spec 8)."""
    bench.apply(*(sighting(f"pattern {number}") for number in range(25)))

    assert [20, 25, 3, 0] == [len(bench.store.patterns())] + [len(named(bench, limit=limit)) for limit in (99, 3, 0)]


def test_patterns_of_one_type(bench: Bench) -> None:
    """The type is compared exactly (spec 8)."""
    bench.apply(sighting("one"), sighting("two", pattern_type="U"), sighting("three", pattern_type="u"))

    assert ["two"] == named(bench, pattern_type="U")
    assert [] == named(bench, pattern_type="")


def test_patterns_with_any_of_some_tags(bench: Bench) -> None:
    """Whole tags are compared, and each pattern comes once (spec 8)."""
    bench.apply(
        sighting("one", context_tags=["a", "b"]),
        sighting("two", context_tags=["b", "b", "%"]),
        sighting("three", context_tags=[]),
        sighting("four"),
        sighting("five", context_tags=["ab"]),
    )

    assert {"one", "two"} == set(named(bench, context_tags=["a", "b"]))
    assert ["one"] == named(bench, context_tags=("a", "a"))
    assert ["two"] == named(bench, context_tags={"%"})
    assert [] == named(bench, context_tags=["B"])
    assert 5 == len(named(bench, context_tags=[]))
    with pytest.raises(TypeError, match="give a list of tags"):
        named(bench, context_tags="ab")


def test_patterns_of_an_instrument(bench: Bench) -> None:
    """With patterns of no instrument, or without them (spec 8)."""
    bench.apply(sighting("mine", instrument_name="i"), sighting("universal"), sighting("theirs", instrument_name="j"))

    assert {"mine", "universal"} == set(named(bench, instrument_name="i"))
    assert ["mine"] == named(bench, instrument_name="i", include_universal=False)
    assert 3 == len(named(bench, include_universal=False))


def test_deleted_patterns_are_left_out_unless_asked_for(bench: Bench) -> None:
    """By their id they are found (spec 5.3, 8)."""
    bench.apply(sighting("here"), sighting("gone"), soft_delete(pattern_id("T", "gone")))

    assert ["here"] == named(bench)
    assert {"here", "gone"} == set(named(bench, include_inactive=True))
    assert not bench.store.pattern(pattern_id("T", "gone")).active


def test_patterns_by_quarantine_status_and_trust(bench: Bench) -> None:
    """Both bounds of trust are inclusive (spec 8)."""
    ranked(bench, "low", trust_score=0.1)
    ranked(bench, "middle", trust_score=0.4)
    ranked(bench, "high", trust_score=0.9)
    bench.sql("UPDATE patterns SET quarantine_status = 'validated' WHERE pattern_name = 'low'")

    assert ["low"] == named(bench, quarantine_status="validated")
    assert {"middle", "high"} == set(named(bench, quarantine_status="pending"))
    assert {"low", "middle"} == set(named(bench, max_trust=0.4))
    assert {"middle", "high"} == set(named(bench, min_trust=0.4))
    assert ["middle"] == named(bench, min_trust=0.2, max_trust=0.5)


@pytest.mark.parametrize("text", ["a\0", "\ud800"], ids=ascii)
def test_a_filter_that_no_database_can_hold_passes_nothing(bench: Bench, text: str) -> None:
    """Such a text may come from the command line; beside another tag it changes nothing (spec 8)."""
    bench.apply(sighting("one", context_tags=["a"]))

    assert [] == named(bench, pattern_type=text)
    assert [] == named(bench, instrument_name=text)
    assert [] == named(bench, quarantine_status=text)
    assert [] == named(bench, context_tags=[text])
    assert ["one"] == named(bench, context_tags=[text, "a"])


def test_a_limit_is_any_number_from_zero(bench: Bench) -> None:
    """Even larger than the numbers of every database; a negative one is refused before the database is asked."""
    bench.apply(sighting("n"), application(key := pattern_id("T", "n")))

    assert (1, 1) == tuple(map(len, (bench.store.patterns(limit=10**30), bench.store.applications(key, limit=10**30))))
    with pytest.raises(ValueError, match="limit is -1"):
        bench.store.patterns(limit=-1)
    with pytest.raises(ValueError, match="limit is -1"):
        bench.store.applications(key, limit=-1)


def test_filters_narrow_each_other(bench: Bench) -> None:
    """A pattern has to pass all of them (spec 8)."""
    bench.apply(sighting("one", context_tags=["a"], instrument_name="i"), sighting("two", context_tags=["a"]))

    assert ["one"] == named(bench, context_tags=["a"], instrument_name="i", include_universal=False, pattern_type="T")
    assert [] == named(bench, context_tags=["a"], instrument_name="i", include_universal=False, min_trust=0.6)


def test_a_pattern_by_id_alias_or_prefix(bench: Bench) -> None:
    """A prefix is the first six or more digits of an id or an alias (spec 8)."""
    one, alias = pattern_id("T", "one thing"), pattern_id("T", "one-thing")
    bench.apply(sighting("one thing"), sighting("one-thing"))

    for name in (one, alias, one[:6], alias[:6], one[:15]):
        assert one == bench.store.pattern(name).id
    for name in (one[:5], "", "nothing", one + "0", "0" * 16):
        with pytest.raises(NotFound, match="No pattern is called"):
            bench.store.pattern(name)


def test_a_prefix_of_several_patterns_is_ambiguous(bench: Bench) -> None:
    """The error names the patterns; a whole id is never ambiguous (spec 8)."""
    bench.apply(sighting("one"), sighting("two"), sighting("three"))
    for name, key in (("one", "abcdef01"), ("two", "abcdef02"), ("three", "abcdef")):
        bench.sql("UPDATE patterns SET id = :key WHERE pattern_name = :name", key=key, name=name)

    with pytest.raises(AmbiguousPrefix, match="abcdef01, abcdef02"):
        bench.store.pattern("abcdef0")
    assert "three" == bench.store.pattern("abcdef").pattern_name
    assert "two" == bench.store.pattern("abcdef02").pattern_name


def test_an_id_and_its_own_alias_are_one_pattern(bench: Bench) -> None:
    """A prefix of both is not ambiguous (spec 3, alias; spec 8)."""
    bench.apply(sighting("one"))
    bench.sql("UPDATE patterns SET id = 'abcdef01'")
    bench.sql("INSERT INTO aliases (alias, pattern_id) VALUES ('abcdef02', 'abcdef01')")

    assert "one" == bench.store.pattern("abcdef0").pattern_name
    assert 1 == len(bench.rows(aliases))


@pytest.mark.parametrize(
    "name", ["ABCDEF0", "%%%%%%", "______", "%", "abcde%", "abcde_", "abc%01", "\\bcdef", "' OR 1=1 --"]
)
def test_a_prefix_is_taken_literally(bench: Bench, name: str) -> None:
    """Case matters, and characters that are special in LIKE stand for themselves (spec 8)."""
    bench.apply(sighting("one"))
    bench.sql("UPDATE patterns SET id = 'abcdef01'")

    with pytest.raises(NotFound):
        bench.store.pattern(name)


@pytest.mark.parametrize("name", ["\ud800" * 6, "abcdef\0", "x" * 10_000])
def test_a_name_that_no_database_can_hold_is_not_found(bench: Bench, name: str) -> None:
    """Such a name may come from the command line (spec 8)."""
    with pytest.raises(NotFound):
        bench.store.pattern(name)


def test_applications_come_newest_first(bench: Bench) -> None:
    """By event time, then message id; the pattern may be named by alias or prefix (spec 8)."""
    key, alias = pattern_id("T", "one thing"), pattern_id("T", "one-thing")
    bench.apply(sighting("one thing"), sighting("one-thing"), sighting("another"))
    old, new, tie = application(key, "F", -2), application(alias, "S", -1), application(key, "F", -1)
    bench.apply(tie, old, new, application(pattern_id("T", "another")))

    for name in (key, alias, key[:6]):
        assert [tie.id, new.id, old.id] == ids(bench.store.applications(name))
    assert [tie.id] == ids(bench.store.applications(key, limit=1))
    assert (key, False, TODAY - timedelta(days=1), TODAY) == (
        (first := bench.store.applications(key)[0]).pattern_id,
        first.pattern_led_to_success,
        first.occurred_at,
        first.applied_at,
    )
    with pytest.raises(NotFound):
        bench.store.applications("nothing")


def test_stats_of_an_empty_store_are_zero(bench: Bench) -> None:
    """An average and a time that do not exist are None (spec 8)."""
    found = asdict(bench.store.stats())

    assert (None, None) == (found.pop("average_effectiveness"), found.pop("last_recalculation"))
    assert {0} == set(found.values())


def test_stats_account_for_every_message(bench: Bench) -> None:
    """Each message that arrived is applied, parked, quarantined or discarded (spec 7, 8)."""
    one, other = pattern_id("T", "one thing"), pattern_id("T", "other")
    repeated = sighting("one thing")
    bench.apply(repeated, repeated, sighting("one-thing"), sighting("other"), sighting("third"), soft_delete(other))
    bench.apply(*(application(one, each) for each in "SSSF"), application("unknown"), rescore("unknown"))
    bench.apply(sighting("other", id=repeated.id))
    bench.recalculate(recalculation(), now=NOW + 5)

    found = asdict(bench.store.stats())
    average = found.pop("average_effectiveness")
    assert pytest.approx((bench.store.pattern(one).effectiveness_score + 0.55) / 2) == average
    assert {
        "received": 13,
        "applied": 11,
        "duplicates": 1,
        "parked": 1,
        "quarantined": 1,
        "discarded": 0,
        "replayed": 0,
        "merges": 1,
        "patterns": 3,
        "patterns_active": 2,
        "patterns_deleted": 1,
        "patterns_never_applied": 2,
        "sightings": 4,
        "applications": 4,
        "last_recalculation": TODAY + timedelta(microseconds=5),
    } == found


def test_times_are_aware_and_in_utc(bench: Bench) -> None:
    """Whatever their offset in the message (spec 6: times are stored in UTC)."""
    bench.apply(sighting(occurred_at="2026-01-31T23:30:00-02:00"))
    found = bench.store.patterns()[0].first_seen

    assert (datetime(2026, 2, 1, 1, 30, tzinfo=UTC), timedelta(0)) == (found, found.utcoffset())


def test_a_recalculation_that_was_never_asked_for_is_not_finished(bench: Bench) -> None:
    """Neither is one whose id no message can have (spec 5.5)."""
    assert not bench.store.recalculated("01900000-0000-7000-8000-000000000001")
    assert not bench.store.recalculated("x\0")

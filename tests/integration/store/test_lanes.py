"""Lanes beside each other on PostgreSQL: what waits for what, and that each of these waits is needed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import NullPool, create_engine, select, text

from ostinato.errors import ConfigurationError, StoreUnavailable
from ostinato.identity import slot_of
from store.database.engines import store_url
from store.database.tables import aliases, inbox, patterns
from store.events import Item, Rejected
from store.history.recorded import History, last_place
from store.writing.transaction import Writer
from tests.integration.store.bench import Bench, application, sighting
from tests.integration.store.lanes import (
    StoppingWriter,
    applied_in_lane,
    no_locks_of_contents,
    no_locks_of_what_is_found,
    no_locks_of_what_is_named,
    waiting,
    waits_for,
)
from tests.waiting import wait_until

ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
Plant = Callable[[pytest.MonkeyPatch], None]

# The first two have one content; no two share a slot, for which they would wait as well.
ONE, OTHER, APART = (sighting(name).pattern_id for name in ("one-two", "one two", "three"))
assert 3 == len({slot_of(each) for each in (ONE, OTHER, APART)})


def cut_what_is_under_way(url: str) -> None:
    """End the connections of the transactions that are not committed yet."""
    with create_engine(store_url(url), poolclass=NullPool).connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE state = 'idle in transaction' AND datname = current_database() AND pid != pg_backend_pid()"
            )
        )


def of(bench: Bench, column: str) -> list[object]:
    """A column of every pattern."""
    return [row[column] for row in bench.rows(patterns)]


@ON_POSTGRESQL
def test_messages_about_different_patterns_do_not_wait(bench: Bench) -> None:
    """One is committed while the other is not yet."""
    assert not waits_for(bench.url, [sighting("one-two")], [sighting("three")])
    assert [1, 1] == of(bench, "occurrence_count")
    assert (2, 0, 0, 0) == bench.ledger()


@ON_POSTGRESQL
def test_messages_about_known_patterns_do_not_wait_either(bench: Bench) -> None:
    """Also where both sight what they know."""
    bench.apply(sighting("one-two"), sighting("three"))
    assert not waits_for(bench.url, [sighting("one-two")], [application(APART), sighting("three")])


@ON_POSTGRESQL
def test_messages_about_one_pattern_wait(bench: Bench) -> None:
    """They are serial, whatever lanes they come from."""
    bench.apply(sighting("three"))
    assert waits_for(bench.url, [application(APART)], [application(APART)])
    assert [2] == of(bench, "led_to_success_count")


@ON_POSTGRESQL
def test_what_is_quarantined_does_not_wait(bench: Bench) -> None:
    """It is about no pattern."""
    assert not waits_for(bench.url, [sighting("three")], [Rejected(raw=b"x", reason_code="r", reason_detail="d")])
    assert 1 == bench.store.stats().quarantined


@ON_POSTGRESQL
def test_two_lanes_with_one_message_apply_it_once(bench: Bench) -> None:
    """Whichever comes second waits, and finds it in the inbox."""
    same = application(APART)
    bench.apply(sighting("three"))
    assert waits_for(bench.url, [same], [same])
    assert (2, 0, 0, 1) == bench.ledger()


@ON_POSTGRESQL
def test_two_lanes_with_one_id_and_two_patterns_apply_one(bench: Bench) -> None:
    """No lock of ours stands between them: the inbox does, and the second is quarantined."""
    first = sighting("three")
    assert waits_for(bench.url, [first], [sighting("one-two", id=first.id)])
    assert (1, 0, 1, 0) == bench.ledger()
    assert [APART] == of(bench, "id")


def one_content_at_once(bench: Bench) -> tuple[list[Item], list[Item]]:
    """Two new ids with one content."""
    assert [] == bench.rows(patterns)
    return [sighting("one-two")], [sighting("one two")]


def alias_and_pattern_at_once(bench: Bench) -> tuple[list[Item], list[Item]]:
    """A pattern by its own id and by an alias."""
    bench.apply(sighting("one-two"), sighting("one two"))
    return [application(ONE)], [application(OTHER)]


def merge_into_one_that_changes(bench: Bench) -> tuple[list[Item], list[Item]]:
    """A pattern, and a new id with its content."""
    bench.apply(sighting("one-two"))
    return [sighting("one-two")], [sighting("one two")]


def content_that_a_known_pattern_comes_to_have(bench: Bench) -> tuple[list[Item], list[Item]]:
    """A pattern's description changes, and a new id has the new content."""
    bench.apply(sighting("one-two"))
    return [sighting("one-two", description="d")], [sighting("one two", description="d")]


def content_that_a_known_pattern_no_longer_has(bench: Bench) -> tuple[list[Item], list[Item]]:
    """A pattern's description changes, and a new id has the old content."""
    bench.apply(sighting("one-two"))
    return [sighting("one-two", description="d")], [sighting("one two")]


def parked_and_adopted(bench: Bench) -> tuple[list[Item], list[Item]]:
    """An application of what is to become an alias, and the sighting that makes it one."""
    bench.apply(sighting("one-two"))
    return [application(OTHER)], [sighting("one two")]


Case = Callable[[Bench], tuple[list[Item], list[Item]]]
CASES: dict[Case, tuple[list[int], int, int]] = {
    one_content_at_once: ([2], 1, 0),
    alias_and_pattern_at_once: ([2], 1, 2),
    merge_into_one_that_changes: ([3], 1, 0),
    content_that_a_known_pattern_comes_to_have: ([3], 1, 0),
    content_that_a_known_pattern_no_longer_has: ([1, 2], 0, 0),
    parked_and_adopted: ([2], 1, 1),
}
"""What each ends with: sightings of the patterns, aliases, successes that were counted."""


def outcome(bench: Bench, case: Case) -> tuple[bool, tuple[list[int], int, int]]:
    """Whether the second waited for the first, and what both end with."""
    waited = waits_for(bench.url, *case(bench))
    found = bench.rows(patterns)
    counts = sorted(int(row["occurrence_count"]) for row in found)
    return waited, (counts, len(bench.rows(aliases)), sum(int(row["led_to_success_count"]) for row in found))


@ON_POSTGRESQL
@pytest.mark.parametrize("case", CASES, ids=lambda each: each.__name__)
def test_what_meets_across_lanes_waits(bench: Bench, case: Case) -> None:
    """And ends as if one had come after the other."""
    assert (True, CASES[case]) == outcome(bench, case)
    assert bench.store.stats().balanced


PLANTED: tuple[tuple[Plant, Case], ...] = (
    (no_locks_of_contents, one_content_at_once),
    (no_locks_of_contents, content_that_a_known_pattern_comes_to_have),
    (no_locks_of_what_is_found, alias_and_pattern_at_once),
    (no_locks_of_what_is_found, merge_into_one_that_changes),
    (no_locks_of_what_is_named, parked_and_adopted),
)


@ON_POSTGRESQL
@pytest.mark.parametrize(("plant", "case"), PLANTED, ids=lambda each: each.__name__)
def test_each_of_these_locks_is_needed(bench: Bench, plant: Plant, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it no lane waits before it is too late, and the end is another."""
    plant(monkeypatch)
    assert (True, CASES[case]) != outcome(bench, case)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_lanes_need_postgresql(bench: Bench) -> None:
    """It is said at once, with what to do."""
    with pytest.raises(ConfigurationError, match="set OSTINATO_STORE_URL"):
        Writer(bench.url, lane=1)


def extent(history: History) -> tuple[int, int]:
    """How many messages there are up to which place."""
    return history.extent().messages, history.extent().last


def seen(history: History) -> tuple[int, int]:
    """The same, of a snapshot."""
    with history.snapshot() as connection:
        return len(connection.execute(select(inbox.c.seq)).all()), last_place(connection)


@ON_POSTGRESQL
def test_who_finds_more_each_time_is_applied_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lane does not begin again for ever: at last it has the whole store."""
    monkeypatch.setattr("store.writing.applying._TRIES", 1)
    bench.apply(sighting("one-two"))
    # It names another pattern than the one that the first lane holds, and finds that it means that one.
    assert waits_for(bench.url, [application(ONE)], [sighting("one two")])
    assert [2] == of(bench, "occurrence_count")
    assert 1 == bench.store.stats().merges


@ON_POSTGRESQL
def test_a_lane_whose_connection_is_cut_has_done_nothing(bench: Bench) -> None:
    """It is told so, as one that is alone in the store is; it may try again, and that counts once."""
    with closing(StoppingWriter(bench.url, 1)) as lane, ThreadPoolExecutor(1) as pool:
        lane.open()
        begun = pool.submit(applied_in_lane, lane, [event := sighting()])
        wait_until(lane.before_commit.is_set, why="it is about to be committed")
        cut_what_is_under_way(bench.url)
        lane.go_on.set()
        with pytest.raises(StoreUnavailable):
            begun.result()
        assert (0, 0, 0, 0) == bench.ledger()
        applied_in_lane(lane, [event])
    assert (1, 0, 0, 0) == bench.ledger()


@ON_POSTGRESQL
@pytest.mark.parametrize("look", [extent, seen])
def test_the_history_ends_where_nothing_is_under_way(bench: Bench, look: Callable[[History], tuple[int, int]]) -> None:
    """A place that is given out already, and not committed, would be skipped by a reader up to a later one."""
    one, other = StoppingWriter(bench.url, 0), Writer(bench.url, 1)
    with closing(one), closing(other), History(bench.url) as history, ThreadPoolExecutor(2) as pool:
        other.open()
        try:
            begun = pool.submit(applied_in_lane, one, [sighting("one-two")])
            wait_until(one.before_commit.is_set, why="the first is about to be committed")
            applied_in_lane(other, [sighting("three")])
            looked = pool.submit(look, history)
            wait_until(lambda: looked.done() or waiting(bench.url), why="the answer is there, or waits")
            assert not looked.done()
        finally:
            one.go_on.set()
        begun.result()
        assert (2, 2) == looked.result()
        assert [2] == [len(page) for page in history.pages(upto=2)]

"""The history, and the store rebuilt from it (spec section 7: what was applied decides everything)."""

from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ostinato.errors import ConfigurationError
from ostinato.identity import pattern_id
from store.database.tables import inbox, recalculations
from store.errors import HistoryPruned
from store.history.comparison import MISSING, PRESENT, Difference, differences
from store.history.pruning import PRUNED_BYTES_AT_ONCE, Prunable, prunable, prune_contents
from store.history.rebuilding import require_empty, require_whole, settle
from store.history.recorded import PAGE, extent, last_place, pages, snapshot
from store.reading.reader import Reader
from store.writing.transaction import Writer
from tests.integration.store.bench import (
    DAY,
    NOW,
    Bench,
    application,
    recalculation,
    rescore,
    sighting,
    soft_delete,
)
from worker.recovery.rebuilding import apply_history

LATER = NOW + 10 * DAY
A, B, C = (pattern_id("T", name) for name in "abc")


@pytest.fixture
def history(bench: Bench) -> Generator[Reader]:
    """Reads the history of the store on the bench."""
    with Reader(bench.url) as reader:
        yield reader


@contextmanager
def rebuilt(history: Reader, folder: Path) -> Generator[Writer]:
    """The writer of a new store to which the whole history was applied."""
    with closing(Writer(f"sqlite:///{folder}/rebuilt.db")) as writer:
        for _ in apply_history(history, writer, after=0, upto=extent(history).last):
            pass
        yield writer


def compared(history: Reader, writer: Writer) -> list[Difference]:
    """The differences between a store and the one rebuilt from its history."""
    with snapshot(history) as live, writer.transaction(lambda: LATER) as transaction:
        settle(transaction)
        return list(differences(live, transaction.connection, LATER))


def everything(bench: Bench) -> None:
    """One message of each effect, at different clocks, some of them parked, merged, deleted or repeated."""
    early = application(A, "S", day=-3)
    bench.apply(early, soft_delete(B, day=-9), application("unknown", "F"), now=NOW)
    bench.apply(sighting("a", day=-5, context_tags=["x", "y"], description="d"), now=NOW + 1)
    bench.apply(sighting("b", day=-4, fingerprint="f"), sighting("A.", day=-2, description="d"), now=NOW + 2)
    bench.apply(early, application(pattern_id("T", "A."), "F", day=-1, grounding_confidence=0.4), now=NOW + DAY)
    bench.recalculate(recalculation(), now=NOW + 2 * DAY)
    bench.apply(soft_delete(A), rescore(B), sighting("a", day=-6, suggested_action="s"), now=NOW + 3 * DAY)


def test_a_rebuilt_store_equals_the_live_one(bench: Bench, history: Reader, tmp_path: Path) -> None:
    """In every row, the worker's clock included, though the rebuilding runs at another time."""
    everything(bench)
    with rebuilt(history, tmp_path) as writer:
        assert [] == compared(history, writer)


def test_a_recalculation_is_only_recorded_again(bench: Bench, history: Reader, tmp_path: Path) -> None:
    """With the time at which it was applied; its duplicates are duplicates in the new store, too."""
    everything(bench)
    with rebuilt(history, tmp_path) as writer, writer.transaction(lambda: LATER) as transaction:
        (row,) = transaction.connection.execute(recalculations.select()).mappings()
        assert (NOW + 2 * DAY, NOW + 2 * DAY) == (row["clock"], row["finished_at"])


def test_a_sighting_merges_again_into_the_same_pattern(bench: Bench, history: Reader, tmp_path: Path) -> None:
    """Though the other of two possible patterns has the higher priority at the time of the rebuilding."""
    bench.apply(sighting("a", description="one"), sighting("b", description="two"))
    bench.apply(*(application(A) for _ in range(3)), now=NOW)
    # Both come to share one hash by a description and a fingerprint of their own.
    bench.apply(sighting("a", day=1, fingerprint="same"), sighting("b", day=1, fingerprint="same"))
    bench.sql("UPDATE patterns SET priority_score = CASE id WHEN :b THEN 0.9 ELSE 0.1 END", b=B)
    bench.apply(sighting("c", fingerprint="same"))
    assert B == bench.store.pattern(C).id
    with rebuilt(history, tmp_path) as writer:
        assert [] == compared(history, writer)


def test_a_difference_is_named(bench: Bench, history: Reader, tmp_path: Path) -> None:
    """By table, row and column, with both values; a missing row is one difference."""
    everything(bench)
    bench.sql("UPDATE patterns SET occurrence_count = 99 WHERE id = :a", a=A)
    bench.sql("DELETE FROM parked")
    bench.sql("UPDATE counters SET value = 0 WHERE name = 'merges'")
    bench.sql("INSERT INTO pattern_tags (pattern_id, tag) VALUES (:a, 'a stranger')", a=A)
    with rebuilt(history, tmp_path) as writer:
        found = compared(history, writer)
    assert Difference("patterns", A, "occurrence_count", 99, 3) in found
    assert [(MISSING, PRESENT)] == [(each.live, each.rebuilt) for each in found if each.table == "parked"]
    assert Difference("counters", "merges", "value", 0, 1) in found
    assert Difference("pattern_tags", f"{A} a stranger", None, PRESENT, MISSING) in found


def test_scores_are_compared_as_of_one_moment(bench: Bench, history: Reader, tmp_path: Path) -> None:
    """The stored scores do not matter; the values that they are computed from do."""
    everything(bench)
    bench.sql("UPDATE patterns SET priority_score = 0.123")
    with rebuilt(history, tmp_path) as writer:
        assert [] == compared(history, writer)
        bench.sql("UPDATE patterns SET variance = 0.5 WHERE id = :a", a=A)
        assert {"variance", "priority_score"} == {each.column for each in compared(history, writer)}


def test_the_history_is_read_in_pages_in_the_order_of_application(bench: Bench, history: Reader) -> None:
    """No page is too long; no message is missing or comes twice."""
    events = [sighting(f"n{number}") for number in range(PAGE + 3)]
    bench.apply(*events)
    found = list(pages(history, upto=extent(history).last))
    assert [PAGE, 3] == [len(page) for page in found]
    assert [each.id for each in events] == [each.message_id for page in found for each in page]
    assert [each.content for each in events] == [each.content for page in found for each in page]
    with snapshot(history) as connection:
        assert extent(history).last == last_place(connection)


def test_pruning_changes_no_score_and_keeps_every_id(bench: Bench, history: Reader) -> None:
    """Contents applied before the moment are dropped, and only these; duplicates are still known."""
    old, new = sighting("a", day=-2), application(A)
    bench.apply(old, now=NOW - 2 * DAY)
    bench.apply(new, now=NOW)
    before = bench.store.pattern(A)
    for chosen in prunable(history, NOW - DAY):
        prune_contents(bench.writer, lambda: NOW, chosen)
    assert [None, new.content] == [row["content"] for row in bench.rows(inbox)]
    assert (2, 1) == extent(history)[:2]
    bench.apply(old, new)
    bench.recalculate(now=NOW)
    assert (before, 2) == (bench.store.pattern(A), bench.store.stats().duplicates)
    assert [] == list(prunable(history, NOW - DAY))


def test_long_contents_are_pruned_a_few_at_a_time(bench: Bench, history: Reader) -> None:
    """So that no transaction takes long."""
    bench.apply(*(sighting(f"n{number}", description="é" * 10_000) for number in range(60)))
    lists = list(prunable(history, NOW + 1))
    assert 60 == sum(map(len, lists))
    assert all(sum(each.size for each in some[:-1]) < PRUNED_BYTES_AT_ONCE for some in lists)
    assert 2 == len(lists)
    assert all(isinstance(each, Prunable) and each.size > 20_000 for some in lists for each in some)


def test_no_store_is_rebuilt_from_a_pruned_history(bench: Bench, history: Reader, tmp_path: Path) -> None:
    """It is refused before a store is made, and also if it is pruned during the rebuilding."""
    bench.apply(sighting("a"))
    require_whole(extent(history).pruned)
    assert (1, 0) == extent(history)[:2]
    bench.sql("UPDATE inbox SET content = NULL")
    with pytest.raises(HistoryPruned, match="1 messages of the history were pruned"):
        require_whole(extent(history).pruned)
    with pytest.raises(HistoryPruned, match="was pruned: what it did cannot be done again"), rebuilt(history, tmp_path):
        pass


def test_only_an_empty_store_is_rebuilt_into(bench: Bench) -> None:
    """A store that is not empty is refused."""
    require_empty(bench.url)
    bench.apply(sighting("a"))
    with pytest.raises(ConfigurationError, match="is not empty"):
        require_empty(bench.url)

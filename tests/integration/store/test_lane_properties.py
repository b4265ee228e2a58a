"""What must always hold (spec section 7), also where lanes apply the same streams beside each other."""

import json
from collections.abc import Callable, Generator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.store import checks, observing
from tests.integration.store.bench import NOW
from tests.integration.store.lanes import LANES, Race, in_order, no_locks_of_contents, no_locks_of_what_is_found, racing
from tests.integration.store.streams import (
    CLOCKS,
    NAMED,
    QUICK,
    Delivery,
    dealt,
    identified,
    message_id,
    messy,
    repeated,
)
from tests.integration.store.trials import EXACT, Bound, Laboratory, Result
from tests.model.said import Member
from tests.model.serial import SerialModel

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
Queues = Sequence[Sequence[Delivery]]
QUIET: Queues = ((),) * LANES


@pytest.fixture(scope="module")
def race(laboratory: Laboratory) -> Generator[Race]:
    """Lanes at the laboratory's store."""
    with racing(laboratory.url) as race:
        yield race


@st.composite
def spread(draw: st.DrawFn, members: Sequence[Member], *, clocks: st.SearchStrategy[int] = CLOCKS) -> Queues:
    """The members' deliveries, each in any lane: wrong routing must cost nothing but time."""
    queues: list[list[Delivery]] = [[] for _ in range(LANES)]
    for delivery in draw(dealt(members, clocks=clocks)):
        queues[draw(st.integers(0, LANES - 1))].append(delivery)
    return queues


def rivals() -> Queues:
    """In each lane but one the first sighting of an id, all of one content, at the same moment."""
    said = {"kind": "record_pattern", "occurred_at": "2026-05-31T12:00:00Z", "pattern_type": "T"}
    names = [NAMED[place][1] for place in (0, 2, 3)]
    sent = [{**said, "id": str(message_id(-number)), "pattern_name": name} for number, name in enumerate(names, 1)]
    return [*([Delivery([each])] for each in sent), []]


def an_order_was_followed(laboratory: Laboratory, race: Race, bound: settings) -> None:
    """The serial model, given the messages in the order of the inbox, has what the store has, including merges."""

    @bound
    @given(messy().flatmap(spread), st.booleans())
    def check(spread_out: Queues, begun_by_rivals: bool) -> None:  # noqa: FBT001 - hypothesis gives it
        begin = rivals() if begun_by_rivals else QUIET
        queues = [[*first, *rest] for first, rest in zip(begin, spread_out, strict=True)]
        with laboratory.trial() as trial:
            race.run(queues)
            with trial.writer.transaction(lambda: NOW) as transaction:
                tables, scores = observing.tables(transaction.connection), observing.scores(transaction.connection)
                applied = in_order(transaction.connection)
            model = SerialModel()
            for content, clock in applied:
                model.deliver([json.loads(content)], now=clock, delivery="")
            assert trial.stats().balanced
        assert without_repetition(model.tables()) == without_repetition(tables)
        assert pytest.approx(model.scores(), rel=0, abs=EXACT) == scores

    check()


def test_there_is_an_order_that_lanes_have_followed(laboratory: Laboratory, race: Race, bound: Bound) -> None:
    """As if each transaction had been alone, one after the other."""
    an_order_was_followed(laboratory, race, bound(40))


@pytest.mark.parametrize("plant", [no_locks_of_contents, no_locks_of_what_is_found], ids=lambda each: each.__name__)
def test_a_lock_that_is_missing_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], laboratory: Laboratory, race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the same search."""
    plant(monkeypatch)
    with pytest.raises((AssertionError, BaseExceptionGroup)):
        an_order_was_followed(laboratory, race, settings(QUICK, max_examples=100))


def test_lanes_account_for_every_message(laboratory: Laboratory, race: Race, bound: Bound) -> None:
    """Each counts once, however often and in however many lanes it comes."""

    @bound(40)
    @given(identified().flatmap(lambda sent: st.tuples(st.just(sent), repeated(sent).flatmap(spread))))
    def check(stream: tuple[Sequence[dict[str, str]], Queues]) -> None:
        sent, queues = stream
        with laboratory.trial() as trial:
            race.run(queues)
            checks.assert_counted_once(sent, trial.tables())

    check()


def test_lanes_end_as_one_does(laboratory: Laboratory, race: Race, bound: Bound) -> None:
    """Where there are no content merges, rows and recalculated scores are those of one lane; else the totals are."""

    @bound(40)
    @given(
        (identified() | identified(checks.APART_SCENES)).flatmap(
            lambda sent: st.tuples(dealt(sent), repeated(sent).flatmap(spread))
        )
    )
    def check(streams: tuple[Sequence[Delivery], Queues]) -> None:
        deliveries, queues = streams
        serial = checks.result(laboratory, deliveries)
        with laboratory.trial() as trial:
            race.run(queues)
            beside = trial.result()
        if not serial.tables["counters"]["merges"] and not beside.tables["counters"]["merges"]:
            checks.assert_same(checks.without_arrival(serial), checks.without_arrival(beside))
        assert checks.totals(serial) == checks.totals(beside)

    check()


def without_repetition(tables: dict[str, object]) -> dict[str, object]:
    """The same without duplicates and reused ids, which the inbox does not have."""
    counters = Result(tables, {}).tables["counters"]
    return {**tables, "counters": {**counters, "duplicates": 0}, "quarantine": []}

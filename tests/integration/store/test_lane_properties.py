"""What must always hold (spec section 7), also where lanes apply the same streams beside each other."""

import json
from collections.abc import Generator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.store import checks, observing
from tests.integration.store.bench import NOW
from tests.integration.store.lanes import LANES, Race, in_order, racing
from tests.integration.store.streams import BOUNDED, CLOCKS, Delivery, dealt, identified, messy, repeated
from tests.integration.store.trials import EXACT, Laboratory, Result
from tests.model.said import Member
from tests.model.serial import SerialModel

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
EXAMPLES = settings(BOUNDED, max_examples=40)
Queues = Sequence[Sequence[Delivery]]


@pytest.fixture(scope="module")
def race(laboratory: Laboratory) -> Generator[Race]:
    """Lanes at the laboratory's store."""
    with racing(laboratory.url) as race:
        yield race


@st.composite
def spread(draw: st.DrawFn, members: Sequence[Member], *, clocks: st.SearchStrategy[int] = CLOCKS) -> Queues:
    """The members' deliveries, each in any lane: what routing gets wrong must cost nothing but time."""
    queues: list[list[Delivery]] = [[] for _ in range(LANES)]
    for delivery in draw(dealt(members, clocks=clocks)):
        queues[draw(st.integers(0, LANES - 1))].append(delivery)
    return queues


def test_there_is_an_order_that_lanes_have_followed(laboratory: Laboratory, race: Race) -> None:
    """The serial model, given what the inbox has in the order it has it, says what the store holds, merges and all."""

    @EXAMPLES
    @given(messy().flatmap(spread))
    def check(queues: Queues) -> None:
        with laboratory.trial() as trial:
            race.run(queues)
            with trial.writer.transaction(lambda: NOW) as transaction:
                tables, scores = observing.tables(transaction.connection), observing.scores(transaction.connection)
                applied = in_order(transaction.connection)
            model = SerialModel()
            for content, clock in applied:
                model.deliver([json.loads(content)], now=clock, delivery="")
            assert trial.quarantine.stats().balanced
        assert without_repetition(model.tables()) == without_repetition(tables)
        assert pytest.approx(model.scores(), rel=0, abs=EXACT) == scores

    check()


def test_lanes_account_for_every_message(laboratory: Laboratory, race: Race) -> None:
    """Each counts once, however often and in however many lanes it comes."""

    @EXAMPLES
    @given(identified().flatmap(lambda sent: st.tuples(st.just(sent), repeated(sent).flatmap(spread))))
    def check(stream: tuple[Sequence[dict[str, str]], Queues]) -> None:
        sent, queues = stream
        with laboratory.trial() as trial:
            race.run(queues)
            checks.assert_counted_once(sent, trial.tables())

    check()


def test_lanes_end_as_one_does(laboratory: Laboratory, race: Race) -> None:
    """Where there are no content merges, rows and recalculated scores are those of one lane; else the totals are."""

    @EXAMPLES
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
    """The same without what came again, or with an id that was taken: the inbox has neither."""
    counters = Result(tables, {}).tables["counters"]
    return {**tables, "counters": {**counters, "duplicates": 0}, "quarantine": []}

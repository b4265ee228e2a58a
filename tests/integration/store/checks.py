"""What must always hold of a store (spec section 7), each as a search for a stream for which it does not."""

import json
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.times import to_micros
from tests.integration.store.bench import DAY, NOW
from tests.integration.store.streams import (
    APART_SCENES,
    BAD,
    Delivery,
    dealt,
    identified,
    messy,
    recalculation,
    repeated,
)
from tests.integration.store.trials import EXACT, Fault, Killed, Laboratory, Result, Trial, acknowledges_late
from tests.model.said import Bad, Member, Message
from worker.beat import slots

Check = Callable[[Laboratory, settings], None]
HOUR = DAY // 24
# A night in which clocks are moved in one of the zones.
NIGHTS = st.datetimes(datetime(2026, 10, 24), datetime(2026, 10, 26, 12), timezones=st.just(UTC))  # noqa: DTZ001 - st adds it
_ZONES = st.sampled_from(("UTC", "Europe/Berlin", "America/St_Johns"))
_AT_NOW = st.just(NOW)
_FAULTS = st.lists(st.none() | st.sampled_from(Fault), max_size=20)


def store_is_the_model(laboratory: Laboratory, bound: settings) -> None:
    """After any stream, and after a recalculation, the store holds what the serial model says."""

    @bound
    @given(messy().flatmap(dealt))
    def check(deliveries: Sequence[Delivery]) -> None:
        with laboratory.trial() as trial:
            trial.give(deliveries)
            trial.check()
            trial.give([recalculation()])
            trial.check()

    check()


def exactly_once(laboratory: Laboratory, bound: settings) -> None:
    """However often, in whatever order and through whatever crashes messages come, each counts once."""
    late = acknowledges_late()

    @bound
    @given(
        identified().flatmap(lambda sent: st.tuples(st.just(sent), repeated(sent).flatmap(dealt))),
        _FAULTS,
    )
    def check(stream: tuple[Sequence[Message], Sequence[Delivery]], faults: Sequence[Fault | None]) -> None:
        sent, deliveries = stream
        with laboratory.trial() as trial:
            for number, delivery in enumerate(deliveries):
                laboratory.writer.fault = faults[number] if number < len(faults) else None
                until_done(trial, delivery, str(number), late=late)
            assert_counted_once(sent, trial.tables())

    check()


def until_done(trial: Trial, delivery: Delivery, name: str, *, late: bool) -> None:
    """Hand a delivery to the store again after a kill, as a broker does that was not told "done" before."""
    try:
        trial.work(delivery, name)
    except Killed:
        trial.writer.close()
        if late:
            trial.work(delivery, name)


def assert_counted_once(sent: Sequence[Message], tables: dict[str, Any]) -> None:
    """Every message is where it belongs, and counted there once."""
    kinds = {message["id"]: message["kind"] for message in sent}
    applied = {key for key, kind in kinds.items() if kind == "record_pattern_application"} - set(tables["parked"])
    found = list(tables["patterns"].values())

    assert set(kinds) == set(tables["inbox"])
    assert len(kinds) == tables["counters"]["applied"] + len(tables["parked"])
    assert applied == set(tables["applications"])
    assert list(kinds.values()).count("record_pattern") == sum(row["occurrence_count"] for row in found)
    assert len(applied) == sum(row["led_to_success_count"] + row["led_to_failure_count"] for row in found)
    assert [] == tables["quarantine"]


def every_message_is_accounted_for(laboratory: Laboratory, bound: settings) -> None:
    """Whatever is sent once is counted once, however often it is delivered, and if it is one of several equal texts."""

    @bound
    @given(identified(), st.lists(BAD.filter(lambda bad: bad.message_id is None), max_size=4), st.data())
    def check(sent: Sequence[Message], bad: Sequence[Bad], data: st.DataObject) -> None:
        deliveries = data.draw(st.permutations([*sent, *bad]).flatmap(dealt))
        with laboratory.trial() as trial:
            for number, delivery in enumerate(deliveries):
                for _ in range(data.draw(st.integers(1, 2))):
                    trial.work(delivery, str(number))
            stats = trial.stats()
        assert (len(sent) + len(bad), len(bad)) == (stats.received, stats.quarantined)
        assert stats.balanced

    check()


def a_transaction_is_all_or_nothing(laboratory: Laboratory, bound: settings) -> None:
    """A worker that is killed before a commit leaves the store as it was."""

    @bound
    @given(messy(), messy())
    def check(before: Sequence[Member], lost: Sequence[Member]) -> None:
        with laboratory.trial() as trial:
            trial.work(Delivery(before, batch=True), "before")
            tables = trial.tables()
            laboratory.writer.fault = Fault.KILLED_BEFORE
            with pytest.raises(Killed):
                trial.work(Delivery(lost, batch=True), "lost")
            assert tables == trial.tables()

    check()


def order_is_free(laboratory: Laboratory, bound: settings) -> None:
    """Messages that make no content merge give the same rows and, recalculated, the same scores in every order."""

    @bound
    @given(
        identified(APART_SCENES).flatmap(
            lambda sent: st.tuples(dealt(sent, clocks=_AT_NOW), repeated(sent).flatmap(dealt))
        )
    )
    def check(streams: tuple[Sequence[Delivery], Sequence[Delivery]]) -> None:
        one, other = (result(laboratory, deliveries) for deliveries in streams)
        assert 0 == one.tables["counters"]["merges"]
        assert_same(without_arrival(one), without_arrival(other))

    check()


def late_is_as_good_as_on_time(laboratory: Laboratory, bound: settings) -> None:
    """A backlog that is drained days later, at once, gives what each message at its own time would have given."""

    @bound
    @given(identified(APART_SCENES), st.integers(0, 40), st.data())
    def check(sent: list[Message], days: int, data: st.DataObject) -> None:
        in_time = sorted(sent, key=moment)
        later = NOW + days * DAY
        backlog = data.draw(dealt(data.draw(repeated(sent)), clocks=st.just(later)))
        punctual = result(laboratory, [Delivery([each], moment(each)) for each in in_time], later)
        assert_same(without_arrival(punctual), without_arrival(result(laboratory, backlog, later)))

    check()


def merges_keep_the_totals(laboratory: Laboratory, bound: settings) -> None:
    """Whatever merges into what, sightings, successes and failures are as many in every order."""

    @bound
    @given(
        identified().flatmap(
            lambda sent: st.tuples(dealt(sent), st.permutations(sent).flatmap(dealt), repeated(sent).flatmap(dealt))
        )
    )
    def check(streams: tuple[Sequence[Delivery], ...]) -> None:
        first, *others = (totals(result(laboratory, deliveries)) for deliveries in streams)
        assert [first] * len(others) == others

    check()


def batches_are_as_good_as_single_messages(laboratory: Laboratory, bound: settings) -> None:
    """Any partition of a stream into batches gives equal rows."""

    @bound
    @given(messy().flatmap(lambda members: st.tuples(st.just(members), dealt(members, clocks=_AT_NOW))))
    def check(stream: tuple[Sequence[Member], Sequence[Delivery]]) -> None:
        members, partition = stream
        singly = result(laboratory, [Delivery([each]) for each in members])
        whole = result(laboratory, [Delivery(members, batch=True)])
        for other in (whole, result(laboratory, partition)):
            assert_same(without_deliveries(singly), without_deliveries(other))

    check()


def a_bad_message_costs_only_itself(laboratory: Laboratory, bound: settings) -> None:
    """A batch with a bad message has the effect of the batch without it, and the bad one is quarantined, whole."""

    @bound
    @given(identified(), BAD, st.data())
    def check(sent: list[Message], bad: Bad, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(sent)))
        good = result(laboratory, [Delivery(sent, batch=True)])
        mixed = result(laboratory, [Delivery([*sent[:at], bad, *sent[at:]], batch=True)])
        assert [(bad.text, bad.reason, bad.message_id, "new")] == mixed.tables["quarantine"]
        assert_same(good, Result({**mixed.tables, "quarantine": []}, mixed.scores))

    check()


def one_recalculation_for_each_slot(laboratory: Laboratory, bound: settings) -> None:
    """However many beats send the message of a slot, in whatever time zone each of them runs, it is applied once."""

    @bound
    @given(st.lists(st.tuples(NIGHTS, _ZONES), min_size=1, max_size=12), st.sampled_from((HOUR, DAY)))
    def check(beats: Sequence[tuple[datetime, str]], every: int) -> None:
        with laboratory.trial() as trial:
            for now, zone in beats:
                with time_zone(zone):
                    message = slots.slot_message(slots.SlotSchedule(every / 1e6, 3 * HOUR / 1e6).slot(now))
                trial.work(Delivery([json.loads(message.content())]), "slot")
            tables = trial.tables()
        begun = {(to_micros(now) - 3 * HOUR) // every for now, _ in beats}
        assert (len(begun), []) == (tables["counters"]["applied"], tables["quarantine"])

    check()


@contextmanager
def time_zone(name: str) -> Generator[None]:
    """The process's own time zone is this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", name)
        time.tzset()
        yield
    time.tzset()


def both_databases_agree(one: Laboratory, other: Laboratory, bound: settings) -> None:
    """Two stores end any stream with equal rows."""

    @bound
    @given(messy().flatmap(dealt))
    def check(deliveries: Sequence[Delivery]) -> None:
        assert_same(result(one, deliveries), result(other, deliveries))

    check()


def result(laboratory: Laboratory, deliveries: Sequence[Delivery], clock: int = NOW) -> Result:
    """What the store holds after these deliveries and a recalculation at this clock."""
    with laboratory.trial() as trial:
        for number, delivery in enumerate(deliveries):
            trial.work(delivery, str(number))
        return trial.result(clock)


def assert_same(expected: Result, actual: Result) -> None:
    """Equal rows, and equal scores as far as numbers can be."""
    assert expected.tables == actual.tables
    assert pytest.approx(expected.scores, rel=0, abs=EXACT) == actual.scores


def without_arrival(found: Result) -> Result:
    """The same without when, and how often, messages arrived."""
    inbox = {key: row[:2] for key, row in found.tables["inbox"].items()}
    rows = {key: {**row, "applied_at": 0} for key, row in found.tables["applications"].items()}
    counters = {**found.tables["counters"], "duplicates": 0}
    return Result({**found.tables, "inbox": inbox, "applications": rows, "counters": counters}, found.scores)


def without_deliveries(found: Result) -> Result:
    """The same, each refused text once: the quarantine keeps one for each delivery."""
    return Result({**found.tables, "quarantine": set(found.tables["quarantine"])}, found.scores)


def totals(found: Result) -> dict[str, int]:
    """How many sightings, successes and failures there are in all; and how many messages wait."""
    rows = found.tables["patterns"].values()
    names = ("occurrence_count", "led_to_success_count", "led_to_failure_count")
    return {**{name: sum(row[name] for row in rows) for name in names}, "parked": len(found.tables["parked"])}


def moment(message: Message) -> int:
    """A message's event time in microseconds."""
    return to_micros(datetime.fromisoformat(message["occurred_at"]))

"""The moments at which priorities are recalculated (spec sections 1 and 5.5): one message for each of them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from ostinato.errors import ConfigurationError
from ostinato.messages.models import RecalculateAllPatternPriorities
from ostinato.settings.environment import read_settings
from worker.beat.slots import SlotSchedule, slot_message
from worker.settings import Settings

DAY = 86_400
NIGHTLY = (DAY, 3 * 3600)
MOMENTS = st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - st adds it


def moment(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class AtNoon(SlotSchedule):
    """A schedule whose clock stands still, at noon."""

    @override
    def now(self) -> datetime:
        return moment("2026-06-01T12:00:00")


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        ("2026-03-29T02:59:59.999999", "2026-03-28T03:00:00"),
        ("2026-03-29T03:00:00", "2026-03-29T03:00:00"),
        ("2026-03-29T23:59:59", "2026-03-29T03:00:00"),
        ("2026-03-30T00:00:00", "2026-03-29T03:00:00"),
    ],
)
def test_a_slot_begins_at_its_time_of_day_in_utc(now: str, slot: str) -> None:
    """Also in the night in which clocks elsewhere are moved."""
    assert moment(slot) == SlotSchedule(*NIGHTLY).slot(moment(now))


@given(MOMENTS, st.integers(1, 366 * DAY), st.integers(0, DAY - 1))
def test_every_moment_falls_into_one_slot(now: datetime, every: int, offset: int) -> None:
    """A slot has begun, lasts as long as it should, and its beginning falls into itself."""
    schedule = SlotSchedule(every, offset)
    slot = schedule.slot(now)

    assert slot <= now < slot + timedelta(seconds=every)
    assert slot == schedule.slot(slot)
    assert slot + timedelta(seconds=every) == schedule.slot(slot + timedelta(seconds=every))


def test_the_zone_of_the_clock_does_not_move_a_slot() -> None:
    """A clock in another zone names the same moment."""
    now = moment("2026-06-01T12:34:56")
    elsewhere = now.astimezone(timezone(timedelta(hours=5, minutes=45)))

    assert SlotSchedule(*NIGHTLY).slot(now) == SlotSchedule(*NIGHTLY).slot(elsewhere)


@pytest.mark.parametrize(
    ("last", "due"),
    [
        ("2020-01-01T00:00:00", True),
        ("2026-06-01T02:59:59", True),
        ("2026-06-01T03:00:00", False),
        ("2026-06-01T11:00:00", False),
    ],
)
def test_a_slot_is_due_once_however_late(last: str, due: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """It is due when none ran since it began; the next one comes when this one ends."""
    assert (due, 15 * 3600) == tuple(AtNoon(*NIGHTLY).is_due(moment(last)))


def test_the_rest_of_a_slot_is_counted_from_the_clock() -> None:
    """What Celery asks for to order its schedules is the time until the slot after the last run."""
    schedule = AtNoon(*NIGHTLY)

    assert timedelta(hours=15) == schedule.remaining_estimate(moment("2026-06-01T03:00:00"))
    assert timedelta(hours=-9) == schedule.remaining_estimate(moment("2026-05-31T04:00:00"))


def test_a_schedule_reads_the_clock_in_utc() -> None:
    """Its own clock is aware, so that no local time gets in."""
    assert timedelta(0) == SlotSchedule(*NIGHTLY).now().utcoffset()


def test_schedules_are_equal_by_what_they_say() -> None:
    """Celery compares schedules to see whether the configuration changed."""
    same = {SlotSchedule(*NIGHTLY), SlotSchedule(*NIGHTLY)}

    assert 1 == len(same)
    assert SlotSchedule(*NIGHTLY) != SlotSchedule(DAY, 0)
    assert SlotSchedule(*NIGHTLY) != SlotSchedule(DAY / 2, 3 * 3600)
    assert SlotSchedule(*NIGHTLY) != NIGHTLY
    assert "<slots: every 1 day, 0:00:00 from 3:00:00 UTC>" == repr(SlotSchedule(*NIGHTLY))


@given(MOMENTS)
def test_a_slot_has_one_message(now: datetime) -> None:
    """Two beats that count the same slot send the same id and content, so that the inbox takes it once (spec 5)."""
    slot = SlotSchedule(*NIGHTLY).slot(now)
    sent = slot_message(slot)

    assert slot_message(SlotSchedule(*NIGHTLY).slot(now)).content() == sent.content()
    assert (slot, 7) == (sent.occurred_at, sent.id.version)
    assert int(slot.timestamp() * 1000) == sent.id.int >> 80


def test_messages_of_different_slots_differ() -> None:
    """Each slot has an id of its own (spec 4)."""
    start = moment("2026-06-01T03:00:00")
    messages = [slot_message(start + timedelta(seconds=second)) for second in range(100)]

    assert 100 == len({each.id for each in messages})
    assert {RecalculateAllPatternPriorities} == {type(each) for each in messages}


@pytest.mark.parametrize("text", ["noon", "25:00", "3", ""])
def test_a_time_of_day_that_is_none_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """It names the setting, and how to write one."""
    monkeypatch.setenv("OSTINATO_RECALCULATE_AT", text)

    with pytest.raises(ConfigurationError, match=r"^OSTINATO_RECALCULATE_AT cannot be used: write it as HH:MM or"):
        read_settings(Settings)

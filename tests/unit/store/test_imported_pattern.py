"""What another store knew of a pattern, together with what this one learns: the same for every order of arrival."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.events import Import, Sighting, SoftDelete
from store.rules.pattern import PatternState, first_sighted, imported, joined, sighted, soft_deleted
from store.rules.scoring import DAY

AnyEvent = Import | Sighting | SoftDelete


def balance(number: int, first: int, last: int, **fields: Any) -> Import:  # noqa: ANN401 - any field
    """What another store knew of a pattern between two days; the number makes the message's id."""
    said = Import(
        id=f"{number:036}",
        kind="",
        occurred_at=last * DAY,
        content="",
        pattern_id="id",
        pattern_type="T",
        pattern_name=f"Name {number}",
        description=f"described by {number}",
        occurrence_count=10 * number,
        led_to_success_count=number,
        led_to_failure_count=2 * number,
        first_seen=first * DAY,
        last_confirmed=None,
        variance=number / 100,
        trust_score=0.5,
        quarantine_status="pending",
        active=True,
    )
    return replace(said, **fields)


def sighting(number: int, day: int) -> Sighting:
    """A sighting on a day."""
    return Sighting(
        id=f"{number:036}",
        kind="",
        occurred_at=day * DAY,
        content="",
        pattern_id="id",
        pattern_type="T",
        pattern_name=f"Name {number}",
        description=f"described by {number}",
    )


def soft_delete(number: int, day: int) -> SoftDelete:
    """A soft delete on a day."""
    return SoftDelete(id=f"{number:036}", kind="", occurred_at=day * DAY, content="", pattern_id="id")


def taken(pattern: PatternState, event: AnyEvent) -> PatternState:
    """The pattern after one more event."""
    match event:
        case Import():
            return joined(pattern, event)
        case Sighting():
            return sighted(pattern, event)
        case SoftDelete():
            return soft_deleted(pattern, event.occurred_at)


DAYS = st.integers(1, 6)
KINDS = st.sampled_from(["import", "sighting", "delete"])
DRAWN = st.lists(st.tuples(KINDS, DAYS, DAYS, st.none() | DAYS, st.booleans()), max_size=6)
Drawn = list[tuple[str, int, int, int | None, bool]]


def events_of(drawn: Drawn) -> list[AnyEvent]:
    """An import, and the events that were drawn."""
    events: list[AnyEvent] = [balance(1, 3, 4)]
    for number, (kind, one, other, confirmed, active) in enumerate(drawn, start=2):
        if kind == "import":
            at = None if confirmed is None else confirmed * DAY
            events.append(balance(number, min(one, other), max(one, other), last_confirmed=at, active=active))
        else:
            events.append(sighting(number, one) if kind == "sighting" else soft_delete(number, one))
    return events


def folded(events: list[AnyEvent]) -> PatternState:
    """The pattern after these events; deletes that come before it wait for it."""
    waiting = [event for event in events if isinstance(event, SoftDelete)]
    first, *others = (event for event in events if not isinstance(event, SoftDelete))
    pattern = imported(first) if isinstance(first, Import) else first_sighted(first)
    for event in (*others, *waiting) if events[0] in waiting else (*waiting, *others):
        pattern = taken(pattern, event)
    return pattern


@given(DRAWN, st.randoms(use_true_random=False))
def test_any_order_makes_the_same_pattern(drawn: Drawn, chance: Random) -> None:
    """Imports, sightings and soft deletes, with ties of time among them (spec 7)."""
    events = events_of(drawn)
    expected = folded(events)
    chance.shuffle(events)
    assert expected == folded(events)


@pytest.mark.parametrize(("confirmed", "expected"), [(None, 3), (2, 3), (9, 9)])
def test_the_last_confirmation_is_carried_over(confirmed: int | None, expected: int) -> None:
    """Also if it is later than every known success; never before the first sighting."""
    event = balance(1, 3, 4, last_confirmed=None if confirmed is None else confirmed * DAY)
    assert expected * DAY == imported(event).last_confirmed
    assert expected * DAY == joined(first_sighted(sighting(2, 5)), event).last_confirmed


def test_under_an_alias_only_counts_and_times_are_joined() -> None:
    """As with a sighting under an alias (spec 5.1, step 2)."""
    pattern = first_sighted(sighting(2, 5))
    found = joined(pattern, balance(1, 3, 7, pattern_id="alias", last_confirmed=6 * DAY, active=False))
    counts = {"occurrence_count": 11, "led_to_success_count": 1, "led_to_failure_count": 2}
    times = {"first_seen": 3 * DAY, "last_seen": 7 * DAY, "newest_success": 6 * DAY, "last_confirmed": 6 * DAY}
    assert pattern._replace(**counts, **times, deleted_at=7 * DAY, active=False) == found

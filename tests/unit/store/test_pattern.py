"""What each event makes of a pattern (spec 5.1 to 5.4 and 7): the same for every order of arrival."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.events import Application, Sighting, SoftDelete, Stamp
from store.rules.pattern import PatternState, applied, first_sighted, hash_of, merged, rescored, sighted, soft_deleted
from store.rules.scoring import DAY

NOW = 100 * DAY
SPLITS = [("a", "b:c"), ("a:b", "c"), ("a", "B:C"), ("a", "b:c ")]
AnyEvent = Sighting | Application | SoftDelete


def sighting(number: int, day: int, split: tuple[str, str] = SPLITS[0], **fields: Any) -> Sighting:  # noqa: ANN401 - any field
    """A sighting on a day under one of the spellings of the id; its number makes its own id."""
    said: dict[str, Any] = {"pattern_type": split[0], "pattern_name": split[1], **fields}
    return Sighting(id=f"{number:036}", kind="", occurred_at=day * DAY, content="", pattern_id="id", **said)


def application(number: int, day: int, success: bool, grounding: float | None = None) -> Application:  # noqa: FBT001 - the outcome
    """An application on a day; its number makes its id."""
    return Application(
        id=f"{number:036}",
        kind="",
        occurred_at=day * DAY,
        content="",
        pattern_id="id",
        execution_id="e",
        pattern_led_to_success=success,
        retry_count_before=0,
        retry_count_after=0,
        application_mode="exploitation",
        validation_passed=None,
        grounding_confidence=grounding,
    )


def soft_delete(number: int, day: int) -> SoftDelete:
    """A soft delete on a day; its number makes its id."""
    return SoftDelete(id=f"{number:036}", kind="", occurred_at=day * DAY, content="", pattern_id="id")


def taken(pattern: PatternState | None, event: AnyEvent) -> PatternState:
    """The pattern after one event."""
    if pattern is None:
        assert isinstance(event, Sighting)
        return first_sighted(event)
    if isinstance(event, Sighting):
        return sighted(pattern, event)
    return applied(pattern, event) if isinstance(event, Application) else soft_deleted(pattern, event.occurred_at)


def folded(events: Sequence[AnyEvent]) -> PatternState:
    """The pattern after events in this order: those before the first sighting wait for it."""
    first = next(at for at, event in enumerate(events) if isinstance(event, Sighting))
    waiting = sorted(events[:first], key=lambda event: event.stamp)
    pattern: PatternState | None = None
    for event in (events[first], *waiting, *events[first + 1 :]):
        pattern = taken(pattern, event)
    assert pattern is not None
    return pattern


NUMBER = st.just(0)
DAYS = st.integers(0, 4)
WORDS = st.sampled_from([None, "", "one", "two", "three"])
SIGHTINGS = st.builds(
    sighting,
    NUMBER,
    DAYS,
    st.sampled_from(SPLITS),
    description=WORDS,
    context_tags=st.sampled_from([None, (), ("x",), ("y", "x")]),
    suggested_action=WORDS,
    fingerprint=WORDS,
    instrument_name=WORDS,
    provenance_job_hash=WORDS,
    provenance_sheet_num=st.none() | st.integers(0, 2),
)
APPLICATIONS = st.builds(application, NUMBER, DAYS, st.booleans(), st.sampled_from([None, 0.0, 0.1, 0.7, 1.0]))
DELETES = st.builds(soft_delete, NUMBER, DAYS)
OTHERS = st.lists(SIGHTINGS | APPLICATIONS | DELETES, max_size=9)


def numbered(events: Sequence[AnyEvent]) -> list[AnyEvent]:
    """The events, each with an id of its own."""
    return [replace(event, id=f"{number:036}") for number, event in enumerate(events)]


@given(SIGHTINGS, OTHERS, st.data())
def test_the_order_of_arrival_does_not_matter(first: Sighting, others: list[AnyEvent], data: st.DataObject) -> None:
    """Sightings, applications and deletes of one id give the same pattern in every order (spec 7, order-free)."""
    events = numbered([first, *others])
    shuffled = data.draw(st.permutations(events))
    in_order, in_another = folded(sorted(events, key=lambda event: event.stamp)), folded(shuffled)

    assert in_order == in_another
    assert rescored(in_order, NOW) == rescored(in_another, NOW)


@given(SIGHTINGS, OTHERS)
def test_a_pattern_is_what_its_events_say(first: Sighting, others: list[AnyEvent]) -> None:
    """Counts, times and the state follow from the set of events alone (spec 5.1 to 5.3)."""
    events = numbered([first, *others])
    seen = [event.occurred_at for event in events if isinstance(event, Sighting)]
    deleted = [event.occurred_at for event in events if isinstance(event, SoftDelete)]
    outcomes = [event for event in events if isinstance(event, Application)]
    worked = [event.occurred_at for event in outcomes if event.pattern_led_to_success]
    pattern = folded(events)

    assert (len(seen), min(seen), max(seen)) == (pattern.occurrence_count, pattern.first_seen, pattern.last_seen)
    assert (len(worked), len(outcomes) - len(worked)) == (pattern.led_to_success_count, pattern.led_to_failure_count)
    assert max([min(seen), *worked]) == pattern.last_confirmed
    assert (not deleted or max(deleted) < max(seen)) == pattern.active
    assert hash_of(pattern) == pattern.content_hash


def test_a_first_sighting_makes_a_pattern() -> None:
    """Counts, times and scores start where the specification says (spec 5.1, step 3)."""
    event = sighting(1, 3, description="d", context_tags=("t",), provenance_job_hash="j", provenance_sheet_num=0)
    pattern = first_sighted(event)

    assert (1, 0, 0) == (pattern.occurrence_count, pattern.led_to_success_count, pattern.led_to_failure_count)
    assert {3 * DAY} == {pattern.first_seen, pattern.last_seen, pattern.last_confirmed, pattern.trust_calculated_at}
    assert (0.5, 0.5, 0.5) == (pattern.effectiveness_score, pattern.priority_score, pattern.trust_score)
    assert (0.0, "pending", True) == (pattern.variance, pattern.quarantine_status, pattern.active)
    assert ("d", ("t",), "j", 0) == (
        pattern.description,
        pattern.context_tags,
        pattern.provenance_job_hash,
        pattern.provenance_sheet_num,
    )


@pytest.mark.parametrize("field", ["description", "suggested_action", "fingerprint"])
def test_null_keeps_a_text(field: str) -> None:
    """For each field the newest sighting that supplied it wins (spec 5.1, step 1)."""
    old: dict[str, Any] = {field: "old"}
    new: dict[str, Any] = {field: "new"}
    events = [sighting(1, 1, **old), sighting(2, 2, **new), sighting(3, 3)]

    assert "new" == getattr(folded(events), field)


def test_null_keeps_tags_and_an_empty_list_clears_them() -> None:
    """A sighting without tags leaves them alone, one with an empty list removes them (spec 5.1)."""
    tagged = sighting(1, 1, context_tags=("x",))

    assert ("x",) == folded([tagged, sighting(2, 2)]).context_tags
    assert () == folded([tagged, sighting(2, 2, context_tags=())]).context_tags


def test_at_the_same_time_the_later_id_describes_and_the_earlier_names() -> None:
    """Ties of event time are broken by message id (spec 5.1, step 1)."""
    one = sighting(1, 1, description="one", instrument_name="i")
    two = sighting(2, 1, split=("a", "B:C"), description="two")

    for pattern in (folded([one, two]), folded([two, one])):
        assert ("two", "b:c", "i") == (pattern.description, pattern.pattern_name, pattern.instrument_name)
        assert Stamp(DAY, two.id) == pattern.stamps["description"]


def test_the_earliest_sighting_names_the_pattern() -> None:
    """Name, provenance and instrument are the earliest sighting's, even if it has none (spec 5.1, step 1)."""
    late = sighting(1, 2, split=("a", "B:C"), instrument_name="i", provenance_job_hash="j", provenance_sheet_num=1)
    pattern = folded([late, sighting(2, 1)])

    assert ("b:c", None) == (pattern.pattern_name, pattern.instrument_name)
    assert (None, None) == (pattern.provenance_job_hash, pattern.provenance_sheet_num)
    assert DAY == pattern.trust_calculated_at


@pytest.mark.parametrize(
    ("seen", "deleted", "active"),
    [
        ([1], (), True),
        ([1], [1], False),
        ([1], [2], False),
        ([3], [2], True),
        ([1, 2], [2], False),
        ([1, 3], [2], True),
        ([1, 3], [2, 4], False),
        ([5, 1], [4], True),
    ],
)
def test_a_pattern_is_active_unless_deleted_at_or_after_it_was_last_seen(
    seen: Sequence[int], deleted: Sequence[int], *, active: bool
) -> None:
    """Event times decide, so that a late, older sighting does not revive a pattern (spec 5.1)."""
    events: list[AnyEvent] = [
        *(sighting(each, each) for each in seen),
        *(soft_delete(9 + each, each) for each in deleted),
    ]

    assert active == folded(events).active
    assert active == folded(events[::-1]).active


def test_a_sighting_leaves_the_scores() -> None:
    """Scores change when a pattern is applied or recalculated (spec 5.1, step 1)."""
    pattern = rescored(first_sighted(sighting(1, 1)), NOW)
    again = sighted(pattern, sighting(2, 2))

    assert (0.55, 0.33) == (again.effectiveness_score, again.priority_score)


def test_a_merge_changes_count_and_times_only() -> None:
    """The texts of a sighting under another id are not taken over (spec 5.1, step 2)."""
    pattern = folded([sighting(1, 5, description="d"), soft_delete(2, 6)])
    event = sighting(3, 7, split=("a", "B C"), description="e", context_tags=("t",), instrument_name="i")

    expected = pattern._replace(occurrence_count=2, last_seen=7 * DAY, active=True)
    assert expected == merged(pattern, event)


def test_a_merged_sighting_from_before_moves_the_first_time() -> None:
    """First seen is the earlier of stored and event time, and the confirmation follows it (spec 5.1, step 2)."""
    pattern = merged(first_sighted(sighting(1, 5)), sighting(2, 3))

    assert (3 * DAY, 5 * DAY, 3 * DAY) == (pattern.first_seen, pattern.last_seen, pattern.last_confirmed)


def test_impossible_values_give_no_scores() -> None:
    """A row with values that no sequence of messages produces is reported (spec 5.5)."""
    with pytest.raises(ValueError, match="impossible values"):
        rescored(first_sighted(sighting(1, 1))._replace(variance=7.0), NOW)

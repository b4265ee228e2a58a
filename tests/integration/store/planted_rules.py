"""Bugs to be planted in the rules of a pattern (spec section 5), each where a programmer would make it."""

from collections.abc import Callable
from operator import attrgetter

import pytest

from store.events import Application, Sighting, SoftDelete
from store.rules.pattern import PatternState, applied, hash_of, rescored, sighted, soft_deleted
from store.rules.scoring import WINDOW, Outcome
from store.writing.parking import Parking
from store.writing.unit_of_work import PatternRows
from store.writing.work import Work
from tests.integration.store.trials import Laboratory


def window_by_applied_time(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """The newest applications are those that came last."""

    def newest(window: tuple[Outcome, ...], outcome: Outcome) -> tuple[Outcome, ...]:
        return (outcome, *window)[:WINDOW]

    patch.setattr("store.rules.pattern.newest", newest)


def null_clears(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """A sighting that says nothing of a field empties it."""
    after_sighting(patch, lambda _, after, event: after._replace(suggested_action=event.suggested_action))


def empty_list_keeps_tags(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """A sighting with an empty list of tags is taken for one without."""
    after_sighting(
        patch,
        lambda before, after, event: after if event.context_tags else after._replace(context_tags=before.context_tags),
    )


def aliases_not_resolved(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """An id that was merged into another pattern is unknown to applications and deletes."""
    patch.setattr(PatternRows, "meant", PatternRows.known)


def alias_forgotten_by_sightings(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """A sighting under an alias is judged by its content alone."""

    def meant_by(work: Work, event: Sighting) -> PatternState | None:
        return work.patterns.known_by_content(hash_of(event))

    patch.setattr("store.writing.effects._meant_by", meant_by)


def what_waits_for_an_alias_is_forgotten(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """A merge leaves parked what waits for the id that becomes an alias."""
    add_alias = PatternRows.add_alias

    def add(patterns: PatternRows, alias: str, pattern_id: str) -> bool:
        add_alias(patterns, alias, pattern_id)
        return False

    patch.setattr(PatternRows, "add_alias", add)


def late_sighting_reactivates(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """Whatever is seen again is active again, whenever it was seen."""
    after_sighting(patch, lambda _, after, __: after._replace(deleted_at=None, active=True))


def delete_counts_when_it_arrives(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """A soft delete takes effect however much later the pattern was seen."""

    def delete(pattern: PatternState, at: int) -> PatternState:
        return soft_deleted(pattern, max(at, pattern.last_seen))

    patch.setattr("store.writing.effects.soft_deleted", delete)


def newest_sighting_names(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """The name is that of the sighting that came last."""
    after_sighting(patch, lambda _, after, event: after._replace(pattern_name=event.pattern_name))


def ties_fall_to_the_last_to_arrive(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """Of two sightings at one time, the one that comes later describes the pattern."""

    def change(before: PatternState, after: PatternState, event: Sighting) -> PatternState:
        known = before.stamps.get("suggested_action")
        tie = known is not None and known.occurred_at == event.occurred_at and event.suggested_action is not None
        return after._replace(suggested_action=event.suggested_action) if tie else after

    after_sighting(patch, change)


def hash_of_the_first_sighting(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """The content hash stays what it was when the pattern was new."""
    after_sighting(patch, lambda before, after, _: after._replace(content_hash=before.content_hash))


def merge_into_any(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """Of several patterns with one content, the one with the lowest id is meant, whatever its priority."""
    patch.setattr("store.writing.unit_of_work._choice", attrgetter("id"))


def application_of_a_deleted_pattern_revives(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """Applying a pattern brings it back."""
    after_application(patch, lambda after, _: after._replace(deleted_at=None, active=True))


def confirmed_by_any_application(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """A failure confirms a pattern as a success does."""
    after_application(
        patch, lambda after, event: after._replace(last_confirmed=max(after.last_confirmed, event.occurred_at))
    )


def scored_at_event_time(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """An application scores its pattern as of the time it was last seen."""

    def rescore(pattern: PatternState, _: int) -> PatternState:
        return rescored(pattern, pattern.last_seen)

    patch.setattr("store.writing.effects.rescored", rescore)


def parked_deletes_dropped(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """Only applications wait for their pattern."""
    park = Parking.park

    def park_applications(parking: Parking, event: Application | SoftDelete) -> None:
        if isinstance(event, Application):
            park(parking, event)

    patch.setattr(Parking, "park", park_applications)


def after_sighting(
    patch: pytest.MonkeyPatch, change: Callable[[PatternState, PatternState, Sighting], PatternState]
) -> None:
    """Change what becomes of a pattern with a further sighting: given before, after and the sighting."""

    def seen(before: PatternState, event: Sighting) -> PatternState:
        return change(before, sighted(before, event), event)

    patch.setattr("store.writing.effects.sighted", seen)


def after_application(patch: pytest.MonkeyPatch, change: Callable[[PatternState, Application], PatternState]) -> None:
    """Change what becomes of a pattern with an application."""

    def tried(before: PatternState, event: Application) -> PatternState:
        return change(applied(before, event), event)

    patch.setattr("store.writing.effects.applied", tried)

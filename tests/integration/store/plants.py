"""Bugs to be planted in the running product, each in the place where somebody would make it."""

import pkgutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import Connection, Select
from sqlalchemy.dialects import postgresql, sqlite

from store import pattern_rows
from store.effects import apply
from store.errors import TransientError
from store.events import Application, Event, Item, Rejected, Sighting, SoftDelete
from store.inbox import Receipt, receive
from store.parking import park
from store.pattern import PatternState, applied, hash_of, rescored, sighted, soft_deleted
from store.scoring import WINDOW, Outcome
from store.tables import inbox, patterns
from store.times import EPOCH
from store.transaction import Transaction, Writer
from tasks.delivery import Receiver
from tasks.messages import RecalculateAllPatternPriorities
from tasks.uuid7 import uuid7
from tests.integration.store.trials import Laboratory
from worker.settings import Settings
from worker.slots import SlotSchedule, slot_message

AnyFunction = Callable[..., Any]
Plant = Callable[[pytest.MonkeyPatch, Laboratory], None]


def no_inbox(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """Every message that arrives is taken for a new one."""

    def take_for_new(connection: Connection, event: Event, now: int) -> Receipt:
        receive(connection, event, now)
        return Receipt.NEW

    patch.setattr("store.effects.receive", take_for_new)


def rowcount_test(patch: pytest.MonkeyPatch, laboratory: Laboratory) -> None:
    """The number of rows that the driver says it wrote decides whether a message is new."""
    write = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[laboratory.kind](inbox).on_conflict_do_nothing()

    def receive_by_rowcount(connection: Connection, event: Event, now: int) -> Receipt:
        values = {"message_id": event.id, "kind": event.kind, "occurred_at": event.occurred_at, "applied_at": now}
        written = connection.execute(write, {**values, "content_sha256": "", "content": event.content}).rowcount
        return Receipt.NEW if written else Receipt.DUPLICATE

    patch.setattr("store.effects.receive", receive_by_rowcount)


def acknowledge_before_commit(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """The broker is told "done" when a task begins."""

    def make(configuration: AnyFunction) -> AnyFunction:
        def configure(settings: Settings) -> dict[str, Any]:
            return {**configuration(settings), "task_acks_late": False}

        return configure

    replace_function(patch, "worker.app._configuration", make)


def done_though_rolled_back(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """A store that goes away during a message ends the task, and so the message."""

    def make(until_stored: AnyFunction) -> AnyFunction:
        def attempt_once(receiver: Receiver, attempt: Callable[[], Any]) -> Any:  # noqa: ANN401 - as the product's
            def attempt_or_give_up() -> Any:  # noqa: ANN401 - as the product's
                try:
                    return attempt()
                except TransientError:
                    return True

            return until_stored(receiver, attempt_or_give_up)

        return attempt_once

    replace_function(patch, "tasks.delivery.Receiver._until_stored", make)


def quarantine_outside_the_transaction(patch: pytest.MonkeyPatch, laboratory: Laboratory) -> None:
    """Bad messages are committed on a connection of their own."""

    def commit(receiver: Receiver, items: Sequence[Item], task: str, delivery: str) -> None:
        bad = [item for item in items if isinstance(item, Rejected)]
        with closing(Writer(laboratory.url)) as writer, writer.transaction(receiver.clock) as transaction:
            apply(transaction, bad, task=task, delivery=delivery)
        with receiver.writer.transaction(receiver.clock) as transaction:
            apply(transaction, [item for item in items if item not in bad], task=task, delivery=delivery)

    patch.setattr("tasks.delivery.Receiver._commit", commit)


def slot_key_in_local_time(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """The message of a slot is named after what the clock on the wall says."""

    def named_locally(slot: datetime) -> RecalculateAllPatternPriorities:
        on_the_wall = slot.astimezone().replace(tzinfo=UTC)
        return slot_message(slot).model_copy(update={"id": slot_message(on_the_wall).id})

    patch.setattr("worker.slots.slot_message", named_locally)


def slots_in_local_time(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """Slots are counted from midnight on the wall."""

    def slot(schedule: SlotSchedule, now: datetime) -> datetime:
        on_the_wall = now.astimezone().replace(tzinfo=UTC)
        return now - (on_the_wall - EPOCH - schedule.offset) % schedule.every

    patch.setattr("worker.slots.SlotSchedule.slot", slot)


def replay_under_a_new_id(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """A message that comes again gets an id of its own."""
    seen: set[object] = set()

    def make(build: AnyFunction) -> AnyFunction:
        def build_anew(model: type[BaseModel], fields: dict[str, object]) -> BaseModel:
            key = str(fields.get("id"))
            again = key in seen
            seen.add(key)
            return build(model, {**fields, "id": str(uuid7())} if again else fields)

        return build_anew

    replace_function(patch, "tasks.wire.make", make)


def window_by_applied_time(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """The newest applications are those that came last."""

    def newest(window: tuple[Outcome, ...], outcome: Outcome) -> tuple[Outcome, ...]:
        return (outcome, *window)[:WINDOW]

    patch.setattr("store.pattern.newest", newest)


def null_clears(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """A sighting that says nothing of a field empties it."""
    after_sighting(patch, lambda _, after, event: replace(after, suggested_action=event.suggested_action))


def empty_list_keeps_tags(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """A sighting with an empty list of tags is taken for one without."""
    after_sighting(
        patch,
        lambda before, after, event: after if event.context_tags else replace(after, context_tags=before.context_tags),
    )


def aliases_not_resolved(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """An id that was merged into another pattern is unknown to applications and deletes."""

    def resolve(transaction: Transaction, pattern_id: str) -> PatternState | None:
        return pattern_rows.load(transaction.connection, pattern_id)

    patch.setattr("store.effects._resolve", resolve)


def alias_forgotten_by_sightings(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """A sighting under an alias is judged by its content alone."""

    def meant_by(transaction: Transaction, event: Sighting) -> PatternState | None:
        return pattern_rows.load_by_content(transaction.connection, hash_of(event))

    patch.setattr("store.effects._meant_by", meant_by)


def what_waits_for_an_alias_is_forgotten(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """A merge leaves parked what waits for the id that becomes an alias."""

    def make(add_alias: AnyFunction) -> AnyFunction:
        def add(*arguments: object) -> bool:
            add_alias(*arguments)
            return False

        return add

    replace_function(patch, "store.pattern_rows.add_alias", make)


def late_sighting_reactivates(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """Whatever is seen again is active again, whenever it was seen."""
    after_sighting(patch, lambda _, after, __: replace(after, deleted_at=None, active=True))


def delete_counts_when_it_arrives(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """A soft delete takes effect however much later the pattern was seen."""

    def delete(pattern: PatternState, at: int) -> PatternState:
        return soft_deleted(pattern, max(at, pattern.last_seen))

    patch.setattr("store.effects.soft_deleted", delete)


def newest_sighting_names(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """The name is that of the sighting that came last."""
    after_sighting(patch, lambda _, after, event: replace(after, pattern_name=event.pattern_name))


def ties_fall_to_the_last_to_arrive(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """Of two sightings at one time, the one that comes later describes the pattern."""

    def change(before: PatternState, after: PatternState, event: Sighting) -> PatternState:
        known = before.stamps.get("suggested_action")
        tie = known is not None and known.occurred_at == event.occurred_at and event.suggested_action is not None
        return replace(after, suggested_action=event.suggested_action) if tie else after

    after_sighting(patch, change)


def hash_of_the_first_sighting(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """The content hash stays what it was when the pattern was new."""
    after_sighting(patch, lambda before, after, _: replace(after, content_hash=before.content_hash))


def merge_into_any(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """Of several patterns with one content, the one with the lowest id is meant, whatever its priority."""
    by_content: Select[Any] = pkgutil.resolve_name("store.pattern_rows._BY_CONTENT")
    patch.setattr("store.pattern_rows._BY_CONTENT", by_content.order_by(None).order_by(patterns.c.id))


def application_of_a_deleted_pattern_revives(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """Applying a pattern brings it back."""
    after_application(patch, lambda after, _: replace(after, deleted_at=None, active=True))


def confirmed_by_any_application(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """A failure confirms a pattern as a success does."""
    after_application(
        patch, lambda after, event: replace(after, last_confirmed=max(after.last_confirmed, event.occurred_at))
    )


def scored_at_event_time(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """An application scores its pattern as of the time it was last seen."""

    def rescore(pattern: PatternState, _: int) -> PatternState:
        return rescored(pattern, pattern.last_seen)

    patch.setattr("store.effects.rescored", rescore)


def parked_deletes_dropped(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """Only applications wait for their pattern."""

    def park_applications(transaction: Transaction, event: Application | SoftDelete) -> None:
        if isinstance(event, Application):
            park(transaction, event)

    patch.setattr("store.effects.park", park_applications)


def id_reuse_unnoticed(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """Whatever has a known id is taken for a duplicate."""

    def receive_by_id(connection: Connection, event: Event, now: int) -> Receipt:
        return Receipt.NEW if receive(connection, event, now) is Receipt.NEW else Receipt.DUPLICATE

    patch.setattr("store.effects.receive", receive_by_id)


def bad_message_costs_its_batch(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """A batch with a bad message is quarantined, and nothing else."""

    def make(read: AnyFunction) -> AnyFunction:
        def all_or_nothing(kind: str, text: str) -> Sequence[Item]:
            items: Sequence[Item] = read(kind, text)
            return [item for item in items if isinstance(item, Rejected)] or items

        return all_or_nothing

    replace_function(patch, "tasks.delivery._read", make)


def replace_function(patch: pytest.MonkeyPatch, name: str, make: Callable[[AnyFunction], AnyFunction]) -> None:
    """Put a function that is made of the present one in its place."""
    patch.setattr(name, make(pkgutil.resolve_name(name)))


def after_sighting(
    patch: pytest.MonkeyPatch, change: Callable[[PatternState, PatternState, Sighting], PatternState]
) -> None:
    """Change what becomes of a pattern with a further sighting: given before, after and the sighting."""

    def seen(before: PatternState, event: Sighting) -> PatternState:
        return change(before, sighted(before, event), event)

    patch.setattr("store.effects.sighted", seen)


def after_application(patch: pytest.MonkeyPatch, change: Callable[[PatternState, Application], PatternState]) -> None:
    """Change what becomes of a pattern with an application."""

    def tried(before: PatternState, event: Application) -> PatternState:
        return change(applied(before, event), event)

    patch.setattr("store.effects.applied", tried)

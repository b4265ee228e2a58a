"""Bugs to be planted in the running product, each where a programmer would make it."""

import pkgutil
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from ostinato.errors import TransientError
from ostinato.messages.models import RecalculateAllPatternPriorities
from ostinato.messages.uuid7 import uuid7
from ostinato.times import EPOCH
from store.database.tables import inbox
from store.events import Event, Item, Rejected
from store.writing.effects import apply
from store.writing.inbox import Receipt, receive
from store.writing.transaction import Writer
from tasks.receiver import Receiver
from tests.integration.store.trials import Laboratory
from worker.beat.slots import SlotSchedule, slot_message
from worker.settings import Settings

AnyFunction = Callable[..., Any]
Plant = Callable[[pytest.MonkeyPatch, Laboratory], None]


def no_inbox(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """Every message that arrives is taken for a new one."""

    def take_for_new(connection: Connection, events: Sequence[Event], now: int) -> list[Receipt]:
        return [Receipt.NEW for _ in receive(connection, events, now)]

    patch.setattr("store.writing.effects.receive", take_for_new)


def rowcount_test(patch: pytest.MonkeyPatch, laboratory: Laboratory) -> None:
    """The number of rows that the driver says it wrote decides whether a message is new."""
    write = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[laboratory.kind](inbox).on_conflict_do_nothing()

    def new(connection: Connection, event: Event, now: int) -> bool:
        values = {"message_id": event.id, "kind": event.kind, "occurred_at": event.occurred_at, "applied_at": now}
        return connection.execute(write, {**values, "content_sha256": "", "content": event.content}).rowcount != 0

    def receive_by_rowcount(connection: Connection, events: Sequence[Event], now: int) -> list[Receipt]:
        return [Receipt.NEW if new(connection, event, now) else Receipt.DUPLICATE for event in events]

    patch.setattr("store.writing.effects.receive", receive_by_rowcount)


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

    replace_function(patch, "tasks.receiver.Receiver._until_stored", make)


def quarantine_outside_the_transaction(patch: pytest.MonkeyPatch, laboratory: Laboratory) -> None:
    """Bad messages are committed on a connection of their own."""

    def commit(receiver: Receiver, items: Sequence[Item], task: str, delivery: str) -> None:
        bad = [item for item in items if isinstance(item, Rejected)]
        with closing(Writer(laboratory.url)) as writer, writer.transaction(receiver.clock) as transaction:
            apply(transaction, bad, task=task, delivery=delivery)
        with receiver.writer.transaction(receiver.clock) as transaction:
            apply(transaction, [item for item in items if item not in bad], task=task, delivery=delivery)

    patch.setattr("tasks.receiver.Receiver._commit", commit)


def slot_key_in_local_time(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """The message of a slot is named after what the clock on the wall says."""

    def named_locally(slot: datetime) -> RecalculateAllPatternPriorities:
        on_the_wall = slot.astimezone().replace(tzinfo=UTC)
        return slot_message(slot).model_copy(update={"id": slot_message(on_the_wall).id})

    patch.setattr("worker.beat.slots.slot_message", named_locally)


def slots_in_local_time(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """Slots are counted from midnight on the wall."""

    def slot(schedule: SlotSchedule, now: datetime) -> datetime:
        on_the_wall = now.astimezone().replace(tzinfo=UTC)
        return now - (on_the_wall - EPOCH - schedule.offset) % schedule.every

    patch.setattr("worker.beat.slots.SlotSchedule.slot", slot)


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

    replace_function(patch, "ostinato.messages.wire.make", make)


def id_reuse_unnoticed(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """Whatever has a known id is taken for a duplicate."""

    def receive_by_id(connection: Connection, events: Sequence[Event], now: int) -> list[Receipt]:
        receipts = receive(connection, events, now)
        return [Receipt.NEW if each is Receipt.NEW else Receipt.DUPLICATE for each in receipts]

    patch.setattr("store.writing.effects.receive", receive_by_id)


def bad_message_costs_its_batch(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """A batch with a bad message is quarantined, and nothing else."""

    def make(read: AnyFunction) -> AnyFunction:
        def all_or_nothing(kind: str, text: str) -> Sequence[Item]:
            items: Sequence[Item] = read(kind, text)
            return [item for item in items if isinstance(item, Rejected)] or items

        return all_or_nothing

    replace_function(patch, "tasks.receiver.items", make)


def equal_texts_are_one(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """Of equal texts without an id in one batch, the quarantine keeps one."""

    def untold(items: list[object]) -> list[object]:
        return items

    patch.setattr("ostinato.messages.wire._told_apart", untold)


def replayed_is_another(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """What was sent again from the quarantine and comes back is taken for one more message."""

    def never(*_: object) -> bool:
        return False

    patch.setattr("store.writing.quarantine._is_place_of", never)


def replace_function(patch: pytest.MonkeyPatch, name: str, make: Callable[[AnyFunction], AnyFunction]) -> None:
    """Put a function that is made of the present one in its place."""
    patch.setattr(name, make(pkgutil.resolve_name(name)))

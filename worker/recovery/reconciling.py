"""Sending again what the broker had taken but the store never got, as after the broker has lost its disk."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ostinato.errors import OutboxUnavailable
from ostinato.outbox.file import Entry
from ostinato.outbox.folder import paths
from ostinato.outbox.forwarder import Forwarder
from ostinato.outbox.inspection import forwarded, last_forwarded
from store.reading.store import Store


class Reconciled(NamedTuple):
    """How many messages were looked for in the store, and how many of them it lacked; those were sent again."""

    looked_for: int
    sent_again: int


def forwarded_so_far(folder: Path) -> dict[Path, int]:
    """For each outbox that can be read, the place of the last message that the broker has taken."""
    upto: dict[Path, int] = {}
    for path in paths(folder):
        with suppress(OutboxUnavailable):
            upto[path] = last_forwarded(path)
    return upto


def reconcile(store: Store, forwarder: Forwarder, upto: dict[Path, int]) -> Iterator[Reconciled]:
    """Of the messages up to these places, send again those that the store lacks; yield the progress after each page.

    A message that the queue still holds is sent twice by this, and applied once. BrokerUnavailable, OutboxUnavailable
    and the errors of `Store`; after one, a new call sends only what the store still lacks.
    """
    looked_for = sent_again = 0
    for path, last in upto.items():
        for entries in forwarded(path, last):
            lacking = _lacking(store, entries)
            while lacking:
                count = forwarder.publish_some(lacking)
                del lacking[:count]
                sent_again += count
            looked_for += len(entries)
            yield Reconciled(looked_for, sent_again)


def _lacking(store: Store, entries: list[Entry]) -> list[Entry]:
    arrived = store.arrived([each.id for each in entries])
    return [each for each in entries if each.id not in arrived]

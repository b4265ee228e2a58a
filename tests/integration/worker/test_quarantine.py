"""What can never be applied is in the quarantine, whole and with its reason; the worker goes on with the next one."""

import json
import os
import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from ostinato.messages.models import RecordPattern
from ostinato.messages.routing import QUEUE
from store.database.schema import migrate
from store.database.tables import inbox, quarantine
from tests.faults import flight
from tests.product import Product
from tests.samples.envelopes import Json, body, envelope, without
from tests.samples.malformed import FOREIGN_HEADERS, Unfit, unfit
from tests.waiting import wait_until

TAGS: tuple[object, ...] = (7, [], "the same for all", "the same for all")


class Trap:
    """Makes a folder where it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @override
    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self._folder),)


def pickles(folder: Path) -> dict[str, Unfit]:
    """Pickles that make a folder where they are loaded, whatever they say they are."""
    reasons = {
        "application/x-python-serialize": "envelope_content_type",
        "application/json": "envelope_body",
        "application/data": "envelope_content_type",
    }
    whole = envelope(pickle.dumps(Trap(folder / "sprung")))
    items = {name: json.dumps(whole | {"content-type": name}).encode() for name in reasons}
    return {f"pickle: {name}": Unfit(item, item, reasons[name]) for name, item in items.items()}


def good_ones(count: int) -> Iterator[tuple[str, Json]]:
    """Messages, each with its id, that are applied."""
    for number in range(count):
        message = RecordPattern(pattern_type="test", pattern_name=f"good {number}")
        yield str(message.id), envelope(body([message.content()]))


def odd_ones() -> Iterator[tuple[str, Json]]:
    """The same with a header of another program, which Celery would take for its own, or a strange delivery tag."""
    for (key, whole), (name, value) in zip(good_ones(len(FOREIGN_HEADERS)), FOREIGN_HEADERS.items(), strict=True):
        yield key, whole | {"headers": whole["headers"] | {name: value}}
    for (key, whole), tag in zip(good_ones(len(TAGS)), TAGS, strict=True):
        yield key, whole | {"properties": whole["properties"] | {"delivery_tag": tag}}
    for key, whole in good_ones(1):
        yield key, whole | {"properties": without(whole["properties"], "delivery_tag")}


@pytest.mark.each_broker
def test_each_malformed_message_is_kept_whole_and_costs_no_other(product: Product, tmp_path: Path) -> None:
    """Byte for byte, with its reason; the good messages among them are applied, and the worker stays the same process.

    No pickle is loaded. All are on the queue at once.
    """
    bad = {**unfit(), **pickles(tmp_path)}
    good = dict([*odd_ones(), *good_ones(len(bad))])
    pairs = zip_longest((each.item for each in bad.values()), (json.dumps(each).encode() for each in good.values()))
    migrate(product.settings.store_address)
    product.client.lpush(QUEUE, *(item for pair in pairs for item in pair if item is not None))
    with product.worker() as worker:
        wait_until(lambda: worker.poll() is not None or flight.in_flight(product.client) == 0, why="all are handled")
        assert None is worker.poll(), product.log("worker")
    found = Counter(kept_as(row) for row in product.rows(quarantine))
    assert {} == {name: each for name, each in bad.items() if each[1:] not in found}
    assert len(bad) == found.total()
    assert set(good) == {row["message_id"] for row in product.rows(inbox)}
    assert [] == list(tmp_path.iterdir())


def kept_as(row: dict[str, Any]) -> tuple[bytes, str, str]:
    """What the quarantine has of a message, as `Unfit` says it; of a text and of arguments also the task."""
    of = f" of {row['task']}" if row["source"] == "validation" else ""
    return bytes(row["raw"]), row["reason_code"], f"{row['source']}{of}"

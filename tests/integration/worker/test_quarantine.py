"""What can never be applied is in the quarantine, whole and with its reason; the worker goes on with the next one."""

import json
import os
import pickle
from collections.abc import Callable, Generator, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Self

import pytest
from typing_extensions import override

from ostinato.messages.models import RecordPattern
from ostinato.messages.routing import QUEUE
from store.database.schema import migrate
from store.database.tables import inbox, quarantine
from tests.conftest import server_or_skip
from tests.faults import flight
from tests.product import Product
from tests.samples.envelopes import Json, body, envelope
from tests.samples.malformed import ARGUMENTS, ENVELOPES, FOREIGN_HEADERS, RAW, TEXTS
from tests.servers.brokers import KINDS
from tests.waiting import wait_until

NUMBERS = count()


class Running:
    """A product with a worker, from which the worst is expected. A context manager."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._worker = product.worker()

    def survives(self, item: bytes) -> list[Mapping[str, Any]]:
        """Put an item on the queue, then a good message; what is new in the quarantine once both are done."""
        self._heal()
        known = {row["id"] for row in self._product.rows(quarantine)}
        self._product.client.lpush(QUEUE, item)
        good = RecordPattern(pattern_type="test", pattern_name=f"good {next(NUMBERS)}")
        self._product.send(good)
        wait_until(lambda: self._worker.poll() is not None or self.applied(good), why="the next message is applied")
        # Which may be ahead of the item, where both were fetched together.
        wait_until(lambda: self._worker.poll() is not None or self._is_done(), why="nothing is in flight")
        assert None is self._worker.poll(), self._product.log("worker")
        return [row for row in self._product.rows(quarantine) if row["id"] not in known]

    def applied(self, message: RecordPattern) -> bool:
        """Whether the store has had this message."""
        return str(message.id) in {row["message_id"] for row in self._product.rows(inbox)}

    def _is_done(self) -> bool:
        return flight.in_flight(self._product.client) == 0

    def _heal(self) -> None:
        # So that one test's failure is not the next one's too.
        if self._worker.poll() is not None:
            self._product.client.flushdb()
            self._worker = self._product.worker()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.stop()


@pytest.fixture(scope="module", params=KINDS)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    """One worker for all of them, which stays the same process through all messages."""
    home = tmp_path_factory.mktemp("h")
    with server_or_skip(request.param, home) as broker, Product(home, broker.url) as product:
        migrate(product.settings.store_address)
        with Running(product) as running:
            yield running


@pytest.mark.parametrize(("task", "sent", "reason"), TEXTS.values(), ids=TEXTS)
def test_malformed_text_is_kept_byte_for_byte(running: Running, task: str, sent: str, reason: str) -> None:
    """What the task got as its argument is what the quarantine has."""
    [row] = running.survives(json.dumps(envelope(body([sent]), task=task)).encode())
    assert (reason, "validation", task) == (row["reason_code"], row["source"], row["task"])
    assert sent == row["raw"].decode(errors="surrogatepass")


@pytest.mark.parametrize(("args", "kwargs"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_wrong_arguments_are_kept(running: Running, args: list[object], kwargs: Json) -> None:
    """Any arguments but one text are kept as they were given."""
    [row] = running.survives(json.dumps(envelope(body(args, kwargs))).encode())
    assert "wrong_arguments" == row["reason_code"]
    assert [args, kwargs] == json.loads(row["raw"])


@pytest.mark.parametrize(("sent", "reason"), ENVELOPES.values(), ids=ENVELOPES)
def test_unfit_envelope_is_kept_whole(running: Running, sent: Json, reason: str) -> None:
    """Celery never sees it; the quarantine has it as it was sent, byte for byte."""
    raw = json.dumps(sent).encode()
    [row] = running.survives(raw)
    assert (reason, "transport", raw) == (row["reason_code"], row["source"], row["raw"])


@pytest.mark.parametrize(("raw", "reason"), RAW.values(), ids=RAW)
def test_what_is_no_message_of_a_queue_is_kept_whole(running: Running, raw: bytes, reason: str) -> None:
    """Though no part of it can be told from another."""
    [row] = running.survives(raw)
    assert (reason, "transport", raw) == (row["reason_code"], row["source"], row["raw"])


@pytest.mark.parametrize("name", FOREIGN_HEADERS)
def test_a_foreign_header_changes_nothing(running: Running, name: str) -> None:
    """The message beside it is applied, and the worker goes on."""
    sent = RecordPattern(pattern_type="test", pattern_name=f"good {next(NUMBERS)}")
    whole = envelope(json.dumps([[sent.content()], {}, {}]))
    whole["headers"][name] = FOREIGN_HEADERS[name]
    assert [] == running.survives(json.dumps(whole).encode())
    assert running.applied(sent)


class Trap:
    """Makes a folder where it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @override
    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self._folder),)


@pytest.mark.parametrize("said_to_be", ["application/x-python-serialize", "application/json", "application/data"])
def test_a_pickle_is_never_loaded(running: Running, tmp_path: Path, said_to_be: str) -> None:
    """Under any content type: loading it would make a folder, and there is none."""
    raw = json.dumps(envelope(pickle.dumps(Trap(tmp_path / "sprung"))) | {"content-type": said_to_be}).encode()
    [row] = running.survives(raw)
    assert ("transport", raw) == (row["source"], row["raw"])
    assert [] == list(tmp_path.iterdir())

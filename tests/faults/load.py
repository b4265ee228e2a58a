"""Messages as a fleet sends them, and threads that send them; everything random comes from a seed."""

import json
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Event, Thread
from typing import Any
from uuid import UUID

from ostinato import Producer
from ostinato.errors import BrokerUnavailable
from ostinato.messages.models import (
    ApplyBatch,
    Message,
    RecordPattern,
    RecordPatternApplication,
    SoftDeletePattern,
    UpdatePatternEffectiveness,
)
from ostinato.publishing.publisher import producer_app, publish
from ostinato.settings.broker import BrokerSettings
from ostinato.settings.outbox import OutboxSettings
from tests.faults.ledger import Ledger, Outcome
from tests.model import said
from tests.model.naming import id_of
from tests.waiting import wait_until

Sender = Callable[[Message], object]
"""Takes a message from any thread. Once it returns, the message must not be lost; BrokerUnavailable leaves it open."""
BatchMember = RecordPattern | RecordPatternApplication | SoftDeletePattern | UpdatePatternEffectiveness
PATTERNS = 60
_HOT = 4
_BURST = 10
_PAUSE = 0.01
_IN_OUTBOX = 200
# Two spellings of one id, and one that merges into it.
_SPELLINGS = ("case {0}", "Case  {0}", "case-{0}")


@contextmanager
def publishing(settings: BrokerSettings) -> Generator[Sender]:
    """Sends as producers do, straight to the broker."""
    app = producer_app(settings)
    try:
        yield lambda message: publish(app, message)
    finally:
        app.close()


@contextmanager
def recording(settings: OutboxSettings) -> Generator[Sender]:
    """Sends by a `Producer`, members of a batch one by one; never with more than a backlog in its outbox."""
    with Producer(settings) as producer:

        def send(message: Message) -> None:
            for each in message.messages if isinstance(message, ApplyBatch) else [message]:
                producer.send(each)
            wait_until(lambda: producer.waiting < _IN_OUTBOX, why="the broker takes messages again")

        yield send


class Stream(Iterator[Message]):
    """Endless messages: half of them about a few patterns; the others about many, some of which are never sighted."""

    def __init__(self, seed: str, patterns: int = PATTERNS) -> None:
        self.random = Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self._patterns = patterns
        self._now = datetime.now(UTC)

    def __next__(self) -> Message:
        if self.random.random() < 0.04:
            return ApplyBatch(**self._stamp(), messages=[self.single() for _ in range(self.random.randint(2, 20))])
        return self.single()

    def take(self, count: int) -> list[Message]:
        """The next messages."""
        return [next(self) for _ in range(count)]

    def single(self) -> BatchMember:
        """The next that is no batch."""
        kind = self.random.random()
        if kind < 0.5:
            return self.sighting()
        about: dict[str, Any] = {**self._stamp(), "pattern_id": id_of("load", self._name(self._patterns + 3))}
        if kind < 0.9:
            return RecordPatternApplication(
                **about,
                execution_id=f"run {self.random.randrange(1_000)}",
                pattern_led_to_success=self.random.random() < 0.6,
                grounding_confidence=self.random.choice((None, 0.5, 1.0)),
            )
        return SoftDeletePattern(**about) if kind < 0.95 else UpdatePatternEffectiveness(**about)

    def sighting(self) -> RecordPattern:
        """The next sighting."""
        return RecordPattern(
            **self._stamp(),
            pattern_type="load",
            pattern_name=self._name(self._patterns),
            context_tags=self.random.choice((None, ["a"], ["a", "b"], [])),
            suggested_action=self.random.choice((None, "try again", "give up")),
        )

    def _name(self, patterns: int) -> str:
        number = self.random.randrange(_HOT if self.random.random() < 0.5 else patterns)
        return self.random.choice(_SPELLINGS).format(number)

    def _stamp(self) -> dict[str, Any]:
        age = timedelta(microseconds=self.random.randrange(40 * 86_400_000_000))
        return {"id": UUID(int=self.random.getrandbits(128), version=4), "occurred_at": self._now - age}


def members(message: Message) -> list[said.Message]:
    """A message as JSON has it; of a batch its members."""
    whole: said.Message = json.loads(message.content())
    parts: list[said.Message] | None = whole.get("messages")
    return [whole] if parts is None else parts


def send_noted(send: Sender, ledger: Ledger, message: Message) -> Outcome:
    """Send a message and note what is known of it then."""
    ledger.note(Outcome.INFO, *members(message))
    try:
        send(message)
    except BrokerUnavailable:
        return Outcome.INFO
    ledger.note(Outcome.OK, *members(message))
    return Outcome.OK


class Load:
    """Threads that keep a backlog of messages at the broker until the block ends; a context manager.

    A message whose fate is unknown is sent again, unchanged, every other time; a sender that fails in any other way
    than `Sender` says fails the test at the end of the block.
    """

    def __init__(self, send: Sender, ledger: Ledger, waiting: Callable[[], int], backlog: int = 100) -> None:
        self._send = send
        self._ledger = ledger
        self._waiting = waiting
        self._backlog = backlog
        self._stop = Event()
        self._threads: list[Thread] = []
        self._failures: list[Exception] = []

    def start(self, streams: Iterable[Stream]) -> None:
        """A thread for each stream."""
        self._threads = [Thread(target=self._run, args=(stream,), name="load") for stream in streams]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Return once no more is sent; raises what went wrong in a thread."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def _run(self, stream: Stream) -> None:
        try:
            while not self._stop.is_set():
                if self._waiting() < self._backlog:
                    self._send_some(stream)
                else:
                    self._stop.wait(_PAUSE)
        except Exception as error:  # noqa: BLE001 - raised where the thread is waited for
            self._failures.append(error)

    def _send_some(self, stream: Stream) -> None:
        for message in stream.take(_BURST):
            while send_noted(self._send, self._ledger, message) is Outcome.INFO and stream.random.random() < 0.5:
                self._stop.wait(_PAUSE)

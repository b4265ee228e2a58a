"""What the benchmarks send: small messages about known patterns, by producers and straight to the broker."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from ostinato import Producer
from ostinato.identity import pattern_id
from ostinato.messages.models import RecordPattern, RecordPatternApplication
from ostinato.messages.uuid7 import uuid7
from ostinato.settings.outbox import OutboxSettings

TYPE = "benchmark"
# As long as it takes to hand over what waits, on a machine that is slow.
_CLOSING_SECONDS = 300.0

Said = RecordPattern | RecordPatternApplication


def name_of(pattern: int) -> str:
    """The name of the pattern with this number."""
    return f"pattern {pattern}"


def id_of(pattern: int) -> str:
    """The id of the pattern with this number."""
    return pattern_id(TYPE, name_of(pattern))


def seeded(seed: int) -> Random:
    """What everything random comes from."""
    return Random(seed)  # noqa: S311 - to be repeated, not to be secret


def sighting(pattern: int, message_id: UUID | None = None) -> RecordPattern:
    """A sighting of a pattern, small as they come."""
    return RecordPattern(id=message_id or uuid7(), pattern_type=TYPE, pattern_name=name_of(pattern))


def application(random: Random, pattern_id: str) -> RecordPatternApplication:
    """An application of a pattern; three in five are successes."""
    return RecordPatternApplication(**_application(random, pattern_id))


def messages(seed: int, count: int, patterns: int) -> Iterator[Said]:
    """``count`` messages about these patterns: in turn a sighting and an application."""
    random = seeded(seed)
    for number in range(count):
        pattern = random.randrange(patterns)
        yield sighting(pattern) if number % 2 else application(random, id_of(pattern))


def recording(home: Path, seed: int, count: int, patterns: int, lanes: int = 1) -> Callable[[], float]:
    """A producer that records ``count`` messages as fast as it can, until the broker has them; when it began."""
    producer, random = Producer(OutboxSettings(home=home, lanes=lanes)), seeded(seed)
    ids = [id_of(pattern) for pattern in range(patterns)]

    def record() -> float:
        began = time.monotonic()
        for number in range(count):
            pattern = random.randrange(patterns)
            if number % 2:
                producer.record_pattern(pattern_type=TYPE, pattern_name=name_of(pattern))
            else:
                producer.record_pattern_application(**_application(random, ids[pattern]))
        _close(producer)
        return began

    return record


def calling(home: Path, seed: int, patterns: int, a_second: float, seconds: float) -> Callable[[], list[float]]:
    """A producer that records sightings at a pace; the seconds that each call took."""
    producer, random = Producer(OutboxSettings(home=home)), seeded(seed)

    def call() -> None:
        producer.record_pattern(pattern_type=TYPE, pattern_name=name_of(random.randrange(patterns)))

    def run() -> list[float]:
        waits = paced(call, random, a_second, seconds)
        _close(producer)
        return waits

    return run


def paced(call: Callable[[], object], random: Random, a_second: float, seconds: float) -> list[float]:
    """Call ``a_second`` times a second for this many seconds; the seconds that each call took.

    The first one comes at a moment of its own within the first period. A call that took longer than its period is
    followed by the next one at once; what could not be called meanwhile is left out, as by a caller that waits.
    """
    period, now = 1 / a_second, time.perf_counter()
    end, due = now + seconds, now + random.random() * period
    waits: list[float] = []
    while due < end:
        time.sleep(max(0.0, due - time.perf_counter()))
        began = time.perf_counter()
        call()
        ended = time.perf_counter()
        waits.append(ended - began)
        due = max(due + period, ended)
    return waits


def _application(random: Random, pattern_id: str) -> dict[str, Any]:
    execution, success = f"run {random.randrange(1_000)}", random.random() < 0.6  # noqa: PLR2004 - three in five
    return {"pattern_id": pattern_id, "execution_id": execution, "pattern_led_to_success": success}


def _close(producer: Producer) -> None:
    left = producer.close(_CLOSING_SECONDS)
    if left:
        raise TimeoutError(f"the broker did not take {left} messages within {_CLOSING_SECONDS:g} s")

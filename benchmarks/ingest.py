"""P1: from the first call in four producer processes to the last message applied in the store."""

import time
from dataclasses import dataclass

from benchmarks.baselines import direct_writers
from benchmarks.figures import Figure, Target, alternate
from benchmarks.filling import fill
from benchmarks.fleet import Fleet, results
from benchmarks.installation import counting, installation, rate_of, sqlite_path
from benchmarks.traffic import recording
from tests.product import Product
from tests.waiting import wait_until

WHAT = "messages a second, from producers to the store"
UNIT = "messages/s"


@dataclass(frozen=True, slots=True)
class Size:
    """``messages`` is that of one producer, ``seconds`` for how long the direct writers write."""

    rounds: int
    producers: int
    writers: int
    patterns: int
    messages: int
    seconds: float


FULL = Size(rounds=5, producers=4, writers=8, patterns=20_000, messages=25_000, seconds=6.0)
QUICK = Size(rounds=1, producers=2, writers=2, patterns=50, messages=100, seconds=0.3)


def run(*, quick: bool) -> list[Figure]:
    """End to end, from 4 producers, against 8 direct writers; and how fast the worker alone drains what waits."""
    size = QUICK if quick else FULL
    with Fleet(size.producers) as producers, Fleet(size.writers) as writers:
        direct, ours, drained = alternate(
            size.rounds,
            lambda: _direct(writers, size),
            lambda: end_to_end(producers, size),
            lambda: _drained(producers, size),
        )
    against = f"{size.writers} direct writers"
    target = Target("ratio", "at least", 10)
    backlog = "messages a second, from a backlog in batches"
    return [
        Figure(key="P1", what=WHAT, unit=UNIT, ours=ours, baseline=direct, against=against, targets=(target,)),
        Figure(key="P1 backlog", what=backlog, unit=UNIT, ours=drained),
    ]


def end_to_end(producers: Fleet, size: Size, store: str | None = None) -> float:
    """One round, on a new SQLite store or the empty one at this URL: messages a second."""
    with installation(store) as product:
        fill(product.settings.store_address, size.patterns)
        with product.worker():
            return _ingested(producers, size, product)


def _ingested(producers: Fleet, size: Size, product: Product) -> float:
    product.wait_for_workers(1)
    with counting(product) as applied:
        count = applied() + producers.size * size.messages
        began = producers.start(recording, lambda number: _arguments(product, number, size))
        wait_until(
            lambda: applied() >= count or any(each.done() and each.exception() for each in began),
            why=f"{count} messages are applied",
        )
        ended = time.monotonic()
    return producers.size * size.messages / (ended - min(results(began)))


def _drained(producers: Fleet, size: Size) -> float:
    with installation() as product:
        fill(product.settings.store_address, size.patterns)
        producers.run(recording, lambda number: _arguments(product, number, size))
        with counting(product) as applied, product.worker():
            return rate_of(applied, producers.size * size.messages)


def _direct(writers: Fleet, size: Size) -> float:
    with installation() as product:
        fill(product.settings.store_address, size.patterns)
        path = sqlite_path(product)
        return sum(writers.run(direct_writers.writing, lambda number: (path, number, size.patterns, size.seconds)))


def _arguments(product: Product, number: int, size: Size) -> tuple[object, ...]:
    return (product.home, number, size.messages, size.patterns)

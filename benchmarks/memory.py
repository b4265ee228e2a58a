"""P9: how much memory the worker takes after many messages."""

import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from benchmarks.figures import Figure, Target, columns
from benchmarks.filling import fill
from benchmarks.installation import counting, installation
from benchmarks.traffic import messages
from ostinato.messages import wire
from ostinato.messages.models import BATCH_COUNT, ApplyBatch
from ostinato.messages.routing import QUEUE
from ostinato.publishing.publisher import producer_app, publish_text
from tests.product import Product
from tests.waiting import wait_until

# As many batches wait at most, so that it is the worker's memory that fills and not the broker's.
_WAITING = 40


@dataclass(frozen=True, slots=True)
class Size:
    """The worker's memory after ``few`` messages, and after ``many``."""

    rounds: int
    patterns: int
    few: int
    many: int


# Each round takes minutes, and memory varies less than time: three.
FULL = Size(rounds=3, patterns=20_000, few=100_000, many=1_000_000)
QUICK = Size(rounds=1, patterns=50, few=1_000, many=2_000)


def run(*, quick: bool) -> list[Figure]:
    """One worker's resident memory, each round a new one; messages come in batches of 500."""
    size = QUICK if quick else FULL
    few, many = columns(_round(size) for _ in range(size.rounds))
    return [
        Figure(
            key="P9",
            what=f"the worker's memory after {size.many:,} messages",
            unit="MB",
            ours=many,
            baseline=few,
            against=f"after {size.few:,}",
            targets=(Target("ratio", "at most", 1.1), Target("worst", "at most", 200)),
        )
    ]


def _round(size: Size) -> tuple[float, float]:
    with installation() as product:
        fill(product.settings.store_address, size.patterns)
        batches = _batches(size)
        with counting(product) as applied, product.worker() as worker:
            start = applied()

            def after(count: int) -> float:
                _send(product, islice(batches, (start + count - applied()) // BATCH_COUNT))
                wait_until(lambda: applied() >= start + count, why=f"{count} are applied")
                return resident(worker.pid)

            return after(size.few), after(size.many)


def resident(pid: int) -> float:
    """The memory that a process has in use, in millions of bytes."""
    command = ("ps", "-o", "rss=", "-p", str(pid))
    kibibytes = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own
    return int(kibibytes) * 1024 / 1e6


def _batches(size: Size) -> Iterator[str]:
    rest = messages(0, size.many, size.patterns)
    while texts := [message.content() for message in islice(rest, BATCH_COUNT)]:
        yield wire.encode_batch(texts)


def _send(product: Product, batches: Iterable[str]) -> None:
    app = producer_app(product.settings)
    for batch in batches:
        wait_until(lambda: product.client.llen(QUEUE) < _WAITING, why="the worker takes messages")
        publish_text(app, ApplyBatch.KIND, batch, summary="a batch")
    app.close()

"""P8: the question that the store is there for, while messages are applied."""

import time
from dataclasses import dataclass
from random import Random

from benchmarks.figures import Figure, Target, columns, percentile
from benchmarks.filling import TAGS, TYPES
from benchmarks.fleet import Fleet, results
from benchmarks.recalculation import filled
from benchmarks.traffic import calling, seeded
from store import Store
from tests.product import Product

_MILLISECONDS = 1_000
_TOP = 20


@dataclass(frozen=True, slots=True)
class Size:
    """Questions about the patterns, at least ``fewest``, while messages are sent for ``seconds``."""

    rounds: int
    patterns: int
    seconds: float
    messages_a_second: float
    fewest: int


FULL = Size(rounds=5, patterns=100_000, seconds=4.0, messages_a_second=1_000, fewest=500)
QUICK = Size(rounds=1, patterns=2_000, seconds=0.5, messages_a_second=50, fewest=10)


def run(*, quick: bool) -> list[Figure]:
    """The top 20, by filters that are others each time, while another process records messages."""
    size = QUICK if quick else FULL
    with Fleet(1) as fleet, filled(size.patterns) as product:
        p50, p99 = columns(_asked(fleet, product, size, number) for number in range(size.rounds))
    what = f"of a question for the top {_TOP} of {size.patterns:,}"
    return [
        Figure(key="P8 p50", what=f"median {what}", unit="ms", ours=p50),
        Figure(
            key="P8", what=f"99th percentile {what}", unit="ms", ours=p99, targets=(Target("median", "at most", 5),)
        ),
    ]


def _asked(fleet: Fleet, product: Product, size: Size, seed: int) -> tuple[float, float]:
    """The median and the 99th percentile, in milliseconds."""
    random = seeded(seed)
    traffic = fleet.start(calling, lambda _: (product.home, seed, 1_000, size.messages_a_second, size.seconds))
    with Store(product.settings.store_address) as store:
        _ask(store, random)
        waits: list[float] = []
        while not traffic[0].done() or len(waits) < size.fewest:
            began = time.perf_counter()
            _ask(store, random)
            waits.append((time.perf_counter() - began) * _MILLISECONDS)
    results(traffic)
    return percentile(waits, 0.5), percentile(waits, 0.99)


def _ask(store: Store, random: Random) -> None:
    """By a type, by one tag or one of two, or by a type and these."""
    kind = random.choice((None, *(f"type {number}" for number in range(TYPES))))
    tags = [f"tag {random.randrange(TAGS)}" for _ in range(random.randrange(0 if kind else 1, 3))]
    store.patterns(pattern_type=kind, context_tags=tags, limit=_TOP)

"""P7: what an application costs a pattern with many earlier ones, one message at a time."""

import time
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from statistics import median

from benchmarks.figures import Figure, Target, columns
from benchmarks.filling import fill, say
from benchmarks.installation import installation
from benchmarks.traffic import application, id_of, seeded
from store.writing.transaction import Writer
from tasks.receiver import Receiver
from worker.clock import now

_HOT = 0
_MICROSECONDS = 1e6


@dataclass(frozen=True, slots=True)
class Size:
    """Pairs of messages in a round; the hot pattern has ``earlier`` applications before the first one."""

    rounds: int
    pairs: int
    earlier: int


FULL = Size(rounds=5, pairs=300, earlier=100_000)
QUICK = Size(rounds=1, pairs=20, earlier=200)
FEW = 10


def run(*, quick: bool) -> list[Figure]:
    """In pairs, one for the hot pattern and one for another with 10, each of them first in every other pair."""
    size = QUICK if quick else FULL
    cold = count(_HOT + 1)
    with installation() as product:
        url = product.settings.store_address
        patterns = size.rounds * size.pairs + 1
        fill(url, patterns)
        random = seeded(0)
        say(url, (application(random, id_of(_HOT)) for _ in range(size.earlier)))
        say(url, (application(random, id_of(_HOT + 1 + number // FEW)) for number in range((patterns - 1) * FEW)))
        with closing(Writer(url)) as writer:
            receiver = Receiver(writer, now, lambda _: False)
            few, many = columns(_round(receiver, [next(cold) for _ in range(size.pairs)]) for _ in range(size.rounds))
    return [
        Figure(
            key="P7",
            what=f"an application to a pattern with {size.earlier:,}",
            unit="µs",
            ours=many,
            baseline=few,
            against=f"with {FEW}",
            targets=(Target("ratio", "at most", 1.2),),
        )
    ]


def _round(receiver: Receiver, cold: list[int]) -> tuple[float, float]:
    """The median microseconds of an application to the cold ones, and of one to the hot one."""
    random = seeded(len(cold))
    times: dict[bool, list[float]] = {True: [], False: []}
    for number, pattern in enumerate(cold):
        for hot in (number % 2 == 0, number % 2 == 1):
            message = application(random, id_of(_HOT if hot else pattern))
            text = message.content()
            began = time.perf_counter()
            receiver.receive(message.KIND, text, "benchmark")
            times[hot].append((time.perf_counter() - began) * _MICROSECONDS)
    return median(times[False]), median(times[True])

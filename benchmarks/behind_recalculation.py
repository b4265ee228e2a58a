"""P4: how long a message waits that arrives while every score is being recomputed."""

import time
from dataclasses import dataclass

from benchmarks.figures import Figure, Target, columns, percentile
from benchmarks.filling import age, raw
from benchmarks.installation import sqlite_path
from benchmarks.recalculation import filled
from benchmarks.traffic import sighting
from ostinato.messages.models import RecalculateAllPatternPriorities
from ostinato.publishing.publisher import producer_app, publish
from tests.product import Product
from tests.waiting import wait_until

_APPLIED = "SELECT message_id, applied_at FROM inbox"
_SPAN = "SELECT clock, finished_at FROM recalculations WHERE message_id = ?"
_A_MILLISECOND = 1_000


@dataclass(frozen=True, slots=True)
class Size:
    """A message every ``pause`` seconds, while the patterns are recalculated, once in each round."""

    rounds: int
    patterns: int
    pause: float


FULL = Size(rounds=5, patterns=100_000, pause=0.025)
QUICK = Size(rounds=1, patterns=6_000, pause=0.005)


def run(*, quick: bool) -> list[Figure]:
    """From the moment before a message is sent to that at which its transaction has its turn."""
    size = QUICK if quick else FULL
    with filled(size.patterns) as product:
        longest, p99 = columns(_waits(product, size) for _ in range(size.rounds))
    behind = f"wait behind a recalculation of {size.patterns:,}"
    target = Target("worst", "at most", 250)
    return [
        Figure(key="P4", what=f"longest {behind}", unit="ms", ours=longest, targets=(target,)),
        Figure(key="P4 p99", what=f"99th percentile of the {behind}", unit="ms", ours=p99),
    ]


def _waits(product: Product, size: Size) -> tuple[float, float]:
    """The longest and the 99th percentile, in milliseconds, of what was sent while it went on."""
    path, message = sqlite_path(product), RecalculateAllPatternPriorities()
    age(path)
    sent = _sent_during(product, message, size.pause)
    wait_until(lambda: product.store.arrived(list(sent)[-1:]), why="the last message is applied")
    with raw(path) as connection:
        began, ended = connection.execute(_SPAN, (str(message.id),)).fetchone()
        applied = dict(connection.execute(_APPLIED).fetchall())
    waits = [(applied[key] - at) / _A_MILLISECOND for key, at in sent.items() if began <= applied[key] and at <= ended]
    return max(waits), percentile(waits, 0.99)


def _sent_during(product: Product, message: RecalculateAllPatternPriorities, pause: float) -> dict[str, int]:
    """The ids of the messages that were sent until a recalculation was over, and the microsecond of each."""
    sent: dict[str, int] = {}
    app = producer_app(product.settings)
    publish(app, sighting(0))
    publish(app, message)
    due = time.monotonic()
    while not product.store.recalculated(str(message.id)):
        single = sighting(len(sent))
        sent[str(single.id)] = time.time_ns() // _A_MILLISECOND
        publish(app, single)
        due += pause
        time.sleep(max(0.0, due - time.monotonic()))
    app.close()
    return sent

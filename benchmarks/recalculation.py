"""P3: recomputing every score, by the worker, while nothing else waits."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.baselines import row_by_row
from benchmarks.figures import Figure, Target, alternate
from benchmarks.filling import age, fill_large, raw
from benchmarks.installation import installation, sqlite_path
from ostinato.messages.models import RecalculateAllPatternPriorities
from tests.product import Product
from tests.waiting import wait_until

_TOOK = "SELECT (finished_at - clock) / 1e6, changed FROM recalculations WHERE message_id = ?"


@dataclass(frozen=True, slots=True)
class Size:
    """Patterns, and a larger number of them, to see whether the time grows with their number alone."""

    rounds: int
    patterns: int
    large: int


FULL = Size(rounds=5, patterns=100_000, large=1_000_000)
QUICK = Size(rounds=1, patterns=300, large=900)


def run(*, quick: bool) -> list[Figure]:
    """Recalculations of stores whose every score changes, a day later each time, against row by row."""
    size = QUICK if quick else FULL
    with filled(size.patterns) as product, filled(size.large) as large:
        path = sqlite_path(product)
        rows, ours = alternate(
            size.rounds,
            lambda: size.patterns / row_by_row.recalculate(_aged(path)),
            lambda: size.patterns / recalculate(product, size.patterns),
        )
        small, more = alternate(
            size.rounds,
            lambda: recalculate(product, size.patterns),
            lambda: recalculate(large, size.large),
        )
    what = f"patterns a second, recalculating {size.patterns:,}"
    growth = f"seconds for a recalculation of {size.large:,}"
    ten, twelve = Target("ratio", "at least", 10), Target("ratio", "at most", 12)
    return [
        Figure(key="P3", what=what, unit="patterns/s", ours=ours, baseline=rows, against="row by row", targets=(ten,)),
        Figure(
            key="P3 large",
            what=growth,
            unit="s",
            ours=more,
            baseline=small,
            against=f"{size.patterns:,}",
            targets=(twelve,),
        ),
    ]


@contextmanager
def filled(patterns: int) -> Generator[Product]:
    """An installation with a worker and patterns, each with 5 applications."""
    with installation() as product:
        fill_large(sqlite_path(product), patterns)
        with product.worker():
            product.wait_for_workers(1)
            yield product


def recalculate(product: Product, patterns: int) -> float:
    """Have the worker recompute every score, a day after the last time; the seconds from its first look to its last.

    RuntimeError if it had less to write than it should have.
    """
    path, message = _aged(sqlite_path(product)), RecalculateAllPatternPriorities()
    product.send(message)
    wait_until(lambda: product.store.recalculated(str(message.id)), why="every score is recomputed")
    with raw(path) as connection:
        seconds, changed = connection.execute(_TOOK, (str(message.id),)).fetchone()
    if changed != patterns:
        raise RuntimeError(f"{changed} scores of {patterns} changed")
    return float(seconds)


def _aged(path: Path) -> Path:
    age(path)
    return path

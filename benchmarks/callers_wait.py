"""P2: how long a call of `Producer.record_pattern` keeps its caller, in 32 processes at once."""

from dataclasses import dataclass

from benchmarks import traffic
from benchmarks.baselines import direct_writers
from benchmarks.figures import Figure, Target, columns, percentile
from benchmarks.filling import fill
from benchmarks.fleet import Fleet
from benchmarks.installation import installation, sqlite_path

_MILLISECONDS = 1_000
_NAMES = {"P2 p50": "the median", "P2": "the 99th percentile", "P2 max": "the longest"}


@dataclass(frozen=True, slots=True)
class Size:
    """Each process calls ``a_second`` times a second."""

    rounds: int
    processes: int
    a_second: float
    seconds: float
    patterns: int


FULL = Size(rounds=5, processes=32, a_second=20, seconds=8.0, patterns=20_000)
QUICK = Size(rounds=1, processes=2, a_second=20, seconds=0.5, patterns=50)


def run(*, quick: bool) -> list[Figure]:
    """The caller's wait, the worker running, against that of direct writers at the same pace."""
    size = QUICK if quick else FULL
    with Fleet(size.processes) as fleet:
        rounds = [(*_direct(fleet, size), *_ours(fleet, size)) for _ in range(size.rounds)]
    values = columns(rounds)
    targets = {"P2": (Target("ratio", "at most", 0.05), Target("median", "at most", 2))}
    return [
        Figure(
            key=key,
            what=f"{name} of the caller's wait, {size.processes} processes",
            unit="ms",
            ours=ours,
            baseline=direct,
            against=f"{size.processes} direct writers",
            targets=targets.get(key, ()),
        )
        for (key, name), direct, ours in zip(_NAMES.items(), values[:3], values[3:], strict=True)
    ]


def _ours(fleet: Fleet, size: Size) -> tuple[float, ...]:
    with installation() as product:
        fill(product.settings.store_address, size.patterns)
        pace = (size.patterns, size.a_second, size.seconds)
        with product.worker():
            product.wait_for_workers(1)
            return percentiles(fleet.run(traffic.calling, lambda number: (product.home, number, *pace)))


def _direct(fleet: Fleet, size: Size) -> tuple[float, ...]:
    with installation() as product:
        fill(product.settings.store_address, size.patterns)
        path, pace = sqlite_path(product), (size.patterns, size.a_second, size.seconds)
        return percentiles(fleet.run(direct_writers.calling, lambda number: (path, number, *pace)))


def percentiles(waits: list[list[float]]) -> tuple[float, ...]:
    """The median, the 99th percentile and the longest of all, in milliseconds."""
    every = [wait * _MILLISECONDS for each in waits for wait in each]
    return percentile(every, 0.5), percentile(every, 0.99), max(every)

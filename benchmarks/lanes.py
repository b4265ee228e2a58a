"""One, two and four lanes on PostgreSQL: how fast their workers drain a backlog."""

from contextlib import ExitStack
from functools import partial

from benchmarks.figures import Figure, alternate
from benchmarks.filling import fill
from benchmarks.fleet import Fleet
from benchmarks.ingest import FULL, QUICK, UNIT, Size
from benchmarks.installation import counting, durable_postgresql, installation, rate_of
from benchmarks.traffic import recording
from tests.servers.databases import PostgresqlDatabase

_LANES = (1, 2, 4)


def run(*, quick: bool) -> list[Figure]:
    """The same messages, spread over the lanes, with a worker each."""
    size = QUICK if quick else FULL
    with durable_postgresql() as database, Fleet(size.producers) as producers:
        measures = (partial(_drained, database, producers, size, each) for each in _LANES)
        one, *more = alternate(size.rounds, *measures)
    return [
        Figure(
            key=f"{lanes} lanes",
            what="messages a second, from a backlog in batches on PostgreSQL",
            unit=UNIT,
            ours=ours,
            baseline=one,
            against="one lane",
        )
        for lanes, ours in zip(_LANES[1:], more, strict=True)
    ]


def _drained(database: PostgresqlDatabase, producers: Fleet, size: Size, lanes: int) -> float:
    url = database.new_store()
    with installation(url) as product:
        fill(product.settings.store_address, size.patterns)
        producers.run(recording, lambda number: (product.home, number, size.messages, size.patterns, lanes))
        with counting(product) as applied, ExitStack() as workers:
            for lane in range(lanes):
                env = {"OSTINATO_LANES": str(lanes), "OSTINATO_LANE": str(lane)}
                workers.enter_context(product.worker(f"worker{lane}", env=env))
            rate = rate_of(applied, producers.size * size.messages)
    database.drop(url)
    return rate

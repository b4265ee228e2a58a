"""P10: the same ingest on PostgreSQL, as durable as SQLite is, and on SQLite in the same run."""

from benchmarks.figures import Figure, Target, alternate
from benchmarks.fleet import Fleet
from benchmarks.ingest import FULL, QUICK, UNIT, WHAT, end_to_end
from benchmarks.installation import durable_postgresql


def run(*, quick: bool) -> list[Figure]:
    """End to end, by the same producers, in turn on each."""
    size = QUICK if quick else FULL
    with durable_postgresql() as database, Fleet(size.producers) as producers:

        def on_postgresql() -> float:
            url = database.new_store()
            rate = end_to_end(producers, size, url)
            database.drop(url)
            return rate

        sqlite, ours = alternate(size.rounds, lambda: end_to_end(producers, size), on_postgresql)
    return [
        Figure(
            key="P10",
            what=f"{WHAT} on PostgreSQL",
            unit=UNIT,
            ours=ours,
            baseline=sqlite,
            against="on SQLite",
            targets=(Target("ratio", "at least", 0.5),),
        )
    ]

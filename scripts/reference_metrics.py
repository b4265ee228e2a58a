"""The page of the metrics, from their declaration."""  # noqa: INP001 (a neighbour of a script that is run by its path)

from collections.abc import Iterable

from reference_codes import MADE

from worker.observability.metrics.declared import ASKED, COUNTED, SAID, Metric
from worker.observability.metrics.gauges import ANSWER_SECONDS


def page() -> str:
    """The page."""
    return f"""# Metrics

{MADE}

A worker serves them where `OSTINATO_METRICS_PORT` is set ([how to](../how-to/monitoring.md)). Times are seconds, those
called `timestamp` seconds since 1970 UTC. Beside these there are, on Linux, the `process_…` of Prometheus's own client:
memory, processor time, open files, and when the worker started.

## What this worker did

Counted from its start, each time right after a commit: what was rolled back or tried again counts once. Where the
answer to a commit was lost with the connection, the message comes again, and counts as a duplicate;
`ostinato_store_messages` has it right. Sum these over the workers. Beside each stands a `…_created`, which says when it
began.

{_table(COUNTED)}
Buckets, as upper bounds:

{_buckets(COUNTED)}
## What this worker says of itself

{_table(SAID)}
## What store, broker and outboxes say

Asked whenever the worker is asked, for {ANSWER_SECONDS:g} seconds at most. Of what does not answer the gauges are left
out, and the `_available` or `_up` of it is 0. With several workers each gives the same answer: take `max()`, not
`sum()`; of outboxes, that of each machine.

{_table(ASKED)}"""


def _table(metrics: Iterable[Metric]) -> str:
    rows = "".join(
        f"| `{each.series[0] if each.kind == 'counter' else each.name}` | {each.kind} | "
        f"{', '.join(f'`{label}`' for label in each.labels)} | {each.help} |\n"
        for each in metrics
    )
    return f"| name | type | labels | what it is |\n|---|---|---|---|\n{rows}"


def _buckets(metrics: Iterable[Metric]) -> str:
    return "".join(
        f"* `{each.name}`: {', '.join(f'{bound:g}' for bound in each.buckets)}\n" for each in metrics if each.buckets
    )

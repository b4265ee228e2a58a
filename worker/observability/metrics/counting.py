"""Counts what committed transactions did."""

from collections import Counter as Tally

from prometheus_client import CollectorRegistry, Counter, Histogram

from ostinato.messages.models import BATCH_MEMBERS, RecalculateAllPatternPriorities
from store.writing.committed import Done
from worker.observability.metrics import declared
from worker.observability.metrics.declared import Metric

_KINDS = (*BATCH_MEMBERS, RecalculateAllPatternPriorities.KIND)


class Counting:
    """The counters and histograms of one worker, in the registry given.

    ``last_applied`` is when a message was applied last, in seconds since 1970 UTC; None before that.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._applied = _counter(declared.APPLIED, registry)
        self._duplicates = _counter(declared.DUPLICATES, registry)
        self._merges = _counter(declared.MERGES, registry)
        self._parked = _counter(declared.PARKED, registry)
        self._quarantined = _counter(declared.QUARANTINED, registry)
        self._lag = _histogram(declared.LAG, registry)
        self._brought = _histogram(declared.BROUGHT, registry)
        self._seconds = _histogram(declared.SECONDS, registry)
        self._recalculation = _histogram(declared.RECALCULATION, registry)
        self.last_applied: float | None = None
        for kind in _KINDS:
            # Else the first message of a kind would be no increase to a Prometheus server.
            self._applied.labels(kind)

    def count(self, done: Done) -> None:
        """Add what one committed transaction did."""
        for kind, count in Tally(event.kind for event in (*done.applied, *done.unparked)).items():
            self._applied.labels(kind).inc(count)
            self.last_applied = done.now / 1e6
        for kind, count in Tally(event.kind for event in done.parked).items():
            self._parked.labels(kind).inc(count)
        for reason in done.quarantined:
            self._quarantined.labels(reason).inc()
        self._duplicates.inc(done.duplicates)
        self._merges.inc(done.merges)
        for seconds in done.lags:
            self._lag.observe(seconds)
        self._brought.observe(done.brought)
        self._seconds.observe(done.seconds)
        for seconds in done.recalculated:
            self._recalculation.observe(seconds)


def _counter(metric: Metric, registry: CollectorRegistry) -> Counter:
    return Counter(metric.name, metric.help, metric.labels, registry=registry)


def _histogram(metric: Metric, registry: CollectorRegistry) -> Histogram:
    return Histogram(metric.name, metric.help, metric.labels, registry=registry, buckets=metric.buckets)

"""Counts what committed transactions did."""

from collections import Counter as Tally

from prometheus_client import CollectorRegistry, Counter, Histogram

from ostinato.messages.models import BATCH_MEMBERS, RecalculateAllPatternPriorities
from store.writing.committed import Committed
from worker.observability.metrics import declared
from worker.observability.metrics.declared import Metric

_KINDS = (*BATCH_MEMBERS, RecalculateAllPatternPriorities.KIND)


class Counting:
    """The counters and histograms of one worker, in the registry given.

    ``last_applied`` is when the last message was applied, in seconds since 1970 UTC; None before the first.
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
            # From 0 on: a Prometheus server sees no increase in a counter that begins with 1.
            self._applied.labels(kind)

    def count(self, committed: Committed) -> None:
        """Add what one committed transaction did."""
        for kind, count in Tally(event.kind for event in (*committed.applied, *committed.unparked)).items():
            self._applied.labels(kind).inc(count)
            self.last_applied = committed.now / 1e6
        for kind, count in Tally(event.kind for event in committed.parked).items():
            self._parked.labels(kind).inc(count)
        for reason in committed.quarantined:
            self._quarantined.labels(reason).inc()
        self._duplicates.inc(committed.duplicates)
        self._merges.inc(committed.merges)
        for seconds in committed.lags:
            self._lag.observe(seconds)
        self._brought.observe(committed.brought)
        self._seconds.observe(committed.seconds)
        for seconds in committed.recalculated:
            self._recalculation.observe(seconds)


def _counter(metric: Metric, registry: CollectorRegistry) -> Counter:
    return Counter(metric.name, metric.help, metric.labels, registry=registry)


def _histogram(metric: Metric, registry: CollectorRegistry) -> Histogram:
    return Histogram(metric.name, metric.help, metric.labels, registry=registry, buckets=metric.buckets)

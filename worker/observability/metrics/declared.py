"""Every metric: name, type, labels and meaning. docs/reference/metrics.md is made from this module."""

from collections.abc import Sequence
from typing import Literal, NamedTuple


class Metric(NamedTuple):
    """A metric as Prometheus sees it.

    ``name`` is without the ``_total`` of a counter and the ``_bucket`` of a histogram. ``buckets`` are the upper bounds
    of a histogram's buckets, without infinity.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """The names of its series on a Prometheus server."""
        match self.kind:
            case "counter":
                return (f"{self.name}_total",)
            case "histogram":
                return tuple(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))
            case _:
                return (self.name,)


_TRANSACTION_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_MESSAGES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000)
_LAG_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400)
_RECALCULATION_SECONDS = (0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600)

APPLIED = Metric(
    "ostinato_messages_applied",
    "counter",
    "Messages that took effect, including those that had been parked; each member of a batch counts.",
    ("kind",),
)
DUPLICATES = Metric("ostinato_messages_duplicate", "counter", "Messages that had been applied before.")
MERGES = Metric("ostinato_patterns_merged", "counter", "Sightings that merged into a pattern with another id.")
PARKED = Metric(
    "ostinato_messages_parked", "counter", "Messages that began to wait for their pattern to appear.", ("kind",)
)
QUARANTINED = Metric(
    "ostinato_messages_quarantined",
    "counter",
    "Messages that entered the quarantine; the same delivery counts once.",
    ("reason",),
)
LAG = Metric(
    "ostinato_lag_seconds",
    "histogram",
    "Seconds from the `occurred_at` of a message to its application; 0 if that time is in the future. "
    "Messages that had been parked, imports and recalculations are left out.",
    buckets=_LAG_SECONDS,
)
BROUGHT = Metric(
    "ostinato_transaction_messages",
    "histogram",
    "Messages of one transaction, applied or not; each chunk of a recalculation is one.",
    buckets=_MESSAGES,
)
SECONDS = Metric(
    "ostinato_transaction_seconds",
    "histogram",
    "Seconds from the request for a transaction to its commit; the wait for other writers is part of it.",
    buckets=_TRANSACTION_SECONDS,
)
RECALCULATION = Metric(
    "ostinato_recalculation_seconds",
    "histogram",
    "Seconds from the begin of a recalculation to its end; messages may have been applied in between.",
    buckets=_RECALCULATION_SECONDS,
)
LAST_APPLIED = Metric(
    "ostinato_last_applied_timestamp_seconds", "gauge", "When this worker last applied a message; absent before that."
)
WORKER = Metric(
    "ostinato_worker_info", "gauge", "Always 1: the version and the lane of this worker.", ("version", "lane")
)
EVERY = Metric(
    "ostinato_recalculation_interval_seconds",
    "gauge",
    "Seconds between two recalculations, according to this worker's settings.",
)

STORE_AVAILABLE = Metric(
    "ostinato_store_available",
    "gauge",
    "1 if the store answers and no message of this worker waits for it, else 0.",
)
STORE_MESSAGES = Metric(
    "ostinato_store_messages",
    "gauge",
    "Counters of the store itself, since it was created: messages `applied` and `duplicates`, and `merges`.",
    ("what",),
)
STORE_PARKED = Metric("ostinato_store_parked_messages", "gauge", "Messages that wait for their pattern now.")
STORE_PARKED_SINCE = Metric(
    "ostinato_store_parked_oldest_timestamp_seconds",
    "gauge",
    "When the oldest parked message began to wait; absent if none waits.",
)
STORE_QUARANTINED = Metric(
    "ostinato_store_quarantined_messages",
    "gauge",
    "Messages in the quarantine that were neither replayed nor discarded.",
    ("reason",),
)
STORE_RECALCULATED = Metric(
    "ostinato_store_recalculated_timestamp_seconds",
    "gauge",
    "When the last recalculation ended; absent if there was none.",
)
BROKER_UP = Metric("ostinato_broker_up", "gauge", "1 if the broker answers this worker, else 0.")
QUEUE = Metric(
    "ostinato_queue_messages",
    "gauge",
    "Messages that wait on the broker or are being applied; on RabbitMQ only those that wait. A batch is one.",
    ("lane",),
)
QUEUE_WORKERS = Metric("ostinato_queue_workers", "gauge", "Workers that take messages from a lane.", ("lane",))
OUTBOX_UP = Metric("ostinato_outbox_up", "gauge", "1 if every outbox in this machine's folder can be read, else 0.")
OUTBOX = Metric(
    "ostinato_outbox_messages",
    "gauge",
    "Messages in the outboxes of this machine's folder that the broker does not have yet.",
)
OUTBOX_SINCE = Metric(
    "ostinato_outbox_oldest_timestamp_seconds",
    "gauge",
    "When the message was recorded that has waited longest; absent if none waits.",
)

COUNTED: Sequence[Metric] = (APPLIED, DUPLICATES, MERGES, PARKED, QUARANTINED, LAG, BROUGHT, SECONDS, RECALCULATION)
"""What this worker did; counted after each commit."""
SAID: Sequence[Metric] = (LAST_APPLIED, WORKER, EVERY)
"""What this worker knows about itself."""
ASKED: Sequence[Metric] = (
    STORE_AVAILABLE,
    STORE_MESSAGES,
    STORE_PARKED,
    STORE_PARKED_SINCE,
    STORE_QUARANTINED,
    STORE_RECALCULATED,
    BROKER_UP,
    QUEUE,
    QUEUE_WORKERS,
    OUTBOX_UP,
    OUTBOX,
    OUTBOX_SINCE,
)
"""What every worker reports alike: the store, the broker, the outboxes of its machine."""
METRICS: Sequence[Metric] = (*COUNTED, *SAID, *ASKED)

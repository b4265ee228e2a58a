"""What is found out when it is asked for: how store, broker and outboxes do, and what the worker says of itself."""

from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from time import monotonic
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from ostinato.outbox.inspection import Contents
from store.reading.vitals import Vitals
from worker.broker.client import BrokerState
from worker.observability.metrics import declared
from worker.observability.metrics.asking import Question
from worker.observability.metrics.declared import Metric

# A Prometheus server waits for ten seconds if it is not told otherwise.
ANSWER_SECONDS = 3.0

_Value = tuple[tuple[str, ...], float]


class Sources(NamedTuple):
    """Who is asked; each may raise, or hang."""

    store: Callable[[], Vitals]
    broker: Callable[[], BrokerState]
    outboxes: Callable[[], Sequence[Contents]]


class Itself(NamedTuple):
    """What the worker says of itself; ``every`` in seconds."""

    lane: int
    every: float
    last_applied: Callable[[], float | None]
    waits_for_store: Callable[[], bool]


class Gauges(Collector):
    """The gauges. What does not answer within `ANSWER_SECONDS` is left out, and another gauge says so."""

    def __init__(self, itself: Itself, sources: Sources) -> None:
        self._itself = itself
        self._store = Question("store", sources.store)
        self._broker = Question("broker", sources.broker)
        self._outboxes = Question("outboxes", sources.outboxes)

    @override
    def collect(self) -> Iterator[GaugeMetricFamily]:
        # All at once, so that they share the time.
        store, broker, outboxes = self._store.begin(), self._broker.begin(), self._outboxes.begin()
        deadline = monotonic() + ANSWER_SECONDS
        yield from _of_itself(self._itself)
        yield from _of_store(store.by(deadline), waits=self._itself.waits_for_store())
        yield from _of_broker(broker.by(deadline))
        yield from _of_outboxes(outboxes.by(deadline))


def _of_itself(itself: Itself) -> Iterator[GaugeMetricFamily]:
    yield _gauge(declared.WORKER, ((version("ostinato"), str(itself.lane)), 1))
    yield _gauge(declared.EVERY, ((), itself.every))
    yield from _if_any(declared.LAST_APPLIED, itself.last_applied())


def _of_store(vitals: Vitals | None, *, waits: bool) -> Iterator[GaugeMetricFamily]:
    yield _gauge(declared.STORE_AVAILABLE, ((), vitals is not None and not waits))
    if vitals is not None:
        yield _gauge(declared.STORE_MESSAGES, *(((name,), count) for name, count in vitals.counters.items()))
        yield _gauge(declared.STORE_PARKED, ((), vitals.parked))
        yield from _if_any(declared.STORE_PARKED_SINCE, _seconds(vitals.parked_since))
        yield _gauge(declared.STORE_QUARANTINED, *(((reason,), count) for reason, count in vitals.quarantined.items()))
        yield from _if_any(declared.STORE_RECALCULATED, _seconds(vitals.recalculated))


def _of_broker(state: BrokerState | None) -> Iterator[GaugeMetricFamily]:
    yield _gauge(declared.BROKER_UP, ((), state is not None))
    if state is not None:
        yield _gauge(declared.QUEUE, *(((str(lane),), count) for lane, count in state.lanes.items()))
        yield _gauge(declared.QUEUE_WORKERS, *(((str(lane),), state.served.get(lane, 0)) for lane in state.lanes))


def _of_outboxes(found: Sequence[Contents] | None) -> Iterator[GaugeMetricFamily]:
    yield _gauge(declared.OUTBOX_UP, ((), found is not None and not any(each.problem for each in found)))
    if found is not None:
        yield _gauge(declared.OUTBOX, ((), sum(each.waiting for each in found)))
        oldest = min((each.oldest for each in found if each.oldest is not None), default=None)
        yield from _if_any(declared.OUTBOX_SINCE, None if oldest is None else oldest.timestamp())


def _gauge(metric: Metric, *values: _Value) -> GaugeMetricFamily:
    family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, value in values:
        family.add_metric(labels, float(value))
    return family


def _if_any(metric: Metric, value: float | None) -> Iterator[GaugeMetricFamily]:
    if value is not None:
        yield _gauge(metric, ((), value))


def _seconds(micros: int | None) -> float | None:
    return None if micros is None else micros / 1e6

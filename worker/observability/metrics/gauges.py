"""The gauges, asked for at every scrape: the state of store, broker and outboxes, and of the worker itself."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from importlib.metadata import version
from threading import Lock, Thread
from time import monotonic
from typing import Generic, NamedTuple, TypeVar

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from ostinato.outbox.inspection import Contents
from store.reading.vitals import Vitals
from tasks.receiver import Receiver
from worker.broker.client import BrokerState
from worker.observability.metrics import declared
from worker.observability.metrics.counting import Counting
from worker.observability.metrics.declared import Metric
from worker.settings import Settings

# A Prometheus server waits for ten seconds if it is not told otherwise.
ANSWER_SECONDS = 3.0

_Value = tuple[tuple[str, ...], float]
T = TypeVar("T")


class Sources(NamedTuple):
    """What is asked at every scrape; each may raise, or hang."""

    store: Callable[[], Vitals]
    broker: Callable[[], BrokerState]
    outboxes: Callable[[], Sequence[Contents]]


class Gauges(Collector):
    """The gauges. A source that does not answer within ``seconds`` is left out, and another gauge says so."""

    def __init__(
        self,
        settings: Settings,
        counting: Counting,
        receiver: Receiver,
        sources: Sources,
        seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._seconds = seconds
        self._settings = settings
        self._counting = counting
        self._receiver = receiver
        self._store = Question("store", sources.store)
        self._broker = Question("broker", sources.broker)
        self._outboxes = Question("outboxes", sources.outboxes)

    @override
    def collect(self) -> Iterator[GaugeMetricFamily]:
        # All at once, so that they share the time.
        store, broker, outboxes = self._store.begin(), self._broker.begin(), self._outboxes.begin()
        deadline = monotonic() + self._seconds
        yield _gauge(declared.WORKER, ((version("ostinato"), str(self._settings.own_lane)), 1))
        yield _gauge(declared.EVERY, ((), self._settings.recalculate_every))
        yield from _if_any(declared.LAST_APPLIED, self._counting.last_applied)
        yield from _of_store(answer(store, deadline), waits=self._receiver.waits_for_store)
        yield from _of_broker(answer(broker, deadline))
        yield from _of_outboxes(answer(outboxes, deadline))


class Question(Generic[T]):
    """One question, asked in a thread of its own. A source that hangs costs one thread: it is not asked twice."""

    def __init__(self, name: str, ask: Callable[[], T]) -> None:
        self._name = name
        self._ask = ask
        self._lock = Lock()
        self._asked: Future[T] | None = None

    def begin(self) -> "Future[T]":
        """Ask, unless that is under way already."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = Future()
                try:
                    # A daemon, so that the worker can end even if no answer comes.
                    Thread(target=self._run, args=(self._asked,), daemon=True, name=f"asking-{self._name}").start()
                except RuntimeError as error:  # there is no room for a thread: the next scrape asks again
                    self._asked.set_exception(error)
            return self._asked

    def _run(self, asked: "Future[T]") -> None:
        try:
            asked.set_result(self._ask())
        except Exception as error:  # noqa: BLE001 - any error means that there is no answer
            asked.set_exception(error)


def answer(asked: "Future[T]", deadline: float) -> T | None:
    """The answer to a question; None if it failed, or has not come by the deadline, in monotonic seconds."""
    try:
        return asked.result(timeout=max(0.0, deadline - monotonic()))
    except Exception:  # noqa: BLE001 - the worker meets the same trouble, and logs it
        return None


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

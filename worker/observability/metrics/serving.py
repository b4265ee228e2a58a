"""The worker's metrics on a port, for as long as the worker runs."""

from collections.abc import Callable
from contextlib import ExitStack

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

from ostinato.errors import ConfigurationError
from ostinato.outbox.inspection import contents
from store.reading.reader import Reader
from store.reading.vitals import Vitals, vitals
from worker.broker.kinds import broker_client
from worker.observability.endpoints import metrics_endpoint
from worker.observability.metrics.counting import Counting
from worker.observability.metrics.gauges import Gauges, Itself, Sources
from worker.settings import Settings


class Metrics:
    """One application's metrics, in a registry of its own; nothing is opened before `start`."""

    def __init__(self, settings: Settings, port: int, waits_for_store: Callable[[], bool]) -> None:
        """Count from now on, and serve on this port, or as many above it as the lane says, once it is started."""
        self._settings = settings
        self._endpoint = metrics_endpoint(settings, port, settings.own_lane)
        self._waits_for_store = waits_for_store
        self._open = ExitStack()
        self.registry = CollectorRegistry()
        self.counting = Counting(self.registry)

    def start(self) -> None:
        """Serve them; ConfigurationError if nobody can listen at this address."""
        ProcessCollector(registry=self.registry)
        self.registry.register(self._gauges())
        try:
            with self._endpoint.refusing():
                server, thread = start_http_server(self._endpoint.port, self._endpoint.address, self.registry)
        except ConfigurationError:
            self.stop()
            raise
        self._open.callback(thread.join)
        self._open.callback(server.server_close)
        self._open.callback(server.shutdown)

    def stop(self) -> None:
        """Close the port and the connections."""
        self._open.close()

    def _gauges(self) -> Gauges:
        settings = self._settings
        store, broker = Reader(settings.store_address), broker_client(settings)
        self._open.callback(store.close)
        self._open.callback(broker.close)

        def ask_store() -> Vitals:
            with store.reading() as connection:
                return vitals(connection)

        return Gauges(
            Itself(
                lane=settings.own_lane,
                every=settings.recalculate_every,
                last_applied=lambda: self.counting.last_applied,
                waits_for_store=self._waits_for_store,
            ),
            Sources(
                store=ask_store,
                broker=broker.state,
                outboxes=lambda: contents(settings.outbox_folder),
            ),
        )

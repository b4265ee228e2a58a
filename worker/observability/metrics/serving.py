"""The worker's metrics on a port, for as long as the worker runs."""

from contextlib import ExitStack
from functools import partial

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

from ostinato.errors import ConfigurationError
from ostinato.outbox.inspection import contents
from store.reading.reader import Reader
from store.reading.vitals import Vitals, vitals
from tasks.receiver import Receiver
from worker.broker.kinds import broker_client
from worker.observability.endpoints import metrics_endpoint
from worker.observability.metrics.counting import Counting
from worker.observability.metrics.gauges import Gauges, Sources
from worker.settings import Settings


class Metrics:
    """One application's metrics, in a registry of its own; nothing is opened before `start`."""

    def __init__(self, settings: Settings, port: int, receiver: Receiver) -> None:
        """Count from now on; serve after `start`, at ``port`` plus the number of the lane."""
        self._settings = settings
        self._endpoint = metrics_endpoint(settings, port, settings.own_lane)
        self._receiver = receiver
        self._open = ExitStack()
        self.registry = CollectorRegistry()
        self.counting = Counting(self.registry)

    def start(self) -> None:
        """Serve them; ConfigurationError if the worker cannot listen at this address."""
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
        store, broker = Reader(self._settings.store_address), broker_client(self._settings)
        self._open.callback(store.close)
        self._open.callback(broker.close)

        def ask_store() -> Vitals:
            with store.reading() as connection:
                return vitals(connection)

        sources = Sources(ask_store, broker.state, partial(contents, self._settings.outbox_folder))
        return Gauges(self._settings, self.counting, self._receiver, sources)

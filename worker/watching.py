"""Who watches what a worker does: the log's summary and, where they have a port, the metrics."""

from contextlib import ExitStack

from store.done import Done, Watch
from tasks.delivery import Receiver
from worker.settings import Settings
from worker.summary import Summary


class Watching:
    """What watches the transactions of one application, from the start of its worker to its end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._summary = Summary()
        self._watches: list[Watch] = [self._summary.add]
        self._running = ExitStack()

    def watch(self, done: Done) -> None:
        """Take note of a committed transaction."""
        for watch in self._watches:
            watch(done)

    def start(self, receiver: Receiver) -> None:
        """Begin to say and to serve; ConfigurationError if the port cannot be used."""
        if self._settings.metrics_port is not None:
            # Nobody else has to wait for the library.
            from worker.metrics.serving import Metrics  # noqa: PLC0415 - see above

            metrics = Metrics(self._settings, self._settings.metrics_port, lambda: receiver.waits_for_store)
            metrics.start()
            self._running.callback(metrics.stop)
            self._watches.append(metrics.counting.count)
        self._summary.start()
        self._running.callback(self._summary.stop)

    def stop(self) -> None:
        """Say what is left, and close the port."""
        self._running.close()

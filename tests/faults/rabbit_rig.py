"""The rig at a RabbitMQ server, which runs already."""

from contextlib import suppress
from pathlib import Path

from amqp.exceptions import AMQPError
from typing_extensions import override

from tests.faults.load import publishing
from tests.faults.rig import Rig, Sending
from tests.servers.rabbit import RabbitServer
from tests.waiting import wait_until
from worker.broker.rabbitmq.queues import declare
from worker.processes.child import Child

QUEUE, DEAD = "ostinato", "ostinato.dead"


class RabbitRig(Rig):
    """A product at this server, whose queues are empty at its beginning.

    The server says only how many messages wait, so what a worker holds counts as in flight by its effect alone.
    """

    def __init__(self, home: Path, seed: str, server: RabbitServer, sending: Sending = publishing) -> None:
        super().__init__(home, seed, sending=sending, broker_url=server.url)
        self.server = server

    def ready(self, name: str) -> Child:
        """Start a worker; returns once it consumes, or stands by."""
        worker = self.worker(name)
        wait_until(lambda: " ready." in self.product.log(name), why=f"{name} is ready")
        return worker

    @override
    def waiting(self) -> int:
        with suppress(OSError, AMQPError):
            return self.server.counts(QUEUE)[0][0]
        return 0

    @override
    def in_flight(self) -> int:
        return sum(waiting for waiting, _ in self.server.counts(QUEUE, DEAD))

    @override
    def unexpected_keys(self) -> list[str]:
        return []

    @override
    def _log_folders(self) -> list[Path]:
        return [*super()._log_folders(), self.server.folder]

    @override
    def _start_broker(self) -> None:
        self.server.clear(QUEUE, DEAD)
        with self.server.connect() as connection:
            declare(connection.channel(), QUEUE)

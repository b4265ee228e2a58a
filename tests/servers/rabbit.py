"""A RabbitMQ server as Debian brings it, in a folder of its own, on free loopback ports."""

import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

from amqp import Connection
from amqp.exceptions import AMQPError, NotFound

from ostinato.messages.routing import QUEUE, queue_of
from tests.servers.brokers import free_port
from tests.waiting import SECONDS, ended, wait_until
from worker.broker.rabbitmq.queues import DEAD
from worker.processes.child import Child, ChildSpec

MISSING = "there is no rabbitmq-server: install Debian's package"
QUEUES = (QUEUE, queue_of(1), DEAD)
USER, PASSWORD, ESCAPED = "fleet", "s3@cr/et", "s3%40cr%2Fet"
# Debian's own command on the PATH changes the user, and loses the environment.
_DEBIAN = Path("/usr/lib/rabbitmq/bin")
_CONFIGURATION = """
listeners.tcp.1 = 127.0.0.1:{port}
default_user = {user}
default_pass = {password}
"""


def program(name: str = "rabbitmq-server") -> str | None:
    """The path of one of its programs; None if this machine has none."""
    return shutil.which(name, path=f"{_DEBIAN}{os.pathsep}{os.environ['PATH']}")


def version() -> str:
    """Which server this machine has."""
    return "rabbitmq: " + (next((each.name for each in _DEBIAN.parent.glob("lib/rabbitmq_server-*")), None) or MISSING)


class RabbitServer:
    """Runs inside a `with` block; what was queued is there again after a `kill` and another `start`."""

    def __init__(self, binary: str, folder: Path) -> None:
        self._binary, self.folder = binary, folder
        self._port, epmd, self._distribution = free_port(), free_port(), free_port()
        self.url = f"amqp://{USER}:{ESCAPED}@127.0.0.1:{self._port}"
        configuration = folder / "rabbitmq.conf"
        configuration.write_text(_CONFIGURATION.format(port=self._port, user=USER, password=PASSWORD))
        (folder / "enabled_plugins").write_text("[].\n")
        self._epmd_command = ["epmd", "-port", str(epmd), "-address", "127.0.0.1"]
        self.env: Mapping[str, str] = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"test{self._port}@localhost",
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(configuration),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }
        self._open = ExitStack()
        self._server: Child | None = None

    def start(self) -> None:
        """Return once it answers."""
        log = self.folder / "rabbitmq.log"
        child = Child.start(ChildSpec("rabbitmq", [self._binary], env=self.env, cwd=self.folder, log=log))
        self._server = self._open.enter_context(child)
        why = f"{self._binary} answers"
        wait_until(lambda: child.poll() is not None or self._answers(), why=why)
        assert None is child.poll(), log.read_text()

    def kill(self) -> None:
        """End it with kill -9, at once and without a word to anybody."""
        assert self._server is not None
        os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait()

    def control(self, *words: str) -> None:
        """Run `rabbitmqctl`."""
        binary = program("rabbitmqctl")
        assert binary is not None
        spec = ChildSpec("rabbitmqctl", [binary, *words], env=self.env, log=self.folder / "control.log")
        with Child.start(spec) as child:
            assert 0 == ended(child), (self.folder / "control.log").read_text()

    def connect(self) -> Connection:
        """A connection of the test's own, on which each message is confirmed."""
        connection = Connection(
            f"127.0.0.1:{self._port}",
            USER,
            PASSWORD,
            confirm_publish=True,
            connect_timeout=SECONDS,
            read_timeout=SECONDS,
            write_timeout=SECONDS,
        )
        connection.connect()
        return connection

    def counts(self, *queues: str) -> Sequence[tuple[int, int]]:
        """For each of these queues, how many messages wait and how many consume; none where there is none."""
        with self.connect() as connection:
            return [_counts(connection, queue) for queue in queues]

    def clear(self, *queues: str) -> None:
        """Delete these queues."""
        with self.connect() as connection:
            for queue in queues:
                connection.channel().queue_delete(queue)

    def __enter__(self) -> Self:
        log = self.folder / "epmd.log"
        with ExitStack() as started:
            started.enter_context(Child.start(ChildSpec("epmd", self._epmd_command, env=self.env, log=log)))
            started.push(self._open)
            self.start()
            self._open = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _answers(self) -> bool:
        with suppress(OSError, AMQPError):
            self.connect().close()
            return True
        return False


def _counts(connection: Connection, queue: str) -> tuple[int, int]:
    channel: Any = connection.channel()
    try:
        found = channel.queue_declare(queue, passive=True)
    except NotFound:
        return 0, 0
    return found.message_count, found.consumer_count

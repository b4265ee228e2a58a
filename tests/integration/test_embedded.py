"""The embedded broker: a real Valkey server, killed, restarted and contested."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Protocol

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tests.waiting import LONGEST, wait_until
from worker.processes.child import Child, ChildNotStarted, ChildSpec
from worker.processes.embedded import (
    BrokerAlreadyRunning,
    BrokerNotReady,
    EmbeddedBroker,
    ForeignServer,
    NoEmbeddedBroker,
    valkey_binary,
)
from worker.processes.supervisor import Backoff, Event, Restarting, Started, Supervisor
from worker.settings import Fsync

# Owns the broker of a home folder until it is killed.
OWNER = """
import signal, sys
from pathlib import Path
from worker.processes.embedded import EmbeddedBroker
with EmbeddedBroker(Path(sys.argv[1]), Path(sys.argv[1], "broker.sock")):
    signal.pause()
"""


class Configured(Protocol):
    """The part of the client that tells a server's configuration; its own signature is partly untyped."""

    def config_get(self, pattern: str) -> dict[str | None, str | None]: ...  # noqa: D102 - the client's own


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder whose name a careless command line would break."""
    folder = tmp_path / 'Öl & "Essig"'
    folder.mkdir()
    return folder


def broker_of(home: Path, *, fsync: Fsync = "everysec", grace: float = 30.0) -> EmbeddedBroker:
    """A broker, not started, whose socket is in its home folder."""
    return EmbeddedBroker(home, home / "broker.sock", fsync=fsync, grace=grace)


def client_of(home: Path) -> Redis:
    """A client of the server on this home folder's socket; it tries once."""
    return Redis(unix_socket_path=str(home / "broker.sock"), retry=Retry(NoBackoff(), 0), decode_responses=True)


def stored(home: Path, key: str) -> object:
    """The value that the server on this home folder's socket has for a key."""
    with closing(client_of(home)) as client:
        return client.get(key)


def store(home: Path, key: str, value: str) -> None:
    """Give a key a value there."""
    with closing(client_of(home)) as client:
        client.set(key, value)


def answers(home: Path) -> bool:
    """Whether a server answers there now."""
    with closing(client_of(home)) as client, suppress(RedisError):
        return client.exists("key") >= 0
    return False


def kill(pid: int | None, number: signal.Signals) -> None:
    """Send a signal to a process that must be there."""
    assert pid is not None
    os.kill(pid, number)


def foreign_server(home: Path, folder: Path) -> Child:
    """A Valkey server on this home folder's socket that is not the home folder's own."""
    command = [str(valkey_binary()), "--port", "0", "--save", "", "--unixsocket", str(home / "broker.sock")]
    child = Child.start(ChildSpec("foreign", command, cwd=folder, log=folder / "log"))
    wait_until(lambda: "Ready to accept connections" in (folder / "log").read_text(), why="it is ready")
    return child


def test_server_runs_with_the_promised_options(home: Path) -> None:
    """Durable, never evicting, small messages only, and reachable for its user alone."""
    promised = {
        "port": "0",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "aof-load-truncated": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "proto-max-bulk-len": "4194304",
        "dir": str(home / "broker"),
    }

    def configuration(client: Configured) -> dict[str | None, str | None]:
        return client.config_get("*")

    with broker_of(home) as broker, closing(client_of(home)) as client:
        found = configuration(client)
        modes = [path.stat().st_mode & 0o777 for path in (broker.socket_path, broker.folder)]
        with pytest.raises(RedisError):
            client.set("key", "x" * 4_194_305)
    assert [0o600, 0o700] == modes
    assert promised == {name: found[name] for name in promised}


def test_data_outlives_stop_and_start(home: Path) -> None:
    """The stop is an orderly one, and may be repeated."""
    broker = broker_of(home)
    broker.start()
    broker.wait_ready()
    store(home, "key", "value")
    assert 0 == broker.stop()
    assert None is broker.stop()
    with broker:
        assert "value" == stored(home, "key")


def test_acknowledged_writes_outlive_kill_9(home: Path) -> None:
    """Every write that was answered before the server was killed under load is there after the next start."""
    acknowledged: list[str] = []

    def write() -> None:
        with closing(client_of(home)) as client, suppress(RedisError):
            while client.set(key := f"key {len(acknowledged)}", "value"):
                acknowledged.append(key)

    with broker_of(home, fsync="always") as broker:
        writer = threading.Thread(target=write)
        writer.start()
        wait_until(lambda: len(acknowledged) >= 100, why="some are acknowledged")
        kill(broker.pid, signal.SIGKILL)
        writer.join(LONGEST)
    with broker, closing(client_of(home)) as client:
        assert ["value"] * len(acknowledged) == client.mget(acknowledged)


def test_torn_last_write_is_dropped_at_the_start(home: Path) -> None:
    """A file that ends in the middle of a command loads without that command."""
    with broker_of(home):
        store(home, "whole", "value")
        store(home, "torn", "value")
    [file] = home.glob("broker/appendonlydir/*.incr.aof")
    os.truncate(file, file.stat().st_size - 3)
    with broker_of(home):
        assert ("value", None) == (stored(home, "whole"), stored(home, "torn"))


def test_second_broker_on_the_same_home_is_refused(home: Path) -> None:
    """At once, in one sentence, and without harm to the first."""
    with broker_of(home) as broker:
        store(home, "key", "value")
        for second in (broker_of(home), broker):
            with pytest.raises(BrokerAlreadyRunning, match="is already running in "):
                second.start()
        assert "value" == stored(home, "key")


def test_broker_starts_again_after_its_owner_was_killed(home: Path) -> None:
    """The next owner waits until the orphaned server is gone: never two on one file."""
    with subprocess.Popen([sys.executable, "-c", OWNER, str(home)]) as owner:
        wait_until(lambda: answers(home), why="it answers")
        store(home, "key", "value")
        with pytest.raises(BrokerAlreadyRunning):
            broker_of(home).start()
        owner.kill()
        owner.wait()
        with broker_of(home) as broker:
            assert "value" == stored(home, "key")
            log = broker.log.read_text()
    assert log.index("bye bye") < log.rindex("Valkey is starting")


def test_server_that_does_not_end_is_not_doubled(home: Path) -> None:
    """While another process holds the server's lock, a new owner gives up after the grace time."""
    (home / "broker").mkdir()
    with (home / "broker" / "server.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BrokerAlreadyRunning, match="still shutting down; try again in a moment"):
            broker_of(home, grace=0.1).start()


def test_socket_file_of_a_killed_server_is_no_obstacle(home: Path) -> None:
    """A socket on which no process listens is replaced."""
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(home / "broker.sock"))
        killed.listen()
    with broker_of(home):
        assert None is stored(home, "key")


def test_foreign_server_on_the_socket_is_left_alone(home: Path, tmp_path: Path) -> None:
    """The start is refused, and the foreign server keeps its socket."""
    with foreign_server(home, tmp_path):
        store(home, "key", "foreign")
        with pytest.raises(ForeignServer, match="another process, not our broker, answers on"):
            broker_of(home).start()
        assert "foreign" == stored(home, "key")


def test_server_that_takes_the_socket_over_is_not_taken_for_ours(home: Path, tmp_path: Path) -> None:
    """An answer to PING is not enough: the process must be the one that was started."""
    with broker_of(home) as broker, foreign_server(home, tmp_path) as foreign:
        message = f"process {foreign.pid}, not our broker, answers on"
        with pytest.raises(ForeignServer, match=message):
            broker.wait_ready()


def test_server_that_ends_at_its_start_is_reported_with_its_last_words(home: Path) -> None:
    """The message names the exit code, the log and the reason in it."""
    broker = EmbeddedBroker(home, home / "missing" / "broker.sock")
    with pytest.raises(BrokerNotReady, match=r"ended with code 1; see .*valkey\.log: .*No such file or directory"):
        broker.__enter__()
    with broker_of(home):
        assert None is stored(home, "key")


def test_server_that_does_not_answer_is_reported_in_time(home: Path) -> None:
    """Asked before the start, or while it hangs."""
    broker = broker_of(home)
    with pytest.raises(BrokerNotReady, match="was not started"):
        broker.wait_ready()
    with broker:
        kill(broker.pid, signal.SIGSTOP)
        with pytest.raises(BrokerNotReady, match=r"no answer from the embedded broker in 0\.1 s; see "):
            broker.wait_ready(0.1)


def test_failed_start_leaves_the_home_free(home: Path) -> None:
    """A log that cannot be written is an error of the child; afterwards another broker may start."""
    first = broker_of(home)
    first.log.mkdir(parents=True)
    with pytest.raises(ChildNotStarted, match="Is a directory"):
        first.start()
    first.log.rmdir()
    with broker_of(home):
        assert None is first.stop()


def test_supervisor_restarts_the_broker_with_its_data(home: Path) -> None:
    """The claim outlives the server's death, and ends when the owner stops."""
    events: list[Event] = []

    def on_event(event: Event) -> None:
        events.append(event)
        if len(events) > 1 and isinstance(event, Started):
            supervisor.request_stop()

    broker = broker_of(home)
    supervisor = Supervisor([broker.spec()], on_event, Backoff(first=0.01))
    with supervisor:
        store(home, "key", "value")
        kill(supervisor.pid("broker"), signal.SIGKILL)
        deadline = threading.Timer(LONGEST, supervisor.request_stop)
        deadline.start()
        supervisor.run()
        deadline.cancel()
        with pytest.raises(BrokerAlreadyRunning):
            broker_of(home).start()
        wait_until(lambda: answers(home), why="it answers")
        assert "value" == stored(home, "key")
    assert Restarting("broker", 0.01) in events
    broker.stop()
    with broker_of(home):
        assert "value" == stored(home, "key")


def test_machine_without_a_binary_gets_one_sentence() -> None:
    """It says what to do instead."""
    with pytest.raises(NoEmbeddedBroker, match=r"^there is .* for Plan9 on mips; set OSTINATO_BROKER_URL to a Redis"):
        valkey_binary("Plan9", "mips")

"""The servers that the tests talk through: Valkey as the product brings it, and Redis as a machine has it."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, Self, cast

import pytest
from redis import Redis
from redis.exceptions import RedisError

from ostinato.settings.broker import socket_path
from tests.waiting import SECONDS, wait_until
from worker.processes.child import Child, ChildSpec
from worker.processes.embedded import EmbeddedBroker, valkey_binary
from worker.settings import Fsync

IN_TURN = ["valkey", pytest.param("redis", marks=pytest.mark.long)]
"""Each kind of server: in the short form of the tests only the first, unless a test is marked ``each_broker``."""
_REDIS = "OSTINATO_TEST_REDIS_URL"


class Client(Protocol):
    """What is used of redis-py, which leaves some of it untyped."""

    def lpush(self, name: str, *values: bytes) -> int: ...  # noqa: D102 - the client's own
    def lrange(self, name: str, start: int, end: int) -> list[bytes]: ...  # noqa: D102
    def llen(self, name: str) -> int: ...  # noqa: D102
    def lrem(self, name: str, count: int, value: bytes) -> int: ...  # noqa: D102
    def lmove(self, source: str, target: str, src: str, dest: str) -> bytes | None: ...  # noqa: D102
    def eval(self, script: str, numkeys: int, *keys_and_args: str | bytes) -> Any: ...  # noqa: ANN401, D102 - redis-py's own
    def zrem(self, name: str, value: str) -> int: ...  # noqa: D102
    def zscore(self, name: str, value: str) -> float | None: ...  # noqa: D102
    def zrange(self, name: str, start: int, end: int) -> list[bytes]: ...  # noqa: D102
    def exists(self, *names: str) -> int: ...  # noqa: D102
    def zadd(self, name: str, mapping: dict[bytes, float]) -> int: ...  # noqa: D102
    def info(self, section: str) -> dict[str, Any]: ...  # noqa: D102
    def dbsize(self) -> int: ...  # noqa: D102
    def flushdb(self) -> object: ...  # noqa: D102
    def keys(self) -> list[bytes]: ...  # noqa: D102
    def config_set(self, name: str, value: str) -> object: ...  # noqa: D102
    def config_get(self, *names: str) -> dict[str, str]: ...  # noqa: D102
    def replicaof(self, *primary: str) -> object: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


def client(address: str) -> Client:
    """A client of the server at a broker address."""
    url = address.replace("redis+socket://", "unix://", 1)
    return cast("Client", cast("Any", Redis).from_url(url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS))


class Server(Protocol):
    """A broker that runs inside a `with` block, as often as one is entered; what was queued is there again.

    ``url`` None: the product finds it in its home folder.
    """

    @property
    def url(self) -> str | None:
        """Its address, as OSTINATO_BROKER_URL has it."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class EmbeddedValkey:
    """The product's own broker, on a unix socket in a home folder."""

    url = None

    def __init__(self, home: Path, *, fsync: Fsync = "everysec") -> None:
        self._broker = EmbeddedBroker(home, socket_path(home), fsync=fsync)

    def __enter__(self) -> Self:
        self._broker.__enter__()
        return self

    def kill(self) -> None:
        """End it with kill -9, at once and without a word to anybody."""
        assert self._broker.pid is not None
        os.kill(self._broker.pid, signal.SIGKILL)
        self._broker.stop()

    def __exit__(self, *_: object) -> None:
        self._broker.stop()


class RedisServer:
    """A `redis-server` on a free loopback port, its data in a home folder."""

    def __init__(self, binary: str, home: Path) -> None:
        port = free_port()
        self.url = self.address(port)
        self._log = home / "logs" / "redis.log"
        options = ("--bind", "127.0.0.1", "--dir", str(home), "--appendonly", "yes", "--save", "")
        self._command = [binary, *options, *self.options(port)]
        self._children: list[Child] = []

    def options(self, port: int) -> Sequence[str]:
        """Where it listens."""
        return ("--port", str(port))

    def address(self, port: int) -> str:
        """The URL of what listens there."""
        return f"redis://127.0.0.1:{port}/0"

    def __enter__(self) -> Self:
        child = Child.start(ChildSpec("redis", self._command, log=self._log))
        self._children.append(child)
        wait_until(lambda: child.poll() is not None or self._answers(child), why=f"{self._command} answers")
        assert None is child.poll(), self._log.read_text()
        return self

    def kill(self) -> None:
        """End it with kill -9, at once and without a word to anybody."""
        os.kill(self._children[-1].pid, signal.SIGKILL)
        self._children[-1].wait()

    def __exit__(self, *_: object) -> None:
        while self._children:
            self._children.pop().stop()

    def _answers(self, child: Child) -> bool:
        server = client(self.url)
        with suppress(RedisError):
            return bool(server.info("server")["process_id"] == child.pid)
        return False


class RunningRedis:
    """A server that runs already; its database must be empty, and is emptied afterwards."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __enter__(self) -> Self:
        assert 0 == client(self.url).dbsize(), f"the database at {_REDIS} is not empty"
        return self

    def __exit__(self, *_: object) -> None:
        client(self.url).flushdb()


def server(kind: str, home: Path) -> Server | None:
    """A server of a kind that is IN_TURN, not started; None if this machine has none."""
    if kind == "valkey":
        return EmbeddedValkey(home)
    found = _redis()
    if found is None:
        return None
    return RunningRedis(found) if "://" in found else RedisServer(found, home)


def program(kind: str) -> str | None:
    """The path of the server of a kind that is IN_TURN; None if this machine has none, or only a running one."""
    found = str(valkey_binary()) if kind == "valkey" else _redis()
    return None if found is None or "://" in found else found


def versions() -> Iterator[str]:
    """One line for each kind of server: which it is, and its version."""
    yield f"valkey: {_version(str(valkey_binary()))}"
    found = _redis()
    if found is None:
        yield f"redis: none on the PATH, and {_REDIS} is not set"
    elif "://" in found:
        yield f"redis: {client(found).info('server')['redis_version']} at {_REDIS}"
    else:
        yield f"redis: {_version(found)}"


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _redis() -> str | None:
    """The URL of a running server, or the path of a program."""
    return os.environ.get(_REDIS) or shutil.which("redis-server")


def _version(binary: str) -> str:
    return subprocess.run([binary, "--version"], check=True, capture_output=True, text=True).stdout.strip()

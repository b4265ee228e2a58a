"""The services of the Compose file as processes of this machine: their commands, environments and health checks."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from tests.compose import composed
from tests.conftest import missing
from tests.servers import brokers
from tests.servers.brokers import free_port
from tests.servers.postgresql import OwnServer
from tests.waiting import ended
from worker.processes.child import Child, ChildSpec

SECRETS = {"OSTINATO_FLOWER_AUTH": "me:0123abcd", "OSTINATO_POSTGRES_PASSWORD": "4567ef"}
_SERVER = f"postgresql+psycopg://ostinato:{SECRETS['OSTINATO_POSTGRES_PASSWORD']}@postgres:5432/ostinato"


class Containers:
    """Each service starts by its own command, with the environment of the file and nothing else.

    Only what a container has to itself is another here: addresses, ports and folders. Stopped at the end of the block.
    ``server``: stands for the image of the service `postgres`, and has its database; None: the store is a file.
    """

    def __init__(self, home: Path, server: OwnServer | None) -> None:
        profiles = ["monitoring", *(["postgres"] if server else [])]
        secrets = {name: value for name, value in SECRETS.items() if server or "POSTGRES" not in name}
        self.services: Mapping[str, dict[str, Any]] = composed(secrets, profiles)["services"]
        self._home = home
        self.port, self._broker_port = free_port(), free_port()
        self.broker_url = f"redis://127.0.0.1:{self._broker_port}/0"
        self.store_url = f"sqlite:///{home}/store.db"
        self._here = {
            "redis://broker:6379/0": self.broker_url,
            "/var/lib/ostinato": str(home),
            "/data": str(home),
            "0.0.0.0": "127.0.0.1",  # noqa: S104 - what it has to be instead
            "5555": str(self.port),
        }
        self._programs = {"valkey-server": _valkey_server(), "valkey-cli": _valkey_cli()}
        if server is not None:
            self.store_url = server.url.set(database="ostinato").render_as_string(hide_password=False)
            self._here |= {_SERVER: self.store_url, "--host=127.0.0.1": f"--host={server.url.query['host']}"}
            self._programs["pg_isready"] = str(server.programs / "pg_isready")
        self._open = ExitStack()

    def start(self, name: str) -> Child:
        """Start a service; its log is `<home>/<name>.log`."""
        service = self.services[name]
        command = self._words(service["command"])
        if name == "broker":
            command += ["--bind", "127.0.0.1", "--port", str(self._broker_port)]
        child = Child.start(
            ChildSpec(
                name,
                command,
                env=self._environment(service),
                cwd=self._home,
                log=self._home / f"{name}.log",
                grace=float(service["stop_grace_period"].removesuffix("s")),
            )
        )
        return self._open.enter_context(child)

    def healthy(self, name: str) -> bool:
        """Whether the service's health check passes."""
        service = self.services[name]
        kind, *command = service["healthcheck"]["test"]
        assert kind == "CMD"
        words = self._words(command)
        if name == "broker":
            words[1:1] = ["-p", str(self._broker_port)]
        log = self._home / f"{name}.health.log"
        with Child.start(ChildSpec("health", words, env=self._environment(service), cwd=self._home, log=log)) as check:
            return ended(check) == 0

    def log(self, name: str) -> str:
        """What a service has written so far."""
        return (self._home / f"{name}.log").read_text(encoding="utf-8")

    def _environment(self, service: Mapping[str, Any]) -> dict[str, str]:
        written = {name: self._local(value) for name, value in service.get("environment", {}).items()}
        return {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", **written}

    def _words(self, command: Sequence[str]) -> list[str]:
        program, *words = map(self._local, command)
        return [self._programs.get(program, program), *words]

    def _local(self, text: str) -> str:
        for there, here in self._here.items():
            text = text.replace(there, here)
        return text

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


def _valkey_server() -> str:
    return brokers.program("valkey") or missing("there is no valkey-server")


def _valkey_cli() -> str:
    # Redis' own client asks the same.
    found = shutil.which("valkey-cli") or shutil.which("redis-cli")
    return found or missing("there is neither valkey-cli nor redis-cli: install Debian's redis-tools")

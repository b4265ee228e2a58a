"""The processes that make up Ostinato, and how each is started."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ostinato.errors import ConfigurationError
from ostinato.settings.broker import socket_path
from ostinato.settings.environment import PREFIX, unknown_settings
from store.database.schema import migrate
from worker.observability.endpoints import Endpoint, metrics_endpoint, require_free
from worker.observability.watching import tracing_class
from worker.processes.child import ChildSpec
from worker.processes.embedded import EmbeddedBroker
from worker.settings import Settings

_CELERY = (sys.executable, "-m", "celery", "--quiet", "-A", "worker")
FLOWER_PORT = 5555
# By default Flower listens on all addresses.
_FLOWER_ADDRESS = "127.0.0.1"
# Without these, Flower allows every action, waits long for remote control, which is off, and hides tasks' arguments.
FLOWER_OPTIONS = (
    "--read_only",
    "--inspect_timeout=1",
    "--tasks_columns=name,args,uuid,state,received,runtime,worker",
)
_FLOWER = ("flower", f"--address={_FLOWER_ADDRESS}", f"--port={FLOWER_PORT}", *FLOWER_OPTIONS)


class Services:
    """Broker, worker, beat and, if wanted, the dashboard, all with the same settings; logs in `<home>/logs`.

    A context manager: makes the home folder, brings the store to this version's schema and, unless the broker is at a
    URL, holds the home folder's embedded broker until the end of the block. A setting that one of the processes would
    refuse is refused here, by a ConfigurationError in the same words.
    """

    def __init__(self, settings: Settings, *, flower_auth: str | None = None) -> None:
        self._settings = settings
        self._flower_auth = flower_auth
        self._broker: EmbeddedBroker | None = None

    def __enter__(self) -> list[ChildSpec]:
        _make(self.logs)
        # First, so that an Ostinato that runs here already is reported as such, and not as a port in use.
        specs = self._embedded()
        try:
            self._require_startable()
            migrate(self._settings.store_address)
        except BaseException:
            self.__exit__()
            raise
        return [*specs, *self._celery()]

    def __exit__(self, *_: object) -> None:
        if self._broker is not None:
            self._broker.stop()

    @property
    def logs(self) -> Path:
        """The folder of the processes' logs."""
        return self._settings.home / "logs"

    def _embedded(self) -> list[ChildSpec]:
        settings = self._settings
        if not settings.embedded_broker:
            return []
        path = socket_path(settings.home)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._broker = EmbeddedBroker(settings.home, path, fsync=settings.broker_fsync, memory=settings.broker_memory)
        return [self._broker.spec()]

    def _require_startable(self) -> None:
        if self._settings.traces:
            tracing_class()
        require_free(self._endpoints())

    def _endpoints(self) -> Iterator[Endpoint]:
        settings = self._settings
        if settings.metrics_port is not None:
            for lane in range(settings.lanes):
                yield metrics_endpoint(settings, settings.metrics_port, lane)
        if self._flower_auth is not None:
            instead = "end what has this port, or leave --flower out"
            yield Endpoint("The dashboard", _FLOWER_ADDRESS, FLOWER_PORT, instead)

    def _celery(self) -> list[ChildSpec]:
        specs = [*self._workers(), self._spec("beat", ["beat"])]
        if self._flower_auth is not None:
            # Not on the command line, which every user of the machine can read.
            specs.append(self._spec("flower", _FLOWER, {"FLOWER_BASIC_AUTH": self._flower_auth}))
        return specs

    def _workers(self) -> list[ChildSpec]:
        """One for each lane."""
        if self._settings.lanes == 1:
            return [self._spec("worker", ["worker"])]
        return [
            self._spec(f"worker-{lane}", ["worker", f"--hostname=lane{lane}@%h"], {"OSTINATO_LANE": str(lane)})
            for lane in range(self._settings.lanes)
        ]

    def _spec(self, name: str, arguments: Sequence[str], own: Mapping[str, str] | None = None) -> ChildSpec:
        return ChildSpec(
            name=name,
            command=[*_CELERY, *arguments],
            env={**_inherited(), **_environment(self._settings), **(own or {})},
            cwd=self._settings.home,
            log=self.logs / f"{name}.log",
        )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"The folder {folder} cannot be made: {error.strerror}.") from None


def _inherited() -> dict[str, str]:
    """This process' environment without misspelt settings, of which this process itself has warned."""
    unknown = {*unknown_settings(os.environ)}
    return {name: value for name, value in os.environ.items() if name not in unknown}


def _environment(settings: Settings) -> dict[str, str]:
    values = settings.model_dump(mode="json", exclude_none=True)
    return {f"{PREFIX}{name.upper()}": str(value) for name, value in values.items()}

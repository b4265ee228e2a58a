"""Where the worker's metrics and the dashboard are served, and whether a server could listen there."""

import socket
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from ostinato.errors import ConfigurationError
from worker.settings import Settings


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is served at an address and port, and what the user can do instead if that fails."""

    what: str
    address: str
    port: int
    instead: str

    @contextmanager
    def refusing(self) -> Generator[None]:
        """ConfigurationError, with the reason and what to do, if the block cannot listen there."""
        try:
            yield
        except OSError as error:
            raise ConfigurationError(
                f"{self.what} cannot be served at {self.address}:{self.port} ({error.strerror}): {self.instead}."
            ) from None

    def occupy(self, held: ExitStack) -> None:
        """Listen there until ``held`` is closed; ConfigurationError as `refusing`."""
        with self.refusing():
            family = socket.getaddrinfo(self.address, self.port, type=socket.SOCK_STREAM)[0][0]
            listener = held.enter_context(socket.socket(family))
            # As servers do: connections that were closed just now do not block the port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.address, self.port))
            listener.listen()


def metrics_endpoint(settings: Settings, port: int, lane: int) -> Endpoint:
    """The endpoint of a lane's worker: ``port`` is that of lane 0."""
    instead = "change OSTINATO_METRICS_PORT or OSTINATO_METRICS_ADDRESS"
    return Endpoint("The metrics", settings.metrics_address, port + lane, instead)


def require_free(endpoints: Iterable[Endpoint]) -> None:
    """ConfigurationError unless a process can listen at all of these at once."""
    with ExitStack() as held:
        for each in endpoints:
            each.occupy(held)

"""Whether a part of Ostinato does its work, as a container's health check asks; one sentence says what is wrong."""

import socket
from contextlib import closing

from ostinato.errors import OstinatoError
from ostinato.settings.broker import BrokerSettings
from worker.broker.kinds import broker_client


class Unhealthy(OstinatoError):
    """A part answers, or others answer for it, but it does not do its work."""


def require_worker(settings: BrokerSettings, *, anywhere: bool) -> None:
    """Unhealthy unless a worker of this machine, or any, takes messages; BrokerUnavailable."""
    here = socket.gethostname()
    with closing(broker_client(settings)) as broker:
        if broker.is_present("worker", here):
            return
        others = broker.state().workers
    if anywhere and others:
        return
    where = "anywhere" if anywhere else f"on this machine ({here})"
    elsewhere = f"; elsewhere {others} do" if others else ""
    raise Unhealthy(f"No worker {where} takes messages{elsewhere}: see its log.")


def require_beat(settings: BrokerSettings) -> None:
    """Unhealthy unless beat ticks on this machine, and could send its last slot; BrokerUnavailable."""
    here = socket.gethostname()
    with closing(broker_client(settings)) as broker:
        present = broker.is_present("beat", here)
    if not present:
        raise Unhealthy(f"Beat does not tick on this machine ({here}), or cannot send its slots: see its log.")


def require_broker(settings: BrokerSettings) -> list[str]:
    """What is not as it should be, though the broker works; Unhealthy if it may lose messages or takes none.

    BrokerUnavailable if it does not answer.
    """
    with closing(broker_client(settings)) as broker:
        problem, warnings = broker.health()
    if problem is not None:
        raise Unhealthy(problem)
    return warnings

"""Whether a part of Ostinato does its work, as a container's health check asks; one sentence says what is wrong."""

import socket
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from store.errors import OstinatoError
from tasks.broker import BrokerSettings
from worker.broker_client import BrokerClient

_NEVER_EVICT = "noeviction"


class Unhealthy(OstinatoError):
    """A part answers, or others answer for it, but it does not do its work."""


def require_worker(settings: BrokerSettings, *, anywhere: bool) -> None:
    """Unhealthy unless a worker of this machine, or any, takes messages; BrokerUnavailable."""
    with closing(BrokerClient(settings)) as broker:
        machines = broker.machines("worker")
    here = socket.gethostname()
    if here in machines or (anywhere and machines):
        return
    where = "anywhere" if anywhere else f"on this machine ({here})"
    elsewhere = f"; elsewhere {len(machines)} do" if machines else ""
    raise Unhealthy(f"No worker {where} takes messages{elsewhere}: see its log.")


def require_beat(settings: BrokerSettings) -> None:
    """Unhealthy unless beat ticks on this machine, and could send its last slot; BrokerUnavailable."""
    with closing(BrokerClient(settings)) as broker:
        machines = broker.machines("beat")
    here = socket.gethostname()
    if here not in machines:
        raise Unhealthy(f"Beat does not tick on this machine ({here}), or cannot send its slots: see its log.")


def require_broker(settings: BrokerSettings) -> list[str]:
    """What is not as it should be, though the broker works; Unhealthy if it may lose messages or takes none.

    BrokerUnavailable if it does not answer.
    """
    with closing(BrokerClient(settings)) as broker:
        info = broker.info()
    if info is None:
        return ["Its settings are not known: this user may not ask for them (INFO)."]
    if (problem := _problem(info)) is not None:
        raise Unhealthy(problem)
    return [] if info.get("aof_enabled") else ["Its append-only file is off: a restart loses what is queued."]


def _problem(info: Mapping[str, Any]) -> str | None:
    if info.get("maxmemory_policy", _NEVER_EVICT) != _NEVER_EVICT:
        return f"The broker throws messages away when its memory is full: set maxmemory-policy to {_NEVER_EVICT}."
    if 0 < info.get("maxmemory", 0) <= info.get("used_memory", 0):
        return "The broker's memory is full: it takes no messages until a worker has made room."
    if info.get("aof_last_write_status", "ok") != "ok":
        return "The broker could not write to its append-only file: make room on its disk."
    if info.get("role", "master") != "master":
        return "The broker is a replica, which takes no messages: use its primary."
    return None

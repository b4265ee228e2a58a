"""Asking a Redis or Valkey server."""

import socket
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import NoPermissionError, RedisError
from redis.retry import Retry

from ostinato.errors import BrokerUnavailable
from ostinato.messages.routing import QUEUE
from ostinato.publishing.broker_kind import not_taken
from ostinato.publishing.redis import RedisSending
from ostinato.settings.broker import BrokerSettings
from worker.broker.client import (
    ANSWER_SECONDS,
    NO_ANSWER,
    PRESENCE_KEPT_SECONDS,
    BrokerState,
    Health,
    Part,
    lane_of_name,
)
from worker.broker.redis.queues import OtherLanes, queued

_PRESENCE = "ostinato:"
_SECTIONS = ("persistence", "memory", "replication")
_NEVER_EVICT = "noeviction"
# Silent members are removed, and one day the whole set. A server whose memory is full would refuse the second change
# alone. The times are the server's.
_SAY_PRESENT = """
local now = redis.call('TIME')[1]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[1])
redis.call('ZADD', KEYS[1], now, ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[1])
"""


def redis_client(address: str) -> Redis:
    """A client of the broker at a URL as in the settings; each call answers, or fails, within two seconds."""
    client: Redis = cast("Any", Redis).from_url(
        address.replace("redis+socket://", "unix://", 1),
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 1, (ConnectionLost,)),
    )
    return client


class RedisClient:
    """A `BrokerClient`. Workers and beats that are present are members of two sorted sets, scored by the server's time.

    Every key is asked for by its name, never searched for: the database may hold millions of others.
    """

    def __init__(self, settings: BrokerSettings) -> None:
        # Any, because redis-py leaves some of its methods untyped.
        self._redis: Any = redis_client(settings.broker_address)
        self._prefix = settings.broker_prefix
        self._lanes = settings.lanes
        self._others = OtherLanes(self._redis, self._prefix)

    def state(self) -> BrokerState:
        """What the broker knows."""
        with _answering():
            lanes = [*range(self._lanes), *self._others.there(self._lanes)]
            served = Counter(lane_of_name(name) for _, name in self._present("worker"))
            return BrokerState(queued(self._redis, self._prefix, lanes), served)

    def is_present(self, part: Part, machine: str) -> bool:
        """Whether a member of this machine is in the presence set."""
        with _answering():
            return any(there == machine for there, _ in self._present(part))

    def health(self) -> Health:
        """How the broker does, as far as this user may ask."""
        with _answering():
            try:
                info = {name: value for section in _SECTIONS for name, value in self._redis.info(section).items()}
            except NoPermissionError:
                return Health(None, ["Its settings are not known: this user may not ask for them (INFO)."])
        kept = info.get("aof_enabled")
        return Health(
            problem_of(info), [] if kept else ["Its append-only file is off: a restart loses what is queued."]
        )

    def enqueue(self, raw: bytes) -> None:
        """Put these bytes on the queue."""
        try:
            self._redis.lpush(self._prefix + QUEUE, raw)
        except RedisError as error:
            raise not_taken(error, RedisSending()) from error

    def say_present(self, part: Part, name: str) -> None:
        """Add to the presence set."""
        with _answering():
            self._redis.eval(_SAY_PRESENT, 1, self._presence(part), str(PRESENCE_KEPT_SECONDS), _member(name))

    def say_gone(self, part: Part, name: str) -> None:
        """Remove from the presence set."""
        with _answering():
            self._redis.zrem(self._presence(part), _member(name))

    def close(self) -> None:
        """Close the connection."""
        self._redis.close()

    def _present(self, part: Part) -> list[tuple[str, str]]:
        """The machine and the name of each member of the presence set that is not silent."""
        seconds, _ = self._redis.time()
        since = f"({seconds - PRESENCE_KEPT_SECONDS}"
        members: list[bytes] = self._redis.zrangebyscore(self._presence(part), since, "+inf")
        machines_and_names = (member.decode(errors="replace").partition(" ") for member in members)
        return [(machine, name) for machine, _, name in machines_and_names]

    def _presence(self, part: Part) -> str:
        return f"{self._prefix}{_PRESENCE}{part}"


def _member(name: str) -> str:
    """A member of the presence set: machine and name. No machine's name has a space."""
    return f"{socket.gethostname()} {name}"


def problem_of(info: Mapping[str, Any]) -> str | None:
    """Why, by its INFO, a server takes no messages or may lose some, and what to do; None for a healthy one."""
    if info.get("maxmemory_policy", _NEVER_EVICT) != _NEVER_EVICT:
        return f"The broker throws messages away when its memory is full: set maxmemory-policy to {_NEVER_EVICT}."
    if 0 < info.get("maxmemory", 0) <= info.get("used_memory", 0):
        return "The broker's memory is full: it takes no messages until a worker has made room."
    if info.get("aof_last_write_status", "ok") != "ok":
        return "The broker could not write to its append-only file: make room on its disk."
    if info.get("role", "master") != "master":
        return "The broker is a replica, which takes no messages: use its primary."
    return None


@contextmanager
def _answering() -> Generator[None]:
    try:
        yield
    except RedisError as error:
        raise BrokerUnavailable(NO_ANSWER.format(error)) from error

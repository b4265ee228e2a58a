"""Asking the broker directly: whether it answers, how much waits there, and which workers are about."""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, cast

import structlog
from redis import Redis
from redis.exceptions import RedisError

from store.errors import BrokerUnavailable
from tasks.broker import BrokerSettings
from tasks.publishing import QUEUE, not_taken
from worker.taken import Broker, queued

PRESENCE_SECONDS = 3.0
_PRESENCE_KEPT_SECONDS = 15
_PRESENCE = "ostinato:worker:"
_TIMEOUT = 2.0
# The second command alone would be refused by a server whose memory is full.
_SAY_PRESENT = "redis.call('DEL', KEYS[1]) redis.call('SET', KEYS[1], '1', 'EX', ARGV[1])"

_log = structlog.get_logger()


class _Redis(Broker, Protocol):
    """What is used of redis-py, which leaves some of it untyped."""

    def lpush(self, name: str, value: bytes) -> int: ...
    def scan_iter(self, match: str) -> Iterator[bytes]: ...
    def delete(self, name: str) -> object: ...
    def close(self) -> None: ...


def redis_client(address: str) -> Redis:
    """A client for the broker at a URL as the settings have it; each call answers, or fails, within two seconds."""
    client: Redis = cast("Any", Redis).from_url(
        address.replace("redis+socket://", "unix://", 1),
        socket_timeout=_TIMEOUT,
        socket_connect_timeout=_TIMEOUT,
    )
    return client


class BrokerState(NamedTuple):
    """How many messages wait or are being applied, and how many workers have said in the last seconds that they run."""

    queued: int
    workers: int


class BrokerClient:
    """A connection of its own to the broker; each call answers, or fails, within two seconds."""

    def __init__(self, settings: BrokerSettings) -> None:
        self._redis = cast("_Redis", redis_client(settings.broker_address))
        self._prefix = settings.broker_prefix

    def state(self) -> BrokerState:
        """What the broker knows; BrokerUnavailable, with what to do, if it does not answer."""
        try:
            waiting = queued(self._redis, self._prefix)
            workers = len(list(self._redis.scan_iter(match=f"{self._prefix}{_PRESENCE}*")))
        except RedisError as error:
            raise BrokerUnavailable(
                f"The broker does not answer ({error}): start it with `ostinato up`, or correct OSTINATO_BROKER_URL."
            ) from error
        return BrokerState(waiting, workers)

    def enqueue(self, raw: bytes) -> None:
        """Put the bytes of a whole queue item on the queue; BrokerUnavailable if the broker does not take them."""
        try:
            self._redis.lpush(self._prefix + QUEUE, raw)
        except RedisError as error:
            raise not_taken(error) from error

    def say_present(self, worker: str) -> None:
        """Let others see for some seconds that a worker runs."""
        try:
            self._redis.eval(_SAY_PRESENT, 1, self._presence(worker), str(_PRESENCE_KEPT_SECONDS))
        except RedisError as error:
            _log.debug("presence_not_said", detail=str(error))

    def say_gone(self, worker: str) -> None:
        """Let others see at once that a worker no longer runs."""
        try:
            self._redis.delete(self._presence(worker))
        except RedisError as error:
            _log.debug("presence_not_said", detail=str(error))

    def close(self) -> None:
        """Close the connection."""
        self._redis.close()

    def _presence(self, worker: str) -> str:
        return f"{self._prefix}{_PRESENCE}{worker}"

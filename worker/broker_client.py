"""Asking the broker directly: whether it answers, how much waits there, and who is about."""

import socket
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, Protocol, cast

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import NoPermissionError, RedisError
from redis.retry import Retry

from store.errors import BrokerUnavailable
from tasks.broker import BrokerSettings
from tasks.publishing import not_taken
from tasks.routing import QUEUE
from worker.taken import Broker, queued

PRESENCE_SECONDS = 3.0
_PRESENCE_KEPT_SECONDS = 15
_PRESENCE = "ostinato:"
_SECTIONS = ("persistence", "memory", "replication")
_TIMEOUT = 2.0
# The second command alone would be refused by a server whose memory is full.
_SAY_PRESENT = "redis.call('DEL', KEYS[1]) redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[1])"
Part = Literal["worker", "beat"]
"""Who says that it is there."""

_log = structlog.get_logger()


class _Redis(Broker, Protocol):
    """What is used of redis-py, which leaves some of it untyped."""

    def lpush(self, name: str, value: bytes) -> int: ...
    def scan_iter(self, match: str) -> Iterator[bytes]: ...
    def get(self, name: bytes) -> bytes | None: ...
    def info(self, section: str) -> dict[str, Any]: ...
    def delete(self, name: str) -> object: ...
    def close(self) -> None: ...


def redis_client(address: str) -> Redis:
    """A client for the broker at a URL as the settings have it; each call answers, or fails, within two seconds."""
    client: Redis = cast("Any", Redis).from_url(
        address.replace("redis+socket://", "unix://", 1),
        socket_timeout=_TIMEOUT,
        socket_connect_timeout=_TIMEOUT,
        retry=Retry(NoBackoff(), 1, (ConnectionLost,)),
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
        with _answering():
            return BrokerState(queued(self._redis, self._prefix), len(self._present("worker")))

    def machines(self, part: Part) -> list[str]:
        """The machine of each worker, or beat, that has said in the last seconds that it is at work.

        BrokerUnavailable as `state`.
        """
        with _answering():
            return [(self._redis.get(key) or b"").decode(errors="replace") for key in self._present(part)]

    def info(self) -> dict[str, Any] | None:
        """What the server says of its persistence, memory and replication; None if this user may not ask.

        BrokerUnavailable as `state`.
        """
        with _answering():
            try:
                return {name: value for section in _SECTIONS for name, value in self._redis.info(section).items()}
            except NoPermissionError:
                return None

    def enqueue(self, raw: bytes) -> None:
        """Put the bytes of a whole queue item on the queue; BrokerUnavailable if the broker does not take them."""
        try:
            self._redis.lpush(self._prefix + QUEUE, raw)
        except RedisError as error:
            raise not_taken(error) from error

    def say_present(self, part: Part, name: str) -> None:
        """Let others see for some seconds that a worker, or beat, is at work on this machine."""
        try:
            kept = str(_PRESENCE_KEPT_SECONDS)
            self._redis.eval(_SAY_PRESENT, 1, self._presence(part, name), kept, socket.gethostname())
        except RedisError as error:
            _log.debug("presence_not_said", detail=str(error))

    def say_gone(self, part: Part, name: str) -> None:
        """Let others see at once that it no longer is."""
        try:
            self._redis.delete(self._presence(part, name))
        except RedisError as error:
            _log.debug("presence_not_said", detail=str(error))

    def close(self) -> None:
        """Close the connection."""
        self._redis.close()

    def _present(self, part: Part) -> list[bytes]:
        return list(self._redis.scan_iter(match=self._presence(part, "*")))

    def _presence(self, part: Part, name: str) -> str:
        return f"{self._prefix}{_PRESENCE}{part}:{name}"


@contextmanager
def _answering() -> Generator[None]:
    try:
        yield
    except RedisError as error:
        raise BrokerUnavailable(
            f"The broker does not answer ({error}): start it with `ostinato up`, or correct OSTINATO_BROKER_URL."
        ) from error

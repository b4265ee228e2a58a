"""Asking the broker directly: whether it answers, how much waits there, and who is about."""

import re
import socket
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
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
from tasks.routing import QUEUE, queue_of
from worker.taken import Broker, queued

PRESENCE_SECONDS = 3.0
_PRESENCE_KEPT_SECONDS = 15
_PRESENCE = "ostinato:"
# Stands before the number of a worker's lane, behind its name; lane 0 is not said.
_LANE = "/lane"
_SECTIONS = ("persistence", "memory", "replication")
_TIMEOUT = 2.0
_SCANNED_AT_ONCE = 1_000
_NUMBER = re.compile(r"[0-9]+")
# The second command alone would be refused by a server whose memory is full.
_SAY_PRESENT = "redis.call('DEL', KEYS[1]) redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[1])"
Part = Literal["worker", "beat"]
"""Who says that it is there."""

_log = structlog.get_logger()


class _Redis(Broker, Protocol):
    """What is used of redis-py, which leaves some of it untyped."""

    def lpush(self, name: str, value: bytes) -> int: ...
    def scan_iter(self, match: str, count: int) -> Iterator[bytes]: ...
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
    """How many messages wait or are being applied, in each lane; and how many workers serve each.

    Those of the settings, and others that hold messages. A worker counts that has said in the last seconds that it
    runs.
    """

    lanes: Mapping[int, int]
    served: Mapping[int, int]

    @property
    def queued(self) -> int:
        """How many messages wait or are being applied in all."""
        return sum(self.lanes.values())

    @property
    def workers(self) -> int:
        """How many workers there are in all."""
        return sum(self.served.values())

    @property
    def unserved(self) -> list[int]:
        """The lanes that no worker serves."""
        return [lane for lane in self.lanes if not self.served.get(lane)]


class BrokerClient:
    """A connection of its own to the broker; each call answers, or fails, within two seconds."""

    def __init__(self, settings: BrokerSettings) -> None:
        self._redis = cast("_Redis", redis_client(settings.broker_address))
        self._prefix = settings.broker_prefix
        self._lanes = settings.lanes

    def state(self) -> BrokerState:
        """What the broker knows; BrokerUnavailable, with what to do, if it does not answer."""
        with _answering():
            lanes = {*range(self._lanes), *self._lanes_there()}
            served = Counter(_lane_of(key) for key in self._present("worker"))
            return BrokerState(queued(self._redis, self._prefix, sorted(lanes)), served)

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
        return list(self._redis.scan_iter(self._presence(part, "*"), _SCANNED_AT_ONCE))

    def _lanes_there(self) -> set[int]:
        """The lanes beside lane 0 that hold messages, or have had a worker lately."""
        begin = f"{self._prefix}{queue_of(1)}"[:-1]
        names = (key.decode(errors="replace") for key in self._redis.scan_iter(f"{begin}*", _SCANNED_AT_ONCE))
        numbers = (_NUMBER.match(name.removeprefix(begin)) for name in names)
        return {int(number[0]) for number in numbers if number is not None}

    def _presence(self, part: Part, name: str) -> str:
        return f"{self._prefix}{_PRESENCE}{part}:{name}"


def _lane_of(key: bytes) -> int:
    _, _, lane = key.decode(errors="replace").rpartition(_LANE)
    return int(lane) if lane.isdecimal() else 0


def name_in_lane(name: str, lane: int) -> str:
    """The name by which a worker says that it is present."""
    return f"{name}{_LANE}{lane}" if lane else name


@contextmanager
def _answering() -> Generator[None]:
    try:
        yield
    except RedisError as error:
        raise BrokerUnavailable(
            f"The broker does not answer ({error}): start it with `ostinato up`, or correct OSTINATO_BROKER_URL."
        ) from error

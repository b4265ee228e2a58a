"""Asking a Redis or Valkey server."""

import re
import socket
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, cast

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import NoPermissionError, RedisError
from redis.retry import Retry

from store.errors import BrokerUnavailable
from tasks.broker import BrokerSettings
from tasks.publishing import not_taken
from tasks.redis_sending import RedisSending
from tasks.routing import QUEUE, queue_of
from worker.broker_client import ANSWER_SECONDS, LANE, NO_ANSWER, PRESENCE_KEPT_SECONDS, BrokerState, Condition, Part
from worker.taken import Broker, queued

_PRESENCE = "ostinato:"
_SECTIONS = ("persistence", "memory", "replication")
_SCANNED_AT_ONCE = 1_000
_NUMBER = re.compile(r"[0-9]+")
_NEVER_EVICT = "noeviction"
# The second command alone would be refused by a server whose memory is full.
_SAY_PRESENT = "redis.call('DEL', KEYS[1]) redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[1])"

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
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 1, (ConnectionLost,)),
    )
    return client


class RedisClient:
    """A `BrokerClient`; who is there is a key that expires."""

    def __init__(self, settings: BrokerSettings) -> None:
        self._redis = cast("_Redis", redis_client(settings.broker_address))
        self._prefix = settings.broker_prefix
        self._lanes = settings.lanes

    def state(self) -> BrokerState:
        """What the broker knows."""
        with _answering():
            lanes = {*range(self._lanes), *self._lanes_there()}
            served = Counter(_lane_of(key) for key in self._present("worker"))
            return BrokerState(queued(self._redis, self._prefix, sorted(lanes)), served)

    def is_present(self, part: Part, machine: str) -> bool:
        """Whether one of this machine is there."""
        with _answering():
            return any((self._redis.get(key) or b"") == machine.encode() for key in self._present(part))

    def condition(self) -> Condition:
        """How the broker does, as far as this user may ask."""
        with _answering():
            try:
                info = {name: value for section in _SECTIONS for name, value in self._redis.info(section).items()}
            except NoPermissionError:
                return Condition(None, ["Its settings are not known: this user may not ask for them (INFO)."])
        kept = info.get("aof_enabled")
        return Condition(
            _problem(info), [] if kept else ["Its append-only file is off: a restart loses what is queued."]
        )

    def enqueue(self, raw: bytes) -> None:
        """Put these bytes on the queue."""
        try:
            self._redis.lpush(self._prefix + QUEUE, raw)
        except RedisError as error:
            raise not_taken(error, RedisSending()) from error

    def say_present(self, part: Part, name: str) -> None:
        """Write the key."""
        try:
            kept = str(PRESENCE_KEPT_SECONDS)
            self._redis.eval(_SAY_PRESENT, 1, self._presence(part, name), kept, socket.gethostname())
        except RedisError as error:
            _log.debug("presence_not_said", detail=str(error))

    def say_gone(self, part: Part, name: str) -> None:
        """Delete the key."""
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
    _, _, lane = key.decode(errors="replace").rpartition(LANE)
    return int(lane) if lane.isdecimal() else 0


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


@contextmanager
def _answering() -> Generator[None]:
    try:
        yield
    except RedisError as error:
        raise BrokerUnavailable(NO_ANSWER.format(error)) from error

"""The keys of a Redis or Valkey broker: each lane's queue, its workers, and what each of them has taken."""

from collections.abc import Iterable, Sequence
from typing import Any

from redis import Redis
from redis.exceptions import NoPermissionError

from ostinato.messages.routing import MOST_LANES, QUEUE, queue_of

# Suffixes of a queue's name: its workers' leases, what each worker has taken, and where kombu's producers put messages
# that have a priority. Ostinato ignores priorities.
LEASES = ".workers"
TAKEN = ".taken."
PRIORITIES = tuple(f"\x06\x16{priority}" for priority in (3, 6, 9))


class OtherLanes:
    """The queues of lanes that other settings have, but these have not. Asked for by name, never searched for."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client, self._prefix = client, prefix
        self._sees = True

    def there(self, lanes: int) -> list[int]:
        """The lanes from ``lanes`` on that hold messages, or had a worker lately, as far as this user may see them."""
        if not self._sees:
            return []
        try:
            # One command asks for all, because mostly none exists.
            beyond = range(lanes, MOST_LANES)
            return [lane for lane in beyond if self._are_there([lane])] if self._are_there(beyond) else []
        except NoPermissionError:
            # This user may see one lane only. The server logs each refusal, so do not ask again.
            self._sees = False
            return []

    def _are_there(self, lanes: Iterable[int]) -> bool:
        queues = [self._prefix + queue_of(lane) for lane in lanes]
        keys = [queue + suffix for queue in queues for suffix in ("", *PRIORITIES, LEASES)]
        return bool(keys and self._client.exists(*keys))


def queued(client: Redis, prefix: str, lanes: Iterable[int]) -> dict[int, int]:
    """How many messages wait or are being applied in each of these lanes."""
    return {lane: _depth(client, prefix + queue_of(lane)) for lane in lanes}


def _depth(client: Redis, queue: str) -> int:
    names = ["", *PRIORITIES, *(f"{TAKEN}{worker}" for worker in workers(client, queue))]
    return sum(client.llen(queue + name) for name in names)


def workers(client: Any, queue: str = QUEUE) -> Sequence[str]:  # noqa: ANN401 - redis-py leaves zrange untyped
    """The workers of a queue (its name with the prefix) that have a lease, or had one lately."""
    names: list[bytes] = client.zrange(queue + LEASES, 0, -1)
    return [name.decode() for name in names]

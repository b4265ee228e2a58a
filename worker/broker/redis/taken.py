"""What one worker has taken from its queue: a list of its own at the broker, and its lease on that.

Every change is one command or one script, so that a message is in exactly one list at any moment.
"""

from collections.abc import Sequence
from typing import cast

from redis import Redis

from ostinato.messages.routing import QUEUE, queue_of
from worker.broker.redis.queues import LEASES, PRIORITIES, TAKEN, OtherLanes, workers

LEASE_SECONDS = 6
# A worker's name is kept this long after its lease ran out: a fetch that it had sent may arrive late.
FORGOTTEN_SECONDS = 3_600
# At most this many in one script, so that no other client waits long for the server.
_MOVED_AT_ONCE = 1_000

# A server whose memory is full refuses commands that may need some, also as the first change of a script, but never
# once a script has begun to change something. So each script begins by removing an element that does not exist.
# The times are the server's: a worker's clock may be wrong.
_RENEW = """
redis.call('ZREM', KEYS[1], '')
redis.call('ZADD', KEYS[1], redis.call('TIME')[1], ARGV[1])
"""
_MOVE = """
redis.call('LREM', KEYS[2], 1, '')
return redis.call('LMOVE', KEYS[1], KEYS[2], 'RIGHT', 'LEFT')
"""
_MOVE_ALONG = """
redis.call('LREM', KEYS[2], 1, '')
local moved, room = {}, tonumber(ARGV[2])
while #moved < tonumber(ARGV[1]) do
    local raw = redis.call('LMOVE', KEYS[1], KEYS[2], 'RIGHT', 'LEFT')
    if not raw then break end
    room = room - #raw
    if room < 0 then redis.call('LMOVE', KEYS[2], KEYS[1], 'LEFT', 'RIGHT') break end
    moved[#moved + 1] = raw
end
return moved
"""
# The newest goes first to the end that is fetched from, so that the oldest is fetched next.
_MOVE_ALL = """
redis.call('LREM', KEYS[2], 1, '')
local moved = 0
while redis.call('LMOVE', KEYS[2], KEYS[1], 'LEFT', 'RIGHT') do moved = moved + 1 end
"""
_MOVE_SOME = f"""
redis.call('LREM', KEYS[3], 1, '')
local moved = 0
while moved < {_MOVED_AT_ONCE} and redis.call('LMOVE', KEYS[1], KEYS[2], 'RIGHT', 'LEFT') do moved = moved + 1 end
return moved
"""
_GIVE_BACK = f"{_MOVE_ALL} return moved"
_FORGET = "for _, raw in ipairs(ARGV) do redis.call('LREM', KEYS[1], 1, raw) end"
_GIVE_ONE_BACK = """
if redis.call('LREM', KEYS[2], 1, ARGV[1]) > 0 then redis.call('RPUSH', KEYS[1], ARGV[1]) end
"""
_RECOVER = f"""
local since = redis.call('TIME')[1] - (redis.call('ZSCORE', KEYS[3], ARGV[1]) or 0)
if since < {LEASE_SECONDS} then return 0 end
{_MOVE_ALL}
if since > {FORGOTTEN_SECONDS} then redis.call('ZREM', KEYS[3], ARGV[1]) end
return moved
"""


class Taken:
    """What one worker has taken. Every call may raise redis-py's RedisError; none changes anything halfway.

    ``prefix`` stands before each key, the queue's too.
    """

    def __init__(self, client: Redis, worker: str, prefix: str = "", queue: str = QUEUE) -> None:
        self._client = client
        self._worker = worker
        self._prefix = prefix
        self._others = OtherLanes(self._client, prefix)
        self._queue = prefix + queue
        self._mine = f"{self._queue}{TAKEN}{worker}"

    def close(self) -> None:
        """Close the connections."""
        self._client.connection_pool.disconnect()

    def fetching(self, seconds: float) -> tuple[str, ...]:
        """The command that takes the next message; it waits at most ``seconds`` for one."""
        return ("BLMOVE", self._queue, self._mine, "RIGHT", "LEFT", str(seconds))

    def fetch(self) -> bytes | None:
        """Take the next message, if there is one; this works although the server's memory is full."""
        return cast("bytes | None", self._client.eval(_MOVE, 2, self._queue, self._mine))

    def fetch_along(self, count: int, size: int) -> list[bytes]:
        """Take the messages that wait next: at most ``count``, of at most ``size`` bytes in all."""
        return cast("list[bytes]", self._client.eval(_MOVE_ALONG, 2, self._queue, self._mine, str(count), str(size)))

    def done(self, raws: Sequence[bytes]) -> None:
        """Forget messages: their effects are committed."""
        self._client.eval(_FORGET, 1, self._mine, *raws)

    def give_back(self, raw: bytes) -> None:
        """Put a message back, to be fetched next; nothing if another worker has recovered it."""
        self._client.eval(_GIVE_ONE_BACK, 2, self._queue, self._mine, raw)

    def give_all_back(self) -> int:
        """Put back everything that this worker has taken; returns how many messages."""
        return int(self._client.eval(_GIVE_BACK, 2, self._queue, self._mine))

    def renew(self) -> None:
        """Keep what this worker has taken from being recovered by others, for `LEASE_SECONDS`."""
        self._client.eval(_RENEW, 1, self._queue + LEASES, self._worker)

    def recover(self) -> int:
        """Put back what workers had taken whose lease has run out; returns how many messages."""
        return self._recover_from(self._queue)

    def level(self) -> None:
        """Bring messages that were sent with a priority to the queue, behind those that wait there."""
        for name in PRIORITIES:
            while self._moved_some(self._queue + name):
                pass

    def take_over(self, lanes: int) -> int:
        """Bring to this queue some messages of the lanes from ``lanes`` on; returns how many.

        What such a lane's worker had taken comes along once its lease has run out.
        """
        moved = 0
        for lane in self._others.there(lanes):
            queue = self._prefix + queue_of(lane)
            self._recover_from(queue)
            for name in ("", *PRIORITIES):
                moved += self._moved_some(queue + name)
        return moved

    def _recover_from(self, queue: str) -> int:
        moved = 0
        for worker in workers(self._client, queue):
            if worker != self._worker:
                taken, leases = f"{queue}{TAKEN}{worker}", queue + LEASES
                moved += int(self._client.eval(_RECOVER, 3, queue, taken, leases, worker))
        return moved

    def _moved_some(self, source: str) -> int:
        """Bring some messages of another list to the queue, behind those that wait; returns how many."""
        return int(self._client.eval(_MOVE_SOME, 3, source, self._queue, self._mine))

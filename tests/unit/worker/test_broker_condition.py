"""What a Redis or Valkey server says of itself, and what is said of that."""

import pytest

from worker.broker.redis.client import problem_of

FIT = {
    "maxmemory_policy": "noeviction",
    "maxmemory": 0,
    "used_memory": 1,
    "aof_last_write_status": "ok",
    "role": "master",
}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"maxmemory_policy": "allkeys-lru"}, "set maxmemory-policy to noeviction"),
        ({"maxmemory": 1}, "memory is full"),
        ({"aof_last_write_status": "err"}, "make room on its disk"),
        ({"role": "slave"}, "use its primary"),
    ],
)
def test_what_keeps_messages_from_a_server_is_said(told: dict[str, object], said: str) -> None:
    """With what to do; of one that is fit, and of one that tells nothing, there is nothing to say."""
    assert (None, None) == (problem_of(FIT), problem_of({}))
    assert said in str(problem_of(FIT | told))

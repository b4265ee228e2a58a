"""The thread that tells the broker that a worker or beat is present, and its end."""

from threading import Event, Lock

from typing_extensions import override

from ostinato.settings.broker import BrokerSettings
from tests.waiting import LONGEST
from worker.broker.client import Part
from worker.broker.liveness import Heartbeat, Life
from worker.broker.redis.client import RedisClient


class Broker(RedisClient):
    """A broker whose last answer needs a lock that another thread holds."""

    def __init__(self, held: Lock) -> None:
        super().__init__(BrokerSettings())
        self.held, self.asked, self.gone = held, Event(), Event()

    @override
    def say_gone(self, part: Part, name: str) -> None:
        self.asked.set()
        with self.held:
            assert ("beat", "one") == (part, name)
        self.gone.set()


def test_end_does_not_wait_for_what_it_holds_itself() -> None:
    """A signal that ends beat may interrupt a log line, and the thread may have to log something too."""
    held = Lock()
    broker = Broker(held)
    with held:
        heartbeat = Heartbeat(broker, "beat", "one", Life(heard=1.0))
        heartbeat.start()
        heartbeat.stop(0.1)
        assert broker.asked.wait(LONGEST)
        assert not broker.gone.is_set()
    assert broker.gone.wait(LONGEST)

"""Asking the broker directly: whether it answers, how much waits there, and who is about."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol

from ostinato.messages.routing import MOST_LANES

PRESENCE_SECONDS = 3.0
PRESENCE_KEPT_SECONDS = 15
ANSWER_SECONDS = 2.0
NO_ANSWER = "The broker does not answer ({}): run `ostinato up`, or see to the broker that OSTINATO_BROKER_URL names."
# Stands before the number of a worker's lane, behind its name; lane 0 is not said.
LANE = "/lane"
Part = Literal["worker", "beat"]
"""Who says that it is there."""


class BrokerState(NamedTuple):
    """How many messages wait or are being applied, in each lane; and how many workers the broker knows of in each.

    The lanes of the settings, and others that hold messages.
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


class Condition(NamedTuple):
    """Of a broker that answers: why it may lose messages or takes none, if so, and what else is not as it should be."""

    problem: str | None
    warnings: list[str]


class BrokerClient(Protocol):
    """A connection of its own to the broker; each answer comes, or fails, within two seconds. For one thread."""

    def state(self) -> BrokerState:
        """What the broker knows; BrokerUnavailable, with what to do, if it does not answer."""
        ...

    def is_present(self, part: Part, machine: str) -> bool:
        """Whether a worker, or beat, of this machine has said in the last seconds that it is at work.

        BrokerUnavailable as `state`.
        """
        ...

    def condition(self) -> Condition:
        """How the broker does; BrokerUnavailable as `state`."""
        ...

    def enqueue(self, raw: bytes) -> None:
        """Put the bytes of a whole queue item on the queue; BrokerUnavailable if the broker does not take them."""
        ...

    def say_present(self, part: Part, name: str) -> None:
        """Let others see for some seconds that a worker, or beat, is at work on this machine."""
        ...

    def say_gone(self, part: Part, name: str) -> None:
        """Let others see at once that it no longer is."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


_LANE_NAMES = {str(number): number for number in range(1, MOST_LANES)}


def name_in_lane(name: str, lane: int) -> str:
    """The name by which a worker says that it is present."""
    return f"{name}{LANE}{lane}" if lane else name


def lane_of_name(name: str) -> int:
    """The lane of a worker by the name that it said, whatever that is."""
    return _LANE_NAMES.get(name.rpartition(LANE)[2], 0)

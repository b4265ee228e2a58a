"""Asking the broker directly: whether it answers, how much waits there, and who is at work."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol

from ostinato.messages.routing import MOST_LANES

PRESENCE_SECONDS = 3.0
PRESENCE_KEPT_SECONDS = 15
ANSWER_SECONDS = 2.0
NO_ANSWER = "The broker does not answer ({}): run `ostinato up`, or see to the broker that OSTINATO_BROKER_URL names."
# Between a worker's name and the number of its lane; lane 0 is left out.
LANE = "/lane"
Part = Literal["worker", "beat"]
"""What tells the broker that it is at work."""


class BrokerState(NamedTuple):
    """How many messages wait or are being applied, and how many workers the broker knows of, for each lane.

    The lanes are those of the settings, and others that hold messages.
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


class Health(NamedTuple):
    """How a broker that answers does: the problem, if it may lose messages or takes none, and lesser warnings."""

    problem: str | None
    warnings: list[str]


class BrokerClient(Protocol):
    """A connection of its own to the broker; each answer comes, or fails, within two seconds. For one thread."""

    def state(self) -> BrokerState:
        """What the broker knows; BrokerUnavailable, with what to do, if it does not answer."""
        ...

    def is_present(self, part: Part, machine: str) -> bool:
        """Whether a worker, or beat, of this machine has told the broker in the last seconds that it is at work.

        BrokerUnavailable as `state`.
        """
        ...

    def health(self) -> Health:
        """How the broker does; BrokerUnavailable as `state`."""
        ...

    def enqueue(self, raw: bytes) -> None:
        """Put the bytes of a whole queue item on the queue; BrokerUnavailable if the broker does not take them."""
        ...

    def say_present(self, part: Part, name: str) -> None:
        """Let others see for `PRESENCE_KEPT_SECONDS` that a worker, or beat, is at work here; errors as `state`."""
        ...

    def say_gone(self, part: Part, name: str) -> None:
        """Let others see at once that it no longer is at work; errors as `state`."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


_LANE_NAMES = {str(number): number for number in range(1, MOST_LANES)}


def name_in_lane(name: str, lane: int) -> str:
    """The name by which a worker of a lane tells the broker that it is present."""
    return f"{name}{LANE}{lane}" if lane else name


def lane_of_name(name: str) -> int:
    """The lane of a worker by such a name; 0 for any other text."""
    return _LANE_NAMES.get(name.rpartition(LANE)[2], 0)

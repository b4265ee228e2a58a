"""Signs of life of the loop that takes messages, and for how long it has shown none."""

import math
from collections.abc import Callable

# However long the whole process stood still, as far as it can tell it was for so long.
LONGEST_STEP = 2.0


class Life:
    """Signs are given by the loop, and watched for by one thread.

    A loop shows life by an answer of the broker to a fetch, and while a message waits for the store. What lies between
    two watches, while there is no connection to the broker, counts neither as life nor as silence; nor does a pause of
    the whole process, which the watch slept through as well.
    """

    while_waiting: Callable[[], object]
    """What else is done while a message waits for the store, several times a second."""

    def __init__(self, *, heard: float, deaf_after: float = math.inf) -> None:
        """Take the seconds without a sign for which it still counts as heard, and after which it counts as deaf."""
        self.heard = heard
        self.while_waiting = _nothing
        self.deaf_after = deaf_after
        self._signs = self._seen = 0
        self._silence = 0.0
        self._at = 0.0

    def sign(self) -> None:
        """Show life."""
        self._signs += 1

    def watch(self, now: float) -> None:
        """Begin to watch, or begin again; ``now`` in monotonic seconds, as below."""
        self._at = now

    @property
    def seen(self) -> bool:
        """Whether there was a sign already."""
        return self._seen > 0

    def silence(self, now: float) -> float:
        """Seconds of watching since the last sign."""
        step, self._at = min(now - self._at, LONGEST_STEP), now
        self._silence = self._silence + step if self._signs == self._seen else 0.0
        self._seen = self._signs
        return self._silence


def _nothing() -> None:
    """What has to be done where the broker is not kept waiting."""

"""A worker that kills itself at a named point: `celery -A tests.faults.armed worker`, armed by its environment.

``OSTINATO_TEST_POINT`` names one of the POINTS, ``OSTINATO_TEST_PASS`` how often it is passed before the worker dies
there, by kill -9. The product knows nothing of it: its functions are wrapped here.
"""

import os
import signal
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from store.writing.inbox import Receipt
from store.writing.transaction import Clock, Transaction, Writer
from tests.faults.replacing import AnyFunction, replace

POINT = "OSTINATO_TEST_POINT"
PASS = "OSTINATO_TEST_PASS"  # noqa: S105 - how often, not a password


class Bomb:
    """Kills this process, and its group, when it has been passed often enough."""

    def __init__(self, passes: int) -> None:
        self._left = passes

    def passed(self) -> None:
        """The point is reached once more."""
        self._left -= 1
        if self._left < 0:
            os.killpg(os.getpgid(0), signal.SIGKILL)

    def before(self, function: AnyFunction) -> AnyFunction:
        """The function, with this point just before it."""

        def passing(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the function's
            self.passed()
            return function(*args, **kwargs)

        return passing


Arming = Callable[[Bomb], None]


def after_fetch(bomb: Bomb) -> None:
    """The broker has moved the message; the worker has its bytes, and has done nothing with them."""
    _after("worker.broker.redis.transport.Channel._fetched", bomb, when=lambda raw: raw is not None)


def before_begin(bomb: Bomb) -> None:
    """The message is read; its transaction is about to begin."""
    replace("store.writing.transaction.Writer.transaction", bomb.before)


def after_inbox_row(bomb: Bomb) -> None:
    """The ids are in the inbox, the effect is not there, nothing is committed."""
    _after("store.writing.applying.receive", bomb, when=lambda receipts: Receipt.NEW in receipts)


def before_commit(bomb: Bomb) -> None:
    """Everything is written, nothing is committed."""
    _after("store.writing.transaction.add_counts", bomb)


def after_commit(bomb: Bomb) -> None:
    """Everything is committed, and the broker does not know."""

    def make(transaction: AnyFunction) -> AnyFunction:
        @contextmanager
        def committed(writer: Writer, clock: Clock) -> Generator[Transaction]:
            with transaction(writer, clock) as entered:
                yield entered
            bomb.passed()

        return committed

    replace("store.writing.transaction.Writer.transaction", make)


def after_acknowledgement(bomb: Bomb) -> None:
    """The broker has been told, and the next message has not been asked for."""
    _after("worker.broker.redis.taken.Taken.done", bomb)


POINTS: Mapping[str, Arming] = {
    "after fetch": after_fetch,
    "before BEGIN": before_begin,
    "after the inbox row": after_inbox_row,
    "before COMMIT": before_commit,
    "after COMMIT": after_commit,
    "after acknowledgement": after_acknowledgement,
}


def _after(name: str, bomb: Bomb, *, when: Callable[[Any], bool] = lambda _: True) -> None:
    def make(function: AnyFunction) -> AnyFunction:
        def wrapped(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the function's
            result = function(*args, **kwargs)
            if when(result):
                bomb.passed()
            return result

        return wrapped

    replace(name, make)


def arm() -> None:
    """Put the bomb that the environment describes at its point."""
    POINTS[os.environ[POINT]](Bomb(int(os.environ[PASS])))


if os.environ.get(POINT) in POINTS:
    arm()
    from worker.celery import app as app  # noqa: PLC0414 - what Celery looks for here

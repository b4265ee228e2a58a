"""C1: the clock of a worker jumps by two hours, forth and back."""

import time

from ostinato.messages.models import RecalculateAllPatternPriorities
from tests.faults import jumping
from tests.faults.report import Record
from tests.faults.rig import Rig
from tests.forms import Scaled
from tests.waiting import wait_until

JUMPS = 10
_TWO_HOURS = 7_200
_NEAR = 600


def applied_at(rig: Rig, seconds: int) -> bool:
    """Whether one of the newest messages was applied at a time that is wrong by this many seconds."""
    rows = rig.select("SELECT applied_at FROM inbox ORDER BY seq DESC LIMIT 50")
    return any(abs(row["applied_at"] / 1e6 - time.time() - seconds) < _NEAR for row in rows)


def test_the_clock_jumps(rig: Rig, record: Record, scaled: Scaled) -> None:
    """Event times decide, and a wrong clock lets no worker take what another holds; a hit shows in the store.

    The other worker's clock is right: to it, the first one's lease must not look as if it had run out.
    """
    file, jumps = rig.product.home / "clock", 2 * scaled(JUMPS // 2)
    jumping.put(file, 0)
    env = {jumping.CLOCK: str(file)}
    with rig.worker("jumping", env=env, app="tests.faults.jumping"), rig.worker("right"):
        rig.product.wait_for_workers(2)
        with rig.load():
            for number in range(jumps):
                seconds = -_TWO_HOURS if number % 2 else _TWO_HOURS
                jumping.put(file, seconds)
                wait_until(lambda wrong=seconds: applied_at(rig, wrong), why="the clock has jumped")
                rig.wait_for_applied(rig.random.randint(1, 100))
        rig.send_all(RecalculateAllPatternPriorities())
        verdict = rig.judge()
    record(rig.result("C1 worker: clock jumps by 2 h", jumps, jumps))
    assert {} == verdict.defects
    assert 0 == verdict.redelivered

"""Looking beside the view of `ostinato top`: a defect in it must not leave a view that stands still."""

from pathlib import Path
from threading import Event

import pytest
from typing_extensions import override

from store.reading.ranking import Filters
from tests.waiting import LONGEST
from worker.cli.top.looker import Looker
from worker.cli.top.sight import Looking, Sight
from worker.settings import Settings


class _Defect(Exception):
    pass


class _Defective(Looking):
    closed = False

    @override
    def look(self) -> Sight:
        raise _Defect

    @override
    def close(self) -> None:
        super().close()
        self.closed = True


def test_what_ends_the_looking_is_told_to_who_watches(tmp_path: Path) -> None:
    """It is woken, gets the error instead of a sight, and the connections are closed."""
    looking, woken = _Defective(Settings(home=tmp_path), Filters(), 1), Event()
    with Looker(looking, 60.0, woken.set) as looker:
        assert woken.wait(LONGEST)
        with pytest.raises(_Defect):
            looker.sight()
    assert looking.closed

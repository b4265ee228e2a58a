"""The view of `ostinato top`: a defect must not leave a view that stands still."""

from pathlib import Path

from typing_extensions import override

from store.reading.ranking import Filters
from worker.cli.top.sight import Looking, Sight
from worker.cli.top.view import View
from worker.settings import Settings


class _Defect(Exception):
    pass


class _Defective(Looking):
    """Looks once."""

    looked = False

    @override
    def look(self) -> Sight:
        if self.looked:
            raise _Defect
        self.looked = True
        return super().look()


def test_a_defect_of_looking_ends_the_view(tmp_path: Path) -> None:
    """The caller gets the error."""
    looking = _Defective(Settings(home=tmp_path), Filters(), 1)
    assert isinstance(View(looking, looking.look(), 0.05).run(headless=True), _Defect)
    looking.close()

"""The names that the client and the server's `tasks` offer, however they are looked for."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

import ostinato
import tasks
from ostinato import Producer, errors

FACE = Path(ostinato.__file__)
# What `tasks` had in version 0.1.
OF_0_1 = {
    *("ApplyBatch", "Producer", "RecalculateAllPatternPriorities", "RecordPattern", "RecordPatternApplication"),
    *("SoftDeletePattern", "UpdatePatternEffectiveness", "apply_batch", "recalculate_all_pattern_priorities"),
    *("record_pattern", "record_pattern_application", "soft_delete_pattern", "update_pattern_effectiveness"),
}


def imported_for_types(module: Path) -> dict[str, str]:
    """The module of each name that a type checker finds in a package's `if TYPE_CHECKING`."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    return {
        name.name: f"{node.module}" for node in block.body if isinstance(node, ast.ImportFrom) for name in node.names
    }


def test_type_checkers_and_programs_find_the_same_names() -> None:
    """Each is in `__all__`, and comes from the module that type checkers are told of."""
    found = imported_for_types(FACE)

    assert sorted(found) == ostinato.__all__
    assert [getattr(import_module(module), name) for name, module in found.items()] == [
        getattr(ostinato, name) for name in found
    ]
    assert set(found) <= set(dir(ostinato))


def test_modules_of_the_client_can_be_imported_from_it() -> None:
    """As from any package; a name that is none is an AttributeError."""
    assert ostinato.OstinatoError is errors.OstinatoError
    with pytest.raises(AttributeError, match="nothing"):
        getattr(ostinato, "nothing")  # noqa: B009 - a name that type checkers refuse


def test_every_name_of_version_0_1_is_still_in_tasks() -> None:
    """For those who have the server: the same objects, and type checkers find them too."""
    assert OF_0_1 == set(imported_for_types(Path(tasks.__file__)))
    assert {name: getattr(ostinato, name) for name in OF_0_1} == {name: getattr(tasks, name) for name in OF_0_1}
    assert tasks.Producer is Producer
    with pytest.raises(AttributeError, match="nothing"):
        getattr(tasks, "nothing")  # noqa: B009 - as above

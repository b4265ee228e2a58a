"""Small files, small functions, small rooms, telling names, and no look away from a type."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parents[2]
MODULES, OTHERS = (
    [module for folder in folders for module in sorted((ROOT / folder).rglob("*.py"))]
    for folders in (("worker", "tasks", "store", "client"), ("tests", "scripts", "benchmarks", "examples"))
)
EVERYWHERE = [*MODULES, *OTHERS]
LONGEST_FILE = 300
LONGEST_FUNCTION = 40
# Half of the files have no more lines than this, and nine of ten functions.
USUAL_FILE = 100
USUAL_FUNCTION = 20
USUAL_MODULES = 12
MOST_MODULES = {"cli": 18}
NAMES_OF_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "base", "misc"}


def functions(module: Path) -> Iterator[tuple[str, int]]:
    """Every function of a module with its number of lines."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{module.relative_to(ROOT)}:{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def test_modules_are_found() -> None:
    """So that the rules below are not kept by an empty list."""
    assert {"app.py", "wire.py", "effects.py"} <= {module.name for module in MODULES}


def test_no_file_is_long() -> None:
    """Each can be read in one go."""
    long = [str(module) for module in EVERYWHERE if len(module.read_text(encoding="utf-8").splitlines()) > LONGEST_FILE]
    assert [] == long


def test_no_function_is_long() -> None:
    """Each fits on a screen."""
    assert [] == [name for module in EVERYWHERE for name, lines in functions(module) if lines > LONGEST_FUNCTION]


def test_no_room_is_crowded() -> None:
    """A folder has at most 12 modules; only the command line, with a module for each command, may have 18."""
    rooms = Counter(
        module.parent for module in MODULES if module.stem != "__init__" and module.parent.name != "versions"
    )
    assert [] == [str(room) for room, modules in rooms.items() if modules > MOST_MODULES.get(room.name, USUAL_MODULES)]


def test_most_files_and_functions_are_short() -> None:
    """Which the limits above alone would not see to: the product's, and all taken together."""
    for modules in (MODULES, EVERYWHERE):
        files = [len(module.read_text(encoding="utf-8").splitlines()) for module in modules]
        assert median(files) <= USUAL_FILE
        assert quantiles((lines for module in modules for _, lines in functions(module)), n=10)[-1] <= USUAL_FUNCTION


def test_no_type_is_ignored() -> None:
    """The type checkers are never told to look away."""
    look_away = re.compile(r"#\s*(type|pyright|mypy|basedpyright):")
    assert [] == [str(module) for module in EVERYWHERE if look_away.search(module.read_text(encoding="utf-8"))]


def test_modules_are_named_after_what_they_do() -> None:
    """None of them is a drawer for what fits nowhere else."""
    words = {module: set(module.stem.split("_")) | {module.parent.name} for module in MODULES}
    assert [] == [str(module) for module, parts in words.items() if parts & NAMES_OF_NOTHING]

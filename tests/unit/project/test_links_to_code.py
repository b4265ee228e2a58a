"""Where a page names a part of the code and links it, the file linked has a part of that name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
WALK = ROOT / "docs" / "explanation" / "life-of-a-message.md"
PAGES = [page for page in sorted((ROOT / "docs").rglob("*.md")) if "reference" not in page.parts]
LINK = re.compile(r"\[`([^`\]]+)`\]\(([^)#:]+\.py)\)")


def names(body: list[ast.stmt], within: str = "") -> Iterator[str]:
    """What a module defines: classes, functions and constants, and as `Class.name` what stands in a class."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield within + node.name
            if isinstance(node, ast.ClassDef):
                yield from names(node.body, f"{node.name}.")
        elif isinstance(node, ast.Assign):
            yield from (within + target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield within + node.target.id


def missing(page: Path) -> list[tuple[str, str]]:
    """The links of a page whose name is neither the path that they lead to nor a part of that file."""
    links: list[tuple[str, str]] = LINK.findall(page.read_text(encoding="utf-8"))
    return [(name, target) for name, target in links if not _leads(name, target, page.parent / target)]


def _leads(name: str, target: str, file: Path) -> bool:
    if not file.is_file():
        return False
    return target.endswith(name) or name in names(ast.parse(file.read_text(encoding="utf-8")).body)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_names_is_there(page: Path) -> None:
    """Each name of a part of the code is defined in the file that its link leads to."""
    assert [] == missing(page)


def test_every_step_of_the_walk_leads_into_the_code() -> None:
    """Each section names at least one part, and most of the rooms that a message walks through are linked."""
    sections = re.split(r"^## ", WALK.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert [] == [section.splitlines()[0] for section in sections if not LINK.search(section)]
    rooms = {Path(target).parts[2] for section in sections for _, target in LINK.findall(section)}
    assert {"worker", "tasks", "store"} <= rooms


def test_a_name_that_is_not_there_is_found(tmp_path: Path) -> None:
    """So that the search above means something."""
    (tmp_path / "module.py").write_text("class Here:\n    def found(self): ...\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text("[`Here.found`](module.py) [`gone`](module.py) [`Here`](nowhere.py)", encoding="utf-8")
    assert [("gone", "module.py"), ("Here", "nowhere.py")] == missing(page)

"""requirements.lock: every package of the image in one version, as pyproject.toml wants it, known by its hashes."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT, CLIENT = (
    tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for folder in (".", "client")
)
OWN = f"ostinato-client=={PROJECT['version']}"
DIRECT = [
    each
    for each in (*PROJECT["dependencies"], *CLIENT["dependencies"], *PROJECT["optional-dependencies"]["postgres"])
    if each != OWN
]
MORE = "run `python3 dev.py lock`"


def pins() -> dict[str, str]:
    """The version of each package."""
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", TEXT, re.MULTILINE))


def needed(requirement: Requirement, seen: set[str]) -> Iterator[str]:
    """The names of a package and of all that it needs in this environment."""
    key = f"{canonicalize_name(requirement.name)}[{','.join(sorted(requirement.extras))}]"
    if key in seen:
        return
    seen.add(key)
    yield canonicalize_name(requirement.name)
    for each in map(Requirement, requires(requirement.name) or ()):
        if any(each.marker is None or each.marker.evaluate({"extra": extra}) for extra in ("", *requirement.extras)):
            yield from needed(each, seen)


@pytest.mark.parametrize("text", DIRECT)
def test_what_the_project_asks_for_is_locked(text: str) -> None:
    """In a version that it allows."""
    wanted = Requirement(text)
    version = pins().get(canonicalize_name(wanted.name))
    assert version is not None, MORE
    assert wanted.specifier.contains(version), MORE


def test_what_these_need_is_locked_too() -> None:
    """Nothing is left for whoever installs it to choose."""
    everything = {name for text in DIRECT for name in needed(Requirement(text), set())}
    assert everything - {name for text in DIRECT if (name := _elsewhere(text))} <= pins().keys(), MORE


def _elsewhere(text: str) -> str | None:
    """A package that this environment has no use for."""
    wanted = Requirement(text)
    return None if wanted.marker is None or wanted.marker.evaluate() else wanted.name


def test_every_file_is_known_by_its_hash() -> None:
    """Each version has at least one, of a kind that nobody can imitate, and there is no other place to get it from."""
    blocks = re.split(r"^(?=[a-z0-9-]+==)", TEXT, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(pins())
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}\b", block) for block in blocks)
    assert "://" not in TEXT
    assert set() == {line.split()[0] for line in TEXT.splitlines() if line.startswith("-")}


def test_the_image_has_what_is_locked_and_nothing_else() -> None:
    """Both wheels are installed without their dependencies, after what is locked with its hashes."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert [
        "--no-cache-dir --require-hashes -r requirements.lock",
        "--no-cache-dir --no-deps ./client .",
    ] == re.findall(r"pip install (.*)$", dockerfile, re.MULTILINE)

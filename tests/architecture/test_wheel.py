"""What is in the wheels of the two distributions, and what they need."""

import configparser
import re
import subprocess
import sys
import tomllib
from email import message_from_bytes
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "client"
SERVERS = ("worker", "tasks", "store")
# What kombu, or a machine, needs without the client's code naming it.
UNNAMED = {"packaging", "pysqlite3"}


def built(project: Path, folder: Path) -> ZipFile:
    """A wheel, as a release makes it."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    [file] = folder.glob("*.whl")
    return ZipFile(file)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """The wheel of `ostinato`."""
    return built(ROOT, tmp_path_factory.mktemp("server"))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """The wheel of `ostinato-client`."""
    return built(CLIENT, tmp_path_factory.mktemp("client"))


def project(folder: Path) -> dict[str, Any]:
    """What a distribution says of itself."""
    found: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    return found


def files(folder: Path, *packages: str) -> set[str]:
    """Every file of these packages, data included."""
    return {
        str(file.relative_to(folder))
        for package in packages
        for file in (folder / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def contents(wheel: ZipFile) -> set[str]:
    """What a wheel has beside its metadata."""
    return {name for name in wheel.namelist() if ".dist-info/" not in name}


def metadata(wheel: ZipFile, file: str) -> list[bytes]:
    """The file of this name in a wheel's metadata, if there is one."""
    return [wheel.read(name) for name in wheel.namelist() if name.endswith(f".dist-info/{file}")]


def test_the_servers_wheel_has_its_three_packages_and_nothing_else(server: ZipFile) -> None:
    """Every file of theirs, data included, and the metadata."""
    found = contents(server)
    assert files(ROOT, *SERVERS) == found
    assert {*(f"{package}/py.typed" for package in SERVERS), "worker/cli/demo/ruff-stdlib.jsonl.gz"} <= found
    assert {"store/database/migrations/env.py", "store/database/migrations/versions/r0001_first_schema.py"} <= found


def test_the_clients_wheel_has_its_package_and_nothing_else(client: ZipFile) -> None:
    """With its types, and the licence."""
    assert files(CLIENT, "ostinato") == contents(client)
    assert "ostinato/py.typed" in contents(client)
    assert [(ROOT / "LICENSE").read_bytes()] == metadata(client, "licenses/LICENSE")


def test_the_server_brings_the_command(server: ZipFile, client: ZipFile) -> None:
    """`ostinato`, and no other; the client brings none."""
    [entry_points] = metadata(server, "entry_points.txt")
    scripts = configparser.ConfigParser()
    scripts.read_string(entry_points.decode())
    assert {"ostinato": "worker.cli.main:main"} == dict(scripts["console_scripts"])
    assert ["console_scripts"] == scripts.sections()
    assert [] == metadata(client, "entry_points.txt")


def test_the_server_needs_the_client_of_its_own_version(server: ZipFile, client: ZipFile) -> None:
    """So that both know the same messages."""
    [servers], [clients] = metadata(server, "METADATA"), metadata(client, "METADATA")
    wanted, made = message_from_bytes(servers), message_from_bytes(clients)
    assert ("ostinato", "ostinato-client") == (wanted["Name"], made["Name"])
    assert wanted["Version"] == made["Version"]
    assert f"ostinato-client=={made['Version']}" in (wanted.get_all("Requires-Dist") or [])
    assert clients.endswith((CLIENT / "README.md").read_bytes())


def test_the_distributions_say_the_same_of_themselves() -> None:
    """Where they run, under which licence, and which versions of what both need."""
    servers, clients = project(ROOT), project(CLIENT)
    for field in ("requires-python", "license", "classifiers"):
        assert servers[field] == clients[field]
    wanted = {Requirement(each).name: each for each in servers["dependencies"]}
    assert [] == [each for each in clients["dependencies"] if wanted.get(Requirement(each).name, each) != each]


def test_the_client_needs_what_it_imports_and_nothing_else() -> None:
    """Where OpenTelemetry is there, the client uses it; pydantic brings its core."""
    source = "\n".join(path.read_text("utf-8") for path in sorted((CLIENT / "ostinato").rglob("*.py")))
    named = set(re.findall(r"^ *(?:from|import) (\w+)", source, re.MULTILINE))
    foreign = named - sys.stdlib_module_names - {"ostinato", "opentelemetry", "pydantic_core"}
    distributions = packages_distributions()
    expected = {canonicalize_name(distributions[name][0]) for name in foreign & distributions.keys()} | UNNAMED
    assert expected == {Requirement(each).name for each in project(CLIENT)["dependencies"]}

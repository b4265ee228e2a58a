"""The Compose file and the Dockerfile hold together, as far as that can be said without a Docker engine."""

import json
import re
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from fnmatch import fnmatch
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import pytest
import typer
import yaml
from jsonschema import Draft202012Validator
from typer.core import TyperGroup

import worker.cli.commands
from tests.compose import FILE as PATH
from tests.compose import NotSetError, composed, filled
from tests.readers.pages import blocks, text_of
from worker.processes.services import FLOWER_OPTIONS
from worker.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
TEXT = PATH.read_text(encoding="utf-8")
ALL = ("monitoring", "postgres")
SECRETS = {"OSTINATO_FLOWER_AUTH": "me:0123abcd", "OSTINATO_POSTGRES_PASSWORD": "4567ef"}
FILE = composed(SECRETS, ALL)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
THEIRS = {"broker": "/data", "postgres": "/var/lib/postgresql"}
OURS = sorted(SERVICES.keys() - THEIRS.keys())
# That of the Compose Specification, as a package that is kept up to date has it.
SCHEMA = json.loads(
    files("check_jsonschema").joinpath("builtin_schemas", "vendor", "compose-spec.json").read_text("utf-8")
)
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

each_service = pytest.mark.parametrize("name", sorted(SERVICES))
each_of_ours = pytest.mark.parametrize("name", OURS)


def complaints(file: dict[str, Any]) -> Iterator[str]:
    """What the Compose Specification's schema has against a file."""
    # Its types leave open what a schema is.
    validator = cast("Any", Draft202012Validator(SCHEMA))
    yield from (f"{error.json_path}: {error.message}" for error in validator.iter_errors(file))


@pytest.mark.parametrize("profiles", [(), ("monitoring",), ("postgres",), ALL], ids=lambda each: "+".join(each) or "-")
def test_the_file_is_what_compose_takes(profiles: tuple[str, ...]) -> None:
    """With any profiles: right by the schema, and whatever a service names is there."""
    file = composed(SECRETS, profiles)
    services: dict[str, dict[str, Any]] = file["services"]
    volumes = {volume.split(":")[0] for each in services.values() for volume in each["volumes"]}
    awaited = {
        name: condition.get("required", True)
        for each in services.values()
        for name, condition in each.get("depends_on", {}).items()
    }

    assert [] == list(complaints(file))
    assert {network for each in services.values() for network in each["networks"]} <= set(file["networks"])
    assert volumes <= set(file["volumes"])
    assert {name for name, required in awaited.items() if required} <= services.keys()
    assert awaited.keys() <= SERVICES.keys()


@pytest.mark.parametrize("page", ["docs/how-to/lanes.md", "docs/how-to/rabbitmq.md"])
def test_files_beside_it_are_what_compose_takes(page: str) -> None:
    """Those that the pages show."""
    [shown] = [yaml.safe_load(block.text) for block in blocks(page, text_of(page)) if block.language == "yaml"]

    assert [] == list(complaints(shown))


def test_a_wrong_file_is_told() -> None:
    """The schema sees what Compose would refuse."""
    for name, wrong in (("restart", 5), ("read_only", []), ("comand", ["x"]), ("healthcheck", {"interval": 5})):
        file = deepcopy(FILE)
        file["services"]["worker"][name] = wrong
        assert list(complaints(file)), name


def test_variables_are_filled_in_as_compose_does() -> None:
    """Defaults, replacements, what must be set, and dollars."""
    expected = {"a${A}": "a1", "${B:-x${A}}": "x1", "${A:+y${A}z}!": "y1z!", "${B:+y}": "", "$$5": "$5", "${B-q}": ""}

    assert expected == {text: filled(text, {"A": "1", "B": ""}) for text in expected}
    with pytest.raises(NotSetError, match="say why"):
        filled("${B:?say why}", {"B": ""})


def test_the_services_are_those_of_the_product() -> None:
    """Broker, migration, worker and beat run by default, Flower and PostgreSQL only with their profiles."""
    assert {"broker", "migrate", "worker", "beat"} == composed(SECRETS)["services"].keys()
    assert {"flower": ["monitoring"], "postgres": ["postgres"]} == {
        name: each["profiles"] for name, each in SERVICES.items() if "profiles" in each
    }


@each_service
def test_no_service_may_more_than_it_needs(name: str) -> None:
    """A user without rights, no capabilities, a read-only root, one volume and a /tmp in memory to write to."""
    service = SERVICES[name]
    user, group = service["user"].split(":")
    volume = f"{name}:{THEIRS[name]}" if name in THEIRS else "store:/var/lib/ostinato"

    assert 0 not in {int(user), int(group)}
    assert (True, ["ALL"], ["no-new-privileges:true"]) == (
        service["read_only"],
        service["cap_drop"],
        service["security_opt"],
    )
    assert ["/tmp", *(["/var/run/postgresql"] if name == "postgres" else [])] == service["tmpfs"]  # noqa: S108 - the container's own
    assert not service.keys() & {"privileged", "cap_add", "network_mode", "pid", "devices"}
    assert [volume] == service["volumes"]


@each_service
def test_a_service_that_ends_is_started_again(name: str) -> None:
    """All but the migration, which runs once, come back, get time to end, and have a health check."""
    service = SERVICES[name]

    if name == "migrate":
        assert "no" == service["restart"]
    else:
        assert "unless-stopped" == service["restart"]
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    # A task that lasts longer ends its worker anyhow.
    longest = Settings.model_fields["deaf_after"].default if name in OURS else 0
    assert longest < int(service["stop_grace_period"].removesuffix("s"))


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_worker_and_beat_are_asked_for_themselves(name: str) -> None:
    """Each container answers for its own process, by the command made for it, which the command line has."""
    group = typer.main.get_command(worker.cli.commands.app)
    assert isinstance(group, TyperGroup)
    health = group.commands["health"]
    assert isinstance(health, TyperGroup)

    assert ["CMD", "ostinato", "health", name] == SERVICES[name]["healthcheck"]["test"]
    assert name in health.commands
    assert "hostname" not in SERVICES[name]


def test_only_flower_is_reachable_and_only_from_the_machine_itself() -> None:
    """No port is published but Flower's, on the loopback address; the others are on a network without a way out."""
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert {"flower": ["127.0.0.1:5555:5555"]} == ports
    assert all(FILE["networks"][name]["internal"] for name in ("queue", "database"))
    assert {
        "broker": ["queue"],
        "beat": ["queue"],
        "worker": ["queue", "database"],
        "migrate": ["database"],
        "postgres": ["database"],
        "flower": ["queue", "dashboard"],
    } == {name: service["networks"] for name, service in SERVICES.items()}


def test_passwords_come_from_the_environment() -> None:
    """They are on no command line, and a part that does not need one does not have it; Flower cannot do without."""
    flower = SERVICES["flower"]
    commands = " ".join(" ".join([*each.get("command", []), *each.get("entrypoint", [])]) for each in SERVICES.values())
    knows = {name for name, each in SERVICES.items() if "4567ef" in str(each)}

    assert "me:0123abcd" == flower["environment"]["FLOWER_BASIC_AUTH"]
    assert set(FLOWER_OPTIONS) <= set(flower["command"])
    assert not any(secret in commands for secret in ("0123abcd", "4567ef", "auth"))
    assert {"postgres", "migrate", "worker"} == knows
    assert "FLOWER_UNAUTHENTICATED_API" not in TEXT
    with pytest.raises(NotSetError, match="USER:PASSWORD"):
        composed({})


def test_the_broker_keeps_what_it_accepted() -> None:
    """Append-only file, no eviction, and values up to a size that the largest batch needs."""
    command = SERVICES["broker"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))

    assert "valkey-server" == command[0]
    assert ("yes", "always", "noeviction") == (
        options["--appendonly"],
        options["--appendfsync"],
        options["--maxmemory-policy"],
    )
    assert ("4mb", "1gb") == (options["--proto-max-bulk-len"], options["--maxmemory"])


def test_every_setting_named_is_one_that_is_read() -> None:
    """Each OSTINATO_ variable in the file and the Dockerfile is a field of the settings, or the file's own."""
    known = {f"OSTINATO_{name.upper()}" for name in Settings.model_fields} | {"OSTINATO_POSTGRES_PASSWORD"}

    assert known >= set(re.findall(r"OSTINATO_[A-Z_]+", TEXT + DOCKERFILE))


@each_of_ours
@pytest.mark.parametrize("password", ["", "4567ef"])
def test_the_services_share_broker_and_store(name: str, password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has the same broker; who opens the store, the same file in the volume, or PostgreSQL once that is set up."""
    services = composed(SECRETS | {"OSTINATO_POSTGRES_PASSWORD": password}, ALL)["services"]
    environment = services[name]["environment"]
    for variable in environment.keys() - {"FLOWER_BASIC_AUTH"}:
        monkeypatch.setenv(variable, environment[variable])
    settings = Settings()
    server = "postgresql+psycopg://ostinato:4567ef@postgres:5432/ostinato"
    opens = name in {"migrate", "worker"}

    assert "redis://broker:6379/0" == settings.broker_address
    assert settings.store_address == (server if password and opens else "sqlite:////var/lib/ostinato/store.db")


def test_postgresql_is_the_server_of_that_url() -> None:
    """The same user, database and password, and whoever is to be healthy is asked at the same port."""
    server = SERVICES["postgres"]
    assert {"POSTGRES_USER": "ostinato", "POSTGRES_DB": "ostinato", "POSTGRES_PASSWORD": "4567ef"}.items() <= server[
        "environment"
    ].items()
    assert {"--port=5432", "--username=ostinato", "--dbname=ostinato"} <= set(server["healthcheck"]["test"])
    assert {"postgres": {"condition": "service_healthy", "required": False}} == SERVICES["migrate"]["depends_on"]


@each_of_ours
def test_every_command_is_one_that_the_image_has(name: str) -> None:
    """A command or health check begins with Celery, Python or a script of ours, and asks it for what it has."""
    group = typer.main.get_command(worker.cli.commands.app)
    assert isinstance(group, TyperGroup)
    healthcheck = SERVICES[name].get("healthcheck", {"test": ["CMD", "python"]})["test"][1:]
    for command in (SERVICES[name]["command"], " ".join(healthcheck).split()):
        assert command[0] in {*PROJECT["scripts"], "celery", "python"}
        if command[0] == "ostinato":
            assert command[1] in group.commands
        if command[0] == "celery":
            assert ["--quiet", "-A", "worker", name] == command[1:5]


def test_what_a_service_waits_for_is_there() -> None:
    """Worker and beat begin after the migration and with a broker that answers."""
    awaited = {name: SERVICES[name].get("depends_on", {}) for name in SERVICES}

    assert all(set(each) <= SERVICES.keys() for each in awaited.values())
    for name in ("worker", "beat"):
        assert {
            "broker": {"condition": "service_healthy"},
            "migrate": {"condition": "service_completed_successfully"},
        } == awaited[name]


def test_the_image_has_what_it_copies() -> None:
    """Whatever the Dockerfile copies from the checkout is there and is sent to the engine."""
    copied = {word for line in re.findall(r"^COPY (?!--)(.*) \S+$", DOCKERFILE, re.MULTILINE) for word in line.split()}
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]

    assert {
        "requirements.lock",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "client",
        "worker",
        "tasks",
        "store",
    } == copied
    assert all((ROOT / name).exists() and any(fnmatch(name, pattern) for pattern in sent) for name in copied)
    assert f"image: ostinato:{PROJECT['version']}" in TEXT


def test_the_image_runs_as_the_user_of_the_services() -> None:
    """The image's user is not root and owns the store's folder, so that a new volume does."""
    users = {SERVICES[name]["user"] for name in OURS}

    assert set(re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)) == users
    assert "install -d -o 10001 -g 10001 -m 0750 /var/lib/ostinato" in DOCKERFILE

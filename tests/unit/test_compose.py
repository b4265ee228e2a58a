"""The Compose file and the Dockerfile hold together, as far as that can be said without a Docker engine."""

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.core import TyperGroup

import worker.cli.commands
from worker.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
FILE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
OURS = sorted(SERVICES.keys() - {"broker"})
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

each_service = pytest.mark.parametrize("name", sorted(SERVICES))
each_of_ours = pytest.mark.parametrize("name", OURS)


def test_the_services_are_those_of_the_product() -> None:
    """Broker, migration, worker and beat run by default, Flower only with its profile."""
    assert {"beat", "broker", "flower", "migrate", "worker"} == SERVICES.keys()
    assert {"flower": ["monitoring"]} == {
        name: each["profiles"] for name, each in SERVICES.items() if "profiles" in each
    }


@each_service
def test_no_service_may_more_than_it_needs(name: str) -> None:
    """A user without rights, no capabilities, a read-only root, one volume and a /tmp in memory to write to."""
    service = SERVICES[name]
    user, group = service["user"].split(":")

    assert 0 not in {int(user), int(group)}
    assert (True, ["ALL"], ["no-new-privileges:true"]) == (
        service["read_only"],
        service["cap_drop"],
        service["security_opt"],
    )
    assert ["/tmp"] == service["tmpfs"]  # noqa: S108 - the container's own
    assert not service.keys() & {"privileged", "cap_add", "network_mode", "pid", "devices"}
    assert ["broker:/data" if name == "broker" else "store:/var/lib/ostinato"] == service["volumes"]
    assert {"broker", "store"} == FILE["volumes"].keys()


@each_service
def test_a_service_that_ends_is_started_again(name: str) -> None:
    """All but the migration, which runs once, come back, get time to end, and have a health check."""
    service = SERVICES[name]

    if name == "migrate":
        assert "no" == service["restart"]
    else:
        assert "unless-stopped" == service["restart"]
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert re.fullmatch(r"\d+s", service["stop_grace_period"])


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
    assert FILE["networks"]["queue"]["internal"]
    assert {("queue",)} == {tuple(service["networks"]) for name, service in SERVICES.items() if name != "flower"}


def test_flower_shows_itself_only_with_a_password() -> None:
    """The password has to come from the environment, is on no command line, and nothing can be changed."""
    flower = SERVICES["flower"]

    assert re.fullmatch(r"\$\{OSTINATO_FLOWER_AUTH:\?.+\}", flower["environment"]["FLOWER_BASIC_AUTH"])
    assert "--read_only" in flower["command"]
    assert not any("auth" in word for word in flower["command"])
    assert "FLOWER_UNAUTHENTICATED_API" not in TEXT


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
    """Each OSTINATO_ variable in the file and the Dockerfile is a field of the settings."""
    known = {f"OSTINATO_{name.upper()}" for name in Settings.model_fields}

    assert known >= set(re.findall(r"OSTINATO_[A-Z_]+", TEXT + DOCKERFILE))


@each_of_ours
def test_the_services_share_broker_and_store(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has the settings of the same broker and the same file, in the volume, and they can be used."""
    environment = SERVICES[name]["environment"]
    for variable in environment.keys() - {"FLOWER_BASIC_AUTH"}:
        monkeypatch.setenv(variable, environment[variable])
    settings = Settings()

    assert ("redis://broker:6379/0", "sqlite:////var/lib/ostinato/store.db") == (
        settings.broker_address,
        settings.store_address,
    )


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

    assert {"requirements.lock", "pyproject.toml", "README.md", "LICENSE", "worker", "tasks", "store"} == copied
    assert all((ROOT / name).exists() and any(fnmatch(name, pattern) for pattern in sent) for name in copied)
    assert f"image: ostinato:{PROJECT['version']}" in TEXT


def test_the_image_runs_as_the_user_of_the_services() -> None:
    """The image's user is not root and owns the store's folder, so that a new volume does."""
    users = {SERVICES[name]["user"] for name in OURS}

    assert set(re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)) == users
    assert "install -d -o 10001 -g 10001 -m 0750 /var/lib/ostinato" in DOCKERFILE

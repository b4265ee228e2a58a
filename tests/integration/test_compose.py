"""What `docker compose up` would start, as processes: every service's command, environment and health check."""

import json
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest

from ostinato.messages.models import RecordPattern
from ostinato.publishing.publisher import producer_app, publish
from store.reading.store import Store
from tests.conftest import missing
from tests.readers.dashboard import Dashboard
from tests.servers import postgresql
from tests.servers.containers import SECRETS, Containers
from tests.servers.postgresql import OwnServer
from tests.waiting import ended, wait_until
from worker.settings import Settings

BEATING = ("worker", "beat", "flower")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def server(request: pytest.FixtureRequest) -> Generator[OwnServer | None]:
    """What stands for the profile `postgres`: none, then a server with an empty database of that name."""
    if request.param == "sqlite":
        yield None
        return
    with postgresql.own_server() or missing(postgresql.MISSING) as found:
        with postgresql.connect(found.url) as connection:
            connection.execute("CREATE DATABASE ostinato")
        yield found


@pytest.fixture
def containers(home: Path, server: OwnServer | None) -> Generator[Containers]:
    """The services, none of which runs yet."""
    with Containers(home, server) as containers:
        yield containers


def becomes_healthy(containers: Containers, name: str) -> None:
    """Wait until the health check of a service passes."""
    wait_until(lambda: containers.healthy(name), why=f"{name} is healthy")


def test_every_service_runs_and_its_health_check_knows(containers: Containers) -> None:
    """In the file's order: each check fails before its service runs, and passes then; messages arrive in the store."""
    assert not containers.healthy("broker")
    containers.start("broker")
    for name in {"broker", "postgres"} & containers.services.keys():
        becomes_healthy(containers, name)
    assert 0 == ended(containers.start("migrate")), containers.log("migrate")
    for name in BEATING:
        assert not containers.healthy(name)
        containers.start(name)
        becomes_healthy(containers, name)
    settings = Settings(broker_url=containers.broker_url, store_url=containers.store_url)
    with closing(producer_app(settings)) as app, Store(containers.store_url) as store:
        publish(app, RecordPattern(pattern_type="test", pattern_name="by way of the containers"))
        wait_until(lambda: store.stats().sightings == 1, why="the message is applied")
        wait_until(lambda: store.stats().last_recalculation, why="beat has sent its slot")
    dashboard = Dashboard(containers.port)
    credentials = SECRETS["OSTINATO_FLOWER_AUTH"]
    assert [401, 200] == [dashboard.ask("/api/tasks", each).status for each in (None, credentials)]

    def shown() -> bool:
        tasks = json.loads(dashboard.ask("/api/tasks", credentials).text).values()
        return "test: by way of the containers" in {task["args"] for task in tasks}

    wait_until(shown, why="the dashboard shows the message")


@pytest.mark.long
def test_every_service_ends_when_it_is_asked_to(containers: Containers) -> None:
    """By itself, before Compose would kill it."""
    running = {"broker": containers.start("broker")}
    becomes_healthy(containers, "broker")
    assert 0 == ended(containers.start("migrate"))
    for name in BEATING:
        running[name] = containers.start(name)
        becomes_healthy(containers, name)
    assert {"broker": 0, "worker": 0, "beat": 0, "flower": 0} == {
        name: running[name].stop() for name in reversed(running)
    }

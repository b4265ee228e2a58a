"""What the fault tests share."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests import rabbit
from tests.conftest import missing
from tests.faults.rabbit_rig import RabbitRig
from tests.faults.rig import Rig
from tests.rabbit import RabbitServer


@pytest.fixture
def rig(home: Path, seed: str) -> Generator[Rig]:
    """A broker and an empty store; no worker runs yet."""
    with Rig(home, seed) as rig:
        yield rig


@pytest.fixture(scope="session")
def rabbit_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RabbitServer]:
    """A RabbitMQ server that runs; without one, skipped, but failed in CI."""
    binary = rabbit.program()
    if binary is None:
        missing(rabbit.MISSING)
    with RabbitServer(binary, tmp_path_factory.mktemp("rabbit")) as server:
        yield server


@pytest.fixture
def rabbit_rig(home: Path, seed: str, rabbit_server: RabbitServer) -> Generator[RabbitRig]:
    """A RabbitMQ server without queues and an empty store; no worker runs yet."""
    with RabbitRig(home, seed, rabbit_server) as rig:
        yield rig

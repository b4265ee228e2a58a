"""What the fault tests share."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.faults.rabbit_rig import RabbitRig
from tests.faults.rig import Rig
from tests.servers.rabbit import RabbitServer


@pytest.fixture
def rig(home: Path, seed: str) -> Generator[Rig]:
    """A broker and an empty store; no worker runs yet."""
    with Rig(home, seed) as rig:
        yield rig


@pytest.fixture
def rabbit_rig(home: Path, seed: str, rabbit_server: RabbitServer) -> Generator[RabbitRig]:
    """A RabbitMQ server without queues and an empty store; no worker runs yet."""
    with RabbitRig(home, seed, rabbit_server) as rig:
        yield rig

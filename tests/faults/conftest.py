"""What the fault tests share."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.faults.rig import Rig


@pytest.fixture
def rig(home: Path, seed: str) -> Generator[Rig]:
    """A broker and an empty store; no worker runs yet."""
    with Rig(home, seed) as rig:
        yield rig

"""What `ostinato up` runs, put together from the settings."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.servers.brokers import client
from worker.processes.child import Child
from worker.processes.services import Services
from worker.settings import Fsync, Settings


@pytest.mark.parametrize("fsync", ["everysec", "always"])
def test_the_setting_says_when_the_file_is_synced(home: Path, fsync: Fsync) -> None:
    """Every second, or before each answer (`OSTINATO_BROKER_FSYNC`)."""
    settings = Settings(home=home, broker_url=None, store_url=None, broker_fsync=fsync)
    with Services(settings) as (broker, *_), Child.start(broker) as child:
        assert broker.ready is not None
        broker.ready(child)
        with closing(client(settings.broker_address)) as asked:
            assert {"appendonly": "yes", "appendfsync": fsync} == asked.config_get("appendonly", "appendfsync")

"""What `ostinato up` refuses before it starts anything, in the words of the part that could not have started."""

import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.leftovers import processes_of
from tests.product import Env, Product
from tests.readers.dashboard import only_one
from tests.servers.brokers import free_port
from worker.processes.services import FLOWER_PORT

LANES = {"OSTINATO_LANES": "2", "OSTINATO_STORE_URL": "postgresql://user@127.0.0.1:1/db"}
NO_LANE = {
    "one lane": ({"OSTINATO_LANE": "1"}, "it is 1, and the last of OSTINATO_LANES (1) is 0"),
    "two lanes": ({**LANES, "OSTINATO_LANE": "2"}, "it is 2, and the last of OSTINATO_LANES (2) is 1"),
}
MENDING = "change OSTINATO_METRICS_PORT or OSTINATO_METRICS_ADDRESS"


def refusal(product: Product, *options: str, env: Env) -> str:
    """The one sentence by which `up` refuses, with exit code 2; nothing was started, and nothing keeps the folder."""
    said = product.cli("up", *options, env=env).sentence(2)
    assert not processes_of(product.home)
    return said


@pytest.mark.parametrize(("env", "said"), NO_LANE.values(), ids=NO_LANE)
def test_a_lane_that_there_is_not(alone: Product, env: Mapping[str, str], said: str) -> None:
    """Every command that reads it refuses it: no worker would serve its queue."""
    expected = f"OSTINATO_LANE cannot be used: {said}; leave it out, or raise OSTINATO_LANES."
    assert expected == refusal(alone, env=env)
    assert expected == alone.cli("status", env=env).sentence(2)


def test_traces_without_the_extra(alone: Product, tmp_path: Path) -> None:
    """It says what to install."""
    (tmp_path / "opentelemetry.py").write_text("raise ImportError('not installed')\n")
    said = alone.ostinato("up", env={"OSTINATO_TRACES": "true", "PYTHONPATH": str(tmp_path)}).sentence(2)
    assert not processes_of(alone.home)
    assert said.endswith("pip install 'ostinato[otel]'.")


@pytest.mark.long
def test_a_port_of_the_metrics_that_is_taken(alone: Product) -> None:
    """The folder is free again for an `up` that can run."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refusal(alone, env={"OSTINATO_METRICS_PORT": str(port)})
    assert f"The metrics cannot be served at 127.0.0.1:{port} (Address already in use): {MENDING}." == said
    with alone.up(env={"OSTINATO_METRICS_PORT": str(port)}):
        alone.wait_for(applied=1)


@pytest.mark.parametrize("address", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_that_is_not_this_machines(alone: Product, address: str) -> None:
    """With the reason."""
    port = str(free_port())
    said = refusal(alone, env={"OSTINATO_METRICS_PORT": port, "OSTINATO_METRICS_ADDRESS": address})
    assert said.startswith(f"The metrics cannot be served at {address}:{port} (")
    assert said.endswith(f"): {MENDING}.")


def test_the_dashboards_port_that_is_taken(alone: Product) -> None:
    """By another program, or by the metrics that were to be there."""
    said = (
        f"The dashboard cannot be served at 127.0.0.1:{FLOWER_PORT} (Address already in use): "
        "end what has this port, or leave --flower out."
    )
    with only_one():
        assert said == refusal(alone, "--flower", env={"OSTINATO_METRICS_PORT": str(FLOWER_PORT)})
        with socket.create_server(("127.0.0.1", FLOWER_PORT)):
            assert said == refusal(alone, "--flower", env={})


def test_one_that_runs_already_is_named_before_its_port(alone: Product) -> None:
    """Its own metrics are no other program's."""
    env = {"OSTINATO_METRICS_PORT": str(free_port())}
    with alone.up(env=env):
        alone.wait_for(applied=1)
        assert alone.cli("up", env=env).sentence(2).startswith("Ostinato is already running in ")

"""`ostinato health`: whether a part does its work.

Containers ask every few seconds. So what only one check needs is imported by that check, and nothing here imports Rich.
"""

import json
import socket
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from typing import Annotated

import typer

from ostinato.errors import OstinatoError
from ostinato.settings.broker import BrokerSettings
from ostinato.settings.environment import read_settings
from worker.broker.client import BrokerClient
from worker.broker.kinds import broker_client
from worker.cli.options import AsJson

commands = typer.Typer(no_args_is_help=True)


class Unhealthy(OstinatoError):
    """The broker or the store answers, but the part does not do its work."""


@commands.command("worker")
def worker(
    *,
    anywhere: Annotated[bool, typer.Option("--any", help="Accept a worker on any machine.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check that a worker of this machine takes messages: its loop has shown life within the last seconds."""
    here = socket.gethostname()
    with _checking("worker", as_json=as_json), _broker() as broker:
        if broker.is_present("worker", here):
            return
        others = broker.state().workers
        if anywhere and others:
            return
        where = "anywhere" if anywhere else f"on this machine ({here})"
        elsewhere = f"; elsewhere {others} do" if others else ""
        raise Unhealthy(f"No worker {where} takes messages{elsewhere}: see its log.")


@commands.command("beat")
def beat(*, as_json: AsJson = False) -> None:
    """Check that beat runs on this machine, and that the broker took its last slot."""
    here = socket.gethostname()
    with _checking("beat", as_json=as_json), _broker() as broker:
        if not broker.is_present("beat", here):
            raise Unhealthy(f"Beat does not tick on this machine ({here}), or cannot send its slots: see its log.")


@commands.command("broker")
def broker(*, as_json: AsJson = False) -> None:
    """Check that the broker answers, takes messages and drops none. Warn if it could lose some."""
    with _checking("broker", as_json=as_json) as warnings, _broker() as asked:
        problem, found = asked.health()
        if problem is not None:
            raise Unhealthy(problem)
        warnings.extend(found)


@commands.command("store")
def store(*, as_json: AsJson = False) -> None:
    """Check that the store answers, has the schema of this version and can be written to. Nothing is written."""
    with _checking("store", as_json=as_json):
        from store.database.health import require_healthy  # noqa: PLC0415 - see above
        from worker.settings import Settings  # noqa: PLC0415 - see above

        require_healthy(read_settings(Settings).store_address)


def _broker() -> closing[BrokerClient]:
    return closing(broker_client(read_settings(BrokerSettings)))


@contextmanager
def _checking(part: str, *, as_json: bool) -> Generator[list[str]]:
    """Print the result of the check in this block, and of the warnings that the block adds to the list."""
    warnings: list[str] = []
    try:
        yield warnings
    except OstinatoError as error:
        if as_json:
            _print_json(part, str(error), warnings)
        raise
    if as_json:
        _print_json(part, None, warnings)
        return
    for warning in warnings:
        typer.echo(warning, err=True)
    typer.echo(f"The {part} is healthy.")


def _print_json(part: str, problem: str | None, warnings: Sequence[str]) -> None:
    facts = {"part": part, "healthy": problem is None, "problem": problem, "warnings": warnings}
    typer.echo(json.dumps(facts, ensure_ascii=False, indent=2))

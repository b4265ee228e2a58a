"""`ostinato health`."""

import json
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from ostinato.errors import OstinatoError
from ostinato.settings.broker import BrokerSettings
from ostinato.settings.environment import read_settings
from worker.health import require_beat, require_broker, require_worker

NAME = "health"
HELP = {"help_option_names": ["-h", "--help"]}
commands = typer.Typer(
    help="Whether a part does its work, for health checks: exit code 0, or a sentence that says what is wrong.",
    no_args_is_help=True,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@commands.command("worker")
def worker(
    *,
    anywhere: Annotated[bool, typer.Option("--any", help="A worker on any machine will do.")] = False,
    as_json: AsJson = False,
) -> None:
    """Whether a worker of this machine takes messages: its loop has shown life within the last seconds."""

    def check() -> Sequence[str]:
        require_worker(read_settings(BrokerSettings), anywhere=anywhere)
        return ()

    _report("worker", check, as_json=as_json)


@commands.command("beat")
def beat(*, as_json: AsJson = False) -> None:
    """Whether beat ticks on this machine, and can send."""

    def check() -> Sequence[str]:
        require_beat(read_settings(BrokerSettings))
        return ()

    _report("beat", check, as_json=as_json)


@commands.command("broker")
def broker(*, as_json: AsJson = False) -> None:
    """Whether the broker answers, takes messages and throws none away; a warning where it could lose some."""
    _report("broker", lambda: require_broker(read_settings(BrokerSettings)), as_json=as_json)


@commands.command("store")
def store(*, as_json: AsJson = False) -> None:
    """Whether the store answers, has this version's schema and can be written to; nothing is."""

    def check() -> Sequence[str]:
        from store.database.health import (  # noqa: PLC0415 - the other checks do not wait for SQLAlchemy
            require_healthy,
        )
        from worker.settings import Settings  # noqa: PLC0415 - see above

        require_healthy(read_settings(Settings).store_address)
        return ()

    _report("store", check, as_json=as_json)


def _report(part: str, check: Callable[[], Sequence[str]], *, as_json: bool) -> None:
    problem: str | None = None
    warnings: Sequence[str] = ()
    try:
        warnings = check()
    except OstinatoError as error:
        problem = str(error)
        raise
    finally:
        if as_json:
            facts = {"part": part, "healthy": problem is None, "problem": problem, "warnings": list(warnings)}
            typer.echo(json.dumps(facts, ensure_ascii=False, indent=2))
    if not as_json:
        for warning in warnings:
            typer.echo(warning, err=True)
        typer.echo(f"The {part} is healthy.")

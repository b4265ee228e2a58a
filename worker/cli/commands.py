"""Every command of the command line."""

import inspect
from importlib.metadata import version
from typing import Annotated

import typer

from ostinato.settings.environment import read_settings
from store.database.schema import migrate as migrate_store
from worker.cli import health, outbox, patterns, quarantine
from worker.cli.demo.command import demo
from worker.cli.export import export
from worker.cli.import_sqlite.command import import_sqlite
from worker.cli.output import out
from worker.cli.prune import prune
from worker.cli.rebuild import rebuild
from worker.cli.recalculate import recalculate
from worker.cli.reconcile import reconcile
from worker.cli.report.command import report
from worker.cli.send import send
from worker.cli.status import status
from worker.cli.top.command import top
from worker.cli.up import up
from worker.settings import Settings

app = typer.Typer(
    help="The learning store behind a fleet of runners, fed by a message queue.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=health.HELP,
    epilog="Exit codes: 0 done; 1 some input was bad, or not found; 2 wrong usage or setting; "
    "3 the broker does not answer; 4 the store does not answer, or needs a migration; 130 interrupted.",
)
for command in (up, send, status, top, report, recalculate, import_sqlite, export, rebuild, prune, reconcile, demo):
    app.command()(command)
_GROUPS = {
    health.NAME: health.commands,
    "outbox": outbox.commands,
    "patterns": patterns.commands,
    "quarantine": quarantine.commands,
}
for name, group in _GROUPS.items():
    app.add_typer(group, name=name)


@app.command()
def migrate() -> None:
    """Bring the store to this version's schema, creating it where there is none."""
    settings = read_settings(Settings)
    migrate_store(settings.store_address)
    out.print("The store has this version's schema.")


def _say_version(asked: bool) -> None:  # noqa: FBT001 - Typer's signature
    if asked:
        out.print(f"ostinato {version('ostinato')}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_say_version, help="Say which version this is.")
    ] = False,
) -> None:
    """What stands before any command."""


def _flow(typers: typer.Typer) -> None:
    """Let the help of each command wrap where the terminal ends, and not where its docstring's lines do as well."""
    for info in typers.registered_commands:
        paragraphs = inspect.cleandoc(info.callback.__doc__ or "").split("\n\n")
        info.help = "\n\n".join(" ".join(each.split()) for each in paragraphs)


for each in (app, *_GROUPS.values()):
    _flow(each)

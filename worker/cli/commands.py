"""Every command of the command line."""

import typer

from store.schema import migrate as migrate_store
from tasks.broker import read_settings
from worker.cli import health, outbox, patterns, quarantine
from worker.cli.demo import demo
from worker.cli.export import export
from worker.cli.import_sqlite import import_sqlite
from worker.cli.output import out
from worker.cli.prune import prune
from worker.cli.rebuild import rebuild
from worker.cli.recalculate import recalculate
from worker.cli.reconcile import reconcile
from worker.cli.report import report
from worker.cli.send import send
from worker.cli.status import status
from worker.cli.top import top
from worker.cli.up import up
from worker.settings import Settings

app = typer.Typer(
    help="The learning store behind a fleet of runners, fed by a message queue.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done; 1 some input was bad, or not found; 2 wrong usage or setting; "
    "3 the broker does not answer; 4 the store does not answer, or needs a migration; 130 interrupted.",
)
for command in (up, send, status, top, report, recalculate, import_sqlite, export, rebuild, prune, reconcile, demo):
    app.command()(command)
app.add_typer(health.commands, name=health.NAME)
app.add_typer(outbox.commands, name="outbox")
app.add_typer(patterns.commands, name="patterns")
app.add_typer(quarantine.commands, name="quarantine")


@app.command()
def migrate() -> None:
    """Bring the store to this version's schema, creating it where there is none."""
    settings = read_settings(Settings)
    migrate_store(settings.store_address)
    out.print("The store has this version's schema.")

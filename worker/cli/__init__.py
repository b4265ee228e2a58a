"""The command line.

Exit codes: 0 done; 1 some input was bad, or not found; 2 wrong usage, or a setting that cannot work; 3 the broker does
not answer; 4 the store does not answer, or needs a migration; 130 interrupted.
"""

import sys

import typer

from store.errors import BrokerUnavailable, ConfigurationError, OstinatoError, StoreOutdated, StoreUnavailable
from store.schema import migrate as migrate_store
from tasks.broker import read_settings
from worker.child import ChildError
from worker.cli import outbox, patterns, quarantine
from worker.cli.demo import demo
from worker.cli.export import export
from worker.cli.import_sqlite import import_sqlite
from worker.cli.output import err, out
from worker.cli.prune import prune
from worker.cli.rebuild import rebuild
from worker.cli.recalculate import recalculate
from worker.cli.reconcile import reconcile
from worker.cli.send import send
from worker.cli.status import status
from worker.cli.up import up
from worker.embedded import BrokerError
from worker.logs import configure_logs
from worker.settings import Settings

_CODES: tuple[tuple[type[Exception], int], ...] = (
    (ConfigurationError, 2),
    (BrokerUnavailable, 3),
    (BrokerError, 3),
    (StoreUnavailable, 4),
    (StoreOutdated, 4),
    (OstinatoError, 1),
    (ChildError, 1),
)
_INTERRUPTED = 130

app = typer.Typer(
    help="The learning store behind a fleet of runners, fed by a message queue.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done; 1 some input was bad, or not found; 2 wrong usage or setting; "
    "3 the broker does not answer; 4 the store does not answer, or needs a migration; 130 interrupted.",
)
for command in (up, send, status, recalculate, import_sqlite, export, rebuild, prune, reconcile, demo):
    app.command()(command)
app.add_typer(patterns.commands, name="patterns")
app.add_typer(outbox.commands, name="outbox")
app.add_typer(quarantine.commands, name="quarantine")


@app.command()
def migrate() -> None:
    """Bring the store to this version's schema, creating it where there is none."""
    settings = read_settings(Settings)
    migrate_store(settings.store_address)
    out.print("The store has this version's schema.")


def main() -> None:
    """Run the command line; an error is one sentence on standard error and an exit code."""
    configure_logs("WARNING")
    try:
        app()
    except tuple(kind for kind, _ in _CODES) as error:
        err.print(str(error), markup=False, soft_wrap=True)
        sys.exit(next(code for kind, code in _CODES if isinstance(error, kind)))
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)

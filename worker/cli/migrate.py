"""`ostinato migrate`."""

from ostinato.settings.environment import read_settings
from store.database import schema
from worker.cli.output import out
from worker.settings import Settings


def migrate() -> None:
    """Bring the store to the schema of this version. A store that does not exist is made."""
    schema.migrate(read_settings(Settings).store_address)
    out.print("The store has this version's schema.")

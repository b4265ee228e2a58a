"""`ostinato export`."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from ostinato.errors import ConfigurationError
from ostinato.settings.environment import read_settings
from store.errors import HistoryPruned
from store.history import recorded
from store.reading.reader import Reader
from worker.cli.output import err, progress
from worker.settings import Settings


def export(
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="The file to write; - for standard output.")] = "-",
) -> None:
    """Write every applied or parked message as JSON lines.

    The lines are in the order of arrival. `ostinato send` reads them back, with their ids and event times. An empty
    store becomes equal to this one; for this store they are duplicates. The exit code is 1 if the content of some
    messages was pruned; the others are written.
    """
    with Reader(read_settings(Settings).store_address) as reader:
        extent = recorded.extent(reader)
        with _opened(file) as lines, progress() as shown:
            bar = shown.add_task("writing", total=extent.messages)
            for page in recorded.pages(reader, upto=extent.last):
                lines.writelines(f"{each.content}\n".encode() for each in page if each.content is not None)
                shown.advance(bar, len(page))
    err.print(f"wrote {extent.messages - extent.pruned} messages")
    if extent.pruned:
        raise HistoryPruned(f"{extent.pruned} messages are missing: their content was pruned.")


@contextmanager
def _opened(file: str) -> Generator[BinaryIO]:
    if file == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with Path(file).open("wb") as lines:
            yield lines
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}.") from None

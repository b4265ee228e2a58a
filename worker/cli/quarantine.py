"""`ostinato quarantine`."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from ostinato.errors import ConfigurationError
from ostinato.messages.models import Message
from ostinato.publishing.publisher import producer_app, publish
from ostinato.settings.environment import read_settings
from store.reading.quarantine import Quarantined, count_new, message, messages
from store.reading.reader import Reader
from store.writing.quarantine import discard, marked_replayed
from store.writing.transaction import Writer
from worker.broker.kinds import broker_client
from worker.cli.options import AsJson
from worker.cli.output import harmless, out, print_json, record, sheet
from worker.clock import now
from worker.recovery.replaying import edited, replay
from worker.settings import Settings

commands = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="ID", help="The id, or its first 6 or more characters.")]


@commands.command("list")
def list_messages(
    *,
    resolved: Annotated[bool, typer.Option("--resolved", help="Also list replayed and discarded messages.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="The largest number of messages.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the messages in the quarantine, the newest first. The exit code is 1 while any of them is new."""
    with Reader(read_settings(Settings).store_address) as reader, reader.reading() as connection:
        found, new = messages(connection, resolved=resolved, limit=limit), count_new(connection)
    if as_json:
        print_json([_shown(each) for each in found])
    else:
        out.print(_table(found))
        out.print(f"{new} new in the quarantine.")
    if new:
        raise typer.Exit(1)


@commands.command("show")
def show(name: Name, *, as_json: AsJson = False) -> None:
    """Show a message, the reason for its quarantine, and the bytes that arrived."""
    found = _found(read_settings(Settings).store_address, name)
    if as_json:
        print_json(_shown(found))
        return
    out.print(sheet({field: "-" if value is None else str(value) for field, value in _shown(found).items()}))


@commands.command("replay")
def replay_message(
    name: Name, *, edit: Annotated[bool, typer.Option("--edit", help="Edit the text first, in $EDITOR.")] = False
) -> None:
    """Send a message again, unchanged or edited.

    An edited text keeps the id of the message, so the message is applied at most once. If another message has that id
    (id_reuse), give the edited text a new id, or none. A message that still cannot be applied comes back as new.
    """
    settings = read_settings(Settings)
    found = _found(settings.store_address, name)
    app, mended = producer_app(settings), _in_editor(found) if edit else None
    with (
        closing(Writer(settings.store_address)) as writer,
        closing(broker_client(settings)) as broker,
        marked_replayed(writer, now, found.id, "edited" if edit else None),
    ):
        if mended is None:
            replay(app, broker, found, settings.lanes)
        else:
            publish(app, mended, settings.lanes)
    out.print(f"{found.id} is on its way again.")


@commands.command("discard")
def discard_message(name: Name, *, note: Annotated[str | None, typer.Option(help="The reason.")] = None) -> None:
    """Mark a message as discarded. It stays in the quarantine, with the note."""
    address = read_settings(Settings).store_address
    found = _found(address, name)
    with closing(Writer(address)) as writer:
        discard(writer, now, found.id, note)
    out.print(f"{found.id} is discarded.")


def _found(address: str, name: str) -> Quarantined:
    with Reader(address) as reader, reader.reading() as connection:
        return message(connection, name)


def _in_editor(found: Quarantined) -> Message:
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.NamedTemporaryFile("w+", suffix=".json", encoding="utf-8") as file:
        file.write(found.raw.decode(errors="backslashreplace"))
        file.flush()
        try:
            subprocess.run([*editor, file.name], check=True)  # noqa: S603 - the user's own editor
        except (OSError, subprocess.CalledProcessError) as error:
            raise ConfigurationError(f"The editor did not run ({error}): set EDITOR. Nothing is sent.") from None
        return edited(found, Path(file.name).read_text(encoding="utf-8"))


def _shown(found: Quarantined) -> dict[str, Any]:
    """The fields for JSON. Bytes that are not UTF-8 are escaped; the hash is of the original bytes."""
    return {**record(found), "raw": found.raw.decode(errors="backslashreplace")}


def _table(found: Sequence[Quarantined]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("id", "received", "state", "source"):
        table.add_column(heading, no_wrap=True)
    # Code and detail share a column: no width is lost to the longest code, and neither is cut off.
    table.add_column("reason", overflow="fold")
    for each in found:
        when, why = f"{each.received_at:%Y-%m-%d %H:%M:%S}", f"{each.reason_code}: {each.reason_detail}"
        table.add_row(each.id[:8], when, each.state, each.source, harmless(why))
    return table

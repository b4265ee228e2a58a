"""How the command line speaks: tables for people, JSON for programs, and asides on standard error."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from ostinato.messages.printable import escaped

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

out = Console(highlight=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)


def harmless(text: str) -> str:
    """A text that others wrote, for a console: on one line, and nothing in it is taken for a command or a style."""
    return escape(escaped(text))


def sheet(facts: Mapping[str, str]) -> Table:
    """Names and what each is, which others may have written; none of it is cut off."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, harmless(value))
    return table


def progress() -> Progress:
    """What shows progress on standard error while it is a terminal, and leaves nothing behind."""
    return Progress(console=err, transient=True, disable=not err.is_terminal)


def record(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass
    """A record of the store as what JSON knows: times as ISO 8601 in UTC."""
    return {name: _plain(each) for name, each in asdict(value).items()}


def print_json(value: Mapping[str, object] | list[dict[str, Any]]) -> None:
    """One JSON document on standard output, without colours or line breaks of the terminal's.

    What cannot be printed stands in it as an escape.
    """
    text = json.dumps(value, ensure_ascii=False, indent=2)
    typer.echo("".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text))


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _plain(value: object) -> object:
    return iso(value) if isinstance(value, datetime) else value

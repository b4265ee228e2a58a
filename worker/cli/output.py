"""What the command line prints: tables for people, JSON for programs; progress and errors on standard error."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from ostinato.messages.printable import escaped

out = Console(highlight=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)


def harmless(text: str) -> str:
    """A foreign text, for a console: on one line; nothing in it acts as a command to the terminal or as a style."""
    return escape(escaped(text))


def sheet(facts: Mapping[str, str]) -> Table:
    """A table of names and values. Values may be foreign texts; none is cut off."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, harmless(value))
    return table


def progress() -> Progress:
    """A progress bar on standard error, if that is a terminal; it disappears at the end."""
    return Progress(console=err, transient=True, disable=not err.is_terminal)


def record(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass
    """A record of the store for JSON: times are ISO 8601 in UTC."""
    return {name: _plain(each) for name, each in asdict(value).items()}


def print_json(value: Mapping[str, object] | list[dict[str, Any]]) -> None:
    """Print one JSON document, without colours and without wrapping at the width of the terminal.

    Characters that are not printable are escaped.
    """
    text = json.dumps(value, ensure_ascii=False, indent=2)
    typer.echo("".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text))


def iso(moment: datetime | None) -> str | None:
    """A UTC time in ISO 8601, None for None."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _plain(value: object) -> object:
    return iso(value) if isinstance(value, datetime) else value

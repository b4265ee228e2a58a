#!/usr/bin/env python
"""Make the pages of docs/reference from the code, or check that they say what the code does.

    .venv/bin/python scripts/make_reference.py [--check]

With --check nothing is written, and the exit code is 1 if a page differs.
"""

import argparse
import json
import re
import sys
import textwrap
from collections.abc import Iterator
from typing import cast

import typer
from reference_client import page as client_api
from reference_codes import MADE, ROOT, limit_of
from reference_codes import page as reason_codes
from reference_metrics import page as metrics
from reference_schema import Json, schema
from typer.core import TyperCommand, TyperGroup

import worker.cli.commands
from ostinato.settings.broker import BrokerSettings
from ostinato.settings.broker_url import SCHEMES
from ostinato.settings.outbox import OutboxSettings
from worker.settings import Settings

PAGES = ROOT / "docs" / "reference"

_HOME = "the user's data folder: `~/.local/share/ostinato`, on macOS `~/Library/Application Support/ostinato`"
_ALLOWED = {
    "home": "a path",
    "outbox": "a path",
    "broker_url": ", ".join(f"`{scheme}://…`" for scheme in SCHEMES),
    "broker_prefix": "at most 64 of letters, digits and `. _ : -`",
    "store_url": "`sqlite:///PATH`, with four slashes where the path is absolute; `postgresql+psycopg://…`",
    "recalculate_at": "`HH:MM` or `HH:MM:SS`",
    "broker_memory": "a whole number and `mb` or `gb`",
    "flower_auth": "`USER:PASSWORD`",
    "metrics_address": "an IP address, or a host's name",
}


def cli() -> str:
    """The page of the command line, from its own help."""
    group = cast("TyperGroup", typer.main.get_command(worker.cli.commands.app))
    commands = "\n".join(_command(command, f"ostinato {name}") for name, command in _commands(group))
    codes = re.findall(r"(\d+) ([^;.]+)[;.]", group.epilog or "")
    table = "\n".join(f"| {code} | {meaning} |" for code, meaning in codes)
    return f"""# Command line

{MADE}

{group.help}
Every command reads [the settings](settings.md) from the environment. `python -m worker.cli` is the same as `ostinato`,
and `-h` or `--help` after any command prints what stands here.

{commands}
## Exit codes

| code | meaning |
|---|---|
{table}

`celery -A worker worker` and `celery -A worker beat` have Celery's own; both end with 1 and a sentence where a setting
cannot work, the worker also where the store needs a migration.
"""


def _commands(group: TyperGroup) -> Iterator[tuple[str, TyperCommand]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from ((f"{name} {inner}", each) for inner, each in _commands(command))
        else:
            yield name, cast("TyperCommand", command)


def _command(command: TyperCommand, name: str) -> str:
    usage = " ".join(command.collect_usage_pieces(typer.Context(command, info_name=name)))
    records = [param.get_help_record(typer.Context(command)) for param in command.params]
    rows = [f"| `{term}` | {text} |\n".replace("FILE|-", r"FILE\|-") for term, text in filter(None, records)]
    table = f"| | |\n|---|---|\n{''.join(rows)}\n" if rows else ""
    paragraphs = (command.help or "").split("\n\n")
    said = "\n\n".join(textwrap.fill(each, 120, break_on_hyphens=False) for each in paragraphs)
    return f"## `{name}`\n\n{said}\n\n```text\n{name} {usage}\n```\n\n{table}".rstrip("\n") + "\n"


def settings() -> str:
    """The page of the settings, from the model that reads them."""
    described: Json = Settings.model_json_schema()["properties"]
    rows = "\n".join(
        f"| `OSTINATO_{name.upper()}` | {_default(name, field)} | {_allowed(name, field)} | {field['description']} |"
        for name, field in described.items()
    )
    recorded, sent = len(OutboxSettings.model_fields), len(BrokerSettings.model_fields)
    return f"""# Settings

{MADE}

Read from the environment, by the Celery application of `celery -A worker` and by the command line. A `Producer` reads
the first {recorded}, `record_pattern.delay` the first {sent}. An empty URL counts as none.
Any other `OSTINATO_…` variable is ignored; a line on standard error, or in the log, names the setting closest to it.

| variable | default | allowed | what it is |
|---|---|---|---|
{rows}
"""


def _default(name: str, field: Json) -> str:
    default = field.get("default")
    if default is None:
        return _HOME if name == "home" else "none"
    if default == "":
        return "empty"
    if isinstance(default, bool):
        return f"`{default}`".lower()
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def _allowed(name: str, field: Json) -> str:
    # Of a setting that may be left out, what it may be otherwise.
    return _ALLOWED.get(name) or limit_of(field.get("anyOf", [field])[0])


def pages() -> dict[str, str]:
    """Every page by its file's name."""
    return {
        "messages.schema.json": json.dumps(schema(), indent=2) + "\n",
        "cli.md": cli(),
        "settings.md": settings(),
        "reason-codes.md": reason_codes(),
        "metrics.md": metrics(),
        "client-api.md": client_api(),
    }


def main() -> int:
    """Write the pages, or compare them; 1 if that finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a page differs")
    check = parser.parse_args().check
    different = 0
    for name, text in pages().items():
        path = PAGES / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        if check:
            different = 1
            sys.stderr.write(f"{path} differs from the code: run scripts/make_reference.py\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return different


if __name__ == "__main__":
    sys.exit(main())

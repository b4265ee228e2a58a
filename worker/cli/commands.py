"""Every command of the command line. A command's module is imported when the command is called."""

import inspect
from collections import UserDict
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typing_extensions import override

# Where each command is, and what the list of commands says about it: the first sentence of its own help.
COMMANDS = {
    "up": ("worker.cli.up:up", "Run the broker, a worker and beat until Ctrl-C."),
    "send": ("worker.cli.send:send", "Send messages, one JSON object a line."),
    "status": ("worker.cli.status:status", "Show where the messages are, and whether broker and worker answer."),
    "top": ("worker.cli.top.command:top", "Watch the ranking, the incoming messages and the queue live."),
    "report": ("worker.cli.report.command:report", "Write what was learnt as one HTML page for a browser."),
    "recalculate": ("worker.cli.recalculate:recalculate", "Have the scores of every pattern recomputed."),
    "import-sqlite": (
        "worker.cli.import_sqlite.command:import_sqlite",
        "Import the patterns and applications of the predecessor's SQLite file.",
    ),
    "export": ("worker.cli.export:export", "Write every applied or parked message as JSON lines."),
    "rebuild": ("worker.cli.rebuild:rebuild", "Make a store again from the recorded messages."),
    "prune": ("worker.cli.prune:prune", "Drop the content of old messages, to bound the size of the store."),
    "reconcile": ("worker.cli.reconcile:reconcile", "Send again what a broker lost."),
    "demo": ("worker.cli.demo.command:demo", "Send a sample of real messages through a broker into a temporary store."),
    "migrate": ("worker.cli.migrate:migrate", "Bring the store to the schema of this version."),
    "health": ("worker.cli.health:commands", "Check one part, for health checks of containers."),
    "outbox": ("worker.cli.outbox:commands", "Look at the outboxes of producers, and send what waits in them."),
    "patterns": ("worker.cli.patterns:commands", "List, show and delete patterns."),
    "quarantine": ("worker.cli.quarantine:commands", "Look at messages that could not be applied, and resolve them."),
}


class _Loading(UserDict[str, Any]):
    """The commands by name; each is imported when it is looked up."""

    @override
    def __getitem__(self, key: str) -> TyperCommand | TyperGroup:
        if isinstance(self.data[key], tuple):
            self.data[key] = _loaded(key, *self.data[key])
        return cast("TyperCommand | TyperGroup", self.data[key])


class _Commands(TyperGroup):
    """Lists the commands without importing them."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - Typer's own
        super().__init__(**attributes)
        self.commands = _Loading(COMMANDS)

    @override
    def list_commands(self, ctx: object) -> list[str]:
        return list(COMMANDS)

    @override
    def get_command(self, ctx: object, cmd_name: str) -> TyperCommand | None:
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name][1]) if cmd_name in COMMANDS else None

    @override
    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, listed, rest = super().resolve_command(ctx, args)
        return name, listed and self.commands[str(name)], rest


def _loaded(name: str, place: str, line: str) -> TyperCommand | TyperGroup:
    module, _, attribute = place.partition(":")
    found = getattr(import_module(module), attribute)
    holder = typer.Typer(add_completion=False)
    group = found if isinstance(found, typer.Typer) else holder
    if group is found:
        holder.add_typer(group, name=name, help=line)
    else:
        holder.command(name)(found)
    for info in group.registered_commands:
        info.help = _flowing(info.callback.__doc__ or "")
    command = typer.main.get_command(holder)
    return cast("TyperCommand", command.commands[name] if isinstance(command, TyperGroup) else command)


def _flowing(text: str) -> str:
    """A docstring without the line breaks within its paragraphs: help wraps where the terminal ends."""
    return "\n\n".join(" ".join(each.split()) for each in inspect.cleandoc(text).split("\n\n"))


app = typer.Typer(
    cls=_Commands,
    help="The learning store behind a fleet of runners, fed by a message queue.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done; 1 some input was bad, or not found; 2 wrong usage or setting; "
    "3 the broker does not answer; 4 the store does not answer, or needs a migration; 130 interrupted.",
)


def _say_version(asked: bool) -> None:  # noqa: FBT001 - Typer's signature
    if asked:
        typer.echo(f"ostinato {version('ostinato')}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_say_version, help="Print the version.")
    ] = False,
) -> None:
    """Global options."""

"""`ostinato patterns`."""

from collections.abc import Sequence
from typing import Annotated, cast

import typer
from rich.table import Table

from ostinato.messages.models import SoftDeletePattern
from ostinato.messages.wire import make
from ostinato.publishing.publisher import producer_app, publish
from ostinato.settings.environment import read_settings
from store.reading.records import Pattern
from store.reading.store import Store
from worker.cli.options import AsJson, IncludeInactive, Limit, MinPriority, OfInstrument, OfType, WithTag
from worker.cli.output import harmless, out, print_json, record, sheet
from worker.settings import Settings

commands = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="ID", help="The id or an alias, or its first 6 or more characters.")]


@commands.command("list")
def list_patterns(  # noqa: PLR0913 - one option for each filter
    *,
    pattern_type: OfType = None,
    tag: WithTag = None,
    instrument: OfInstrument = None,
    min_priority: MinPriority = 0.01,
    limit: Limit = 20,
    include_inactive: IncludeInactive = False,
    as_json: AsJson = False,
) -> None:
    """List the patterns that deserve attention most, by priority."""
    with Store(read_settings(Settings).store_address) as store:
        found = store.patterns(
            pattern_type=pattern_type,
            context_tags=tag or (),
            instrument_name=instrument,
            min_priority=min_priority,
            limit=limit,
            include_inactive=include_inactive,
        )
    if as_json:
        print_json([record(pattern) for pattern in found])
    elif found:
        out.print(ranking(found))
    else:
        out.print("No pattern matches. Lower --min-priority, or see in `ostinato status` what the store has.")


@commands.command("show")
def show(name: Name, *, as_json: AsJson = False) -> None:
    """Show all about one pattern, with its newest applications."""
    with Store(read_settings(Settings).store_address) as store:
        pattern = store.pattern(name)
        applications = store.applications(pattern.id, limit=10)
    if as_json:
        print_json({**record(pattern), "applications": [record(each) for each in applications]})
        return
    out.print(sheet({field: _words(value) for field, value in record(pattern).items()}))
    for each in applications:
        outcome = "success" if each.pattern_led_to_success else "failure"
        out.print(f"  {each.occurred_at:%Y-%m-%d %H:%M:%S} {outcome} {harmless(each.execution_id)}")


@commands.command("delete")
def delete(name: Name) -> None:
    """Soft-delete a pattern. It is hidden until it is seen again; its row and applications stay."""
    settings = read_settings(Settings)
    with Store(settings.store_address) as store:
        pattern = store.pattern(name)
    message = make(SoftDeletePattern, {"pattern_id": pattern.id})
    publish(producer_app(settings), message)
    out.print(
        f"The soft delete of {pattern.id} ({harmless(pattern.pattern_name)}) is on its way, as message {message.id}.",
        soft_wrap=True,
    )


def _words(value: object) -> str:
    match value:
        case None:
            return "-"
        case tuple():
            return ", ".join(cast("tuple[str, ...]", value)) or "none"
        case _:
            return str(value)


def ranking(found: Sequence[Pattern]) -> Table:
    """A table of patterns, with what to do about each."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("priority", "effective", "seen", "✓", "✗"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("id", no_wrap=True, max_width=8)
    table.add_column("pattern", overflow="fold")
    table.add_column("what to do", overflow="fold")
    for each in found:
        table.add_row(
            f"{each.priority_score:.3f}",
            f"{each.effectiveness_score:.3f}",
            str(each.occurrence_count),
            str(each.led_to_success_count),
            str(each.led_to_failure_count),
            each.id[:8],
            harmless(f"{each.pattern_type}: {each.pattern_name}"),
            harmless(each.suggested_action or "-"),
        )
    return table

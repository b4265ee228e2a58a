"""Options that several commands share."""

from typing import Annotated

import typer

_LARGEST_LIMIT = 1_000_000
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
OfType = Annotated[str | None, typer.Option("--type", help="Only patterns of this type.")]
WithTag = Annotated[
    list[str] | None, typer.Option("--tag", help="Only patterns with this tag; repeat it to allow further tags.")
]
OfInstrument = Annotated[
    str | None, typer.Option("--instrument", help="Only patterns of this instrument, or of no instrument.")
]
MinPriority = Annotated[float, typer.Option(min=0, max=1, help="Only patterns with at least this priority.")]
Limit = Annotated[int, typer.Option(min=1, max=_LARGEST_LIMIT, help="The largest number of patterns.")]
IncludeInactive = Annotated[bool, typer.Option("--include-inactive", help="Soft-deleted patterns too.")]

"""A look as lines, none wider than the terminal and no more than it has."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ostinato.messages.printable import escaped
from store.reading.records import Pattern
from store.reading.vitals import Refusal
from worker.broker.client import BrokerState
from worker.cli.top.sight import Sight

_WIDE, _NARROW = 110, 60
# Title, broker, store, last message, scores, a blank line, the numbers with their heading, a blank line, a heading.
_ABOVE = 10
_FEWEST_ROWS = 3
_NAME_WIDTH = 8
# The sentence about trouble with the broker or the store ends with what to do.
_TROUBLE_LINES = 3
_TROUBLE = "bold red"
_UNKNOWN = "not known yet"
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def frame(sight: Sight, *, width: int, height: int | None = None, hint: str = "") -> RenderableType:
    """The frame for a terminal of this size; without a height, as long as it needs.

    No text of a message breaks a line, and none acts as a command to the terminal or as a style.
    """
    glance = sight.glance
    refusals = glance.refusals if glance is not None else ()
    below = [] if not refusals else [Text(), *_refused(refusals)]
    states = list(_states(sight))
    lines = [line for state in states for line in _lines(*state, width)]
    room = None if height is None else height - _ABOVE - len(below) - (len(lines) - len(states))
    if room is not None and room < _FEWEST_ROWS:
        room, below = room + len(below) + len(lines) - len(states), []
        lines = [_line(*state) for state in states]
    return Group(
        _title(sight, hint if width >= _NARROW else ""),
        *lines,
        Text(),
        _numbers(sight, width),
        Text(),
        _ranking(() if glance is None else glance.ranking, room, width),
        *below,
    )


def ago(span: timedelta) -> str:
    """A length of time in one unit; a negative one counts as zero."""
    seconds = max(0.0, span.total_seconds())
    for unit, name in _UNITS:
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"  # noqa: PLR2004 - tenths are noise from there


def _text(text: str, style: str = "") -> Text:
    return Text(escaped(text), style, no_wrap=True, overflow="ellipsis")


def _line(name: str, text: str, style: str = "") -> Text:
    return Text.assemble((f"{name:<{_NAME_WIDTH}}", "bold"), (escaped(text), style), no_wrap=True, overflow="ellipsis")


def _lines(name: str, text: str, style: str, width: int) -> list[Text]:
    """The same; trouble may take several lines, the last of which may be cut off."""
    if style != _TROUBLE:
        return [_line(name, text, style)]
    whole = Text(escaped(text)).wrap(Console(), max(1, width - _NAME_WIDTH), overflow="fold")
    first, last = whole[: _TROUBLE_LINES - 1], whole[_TROUBLE_LINES - 1 :]
    parts = [part.plain.rstrip() for part in first]
    if last:
        parts.append(" ".join(part.plain.rstrip() for part in last))
    return [_line(name if place == 0 else "", part, style) for place, part in enumerate(parts or [""])]


def _title(sight: Sight, hint: str) -> Table:
    title = Table.grid(expand=True)
    title.add_column(no_wrap=True)
    title.add_column(no_wrap=True, justify="right")
    title.add_row(Text.assemble(("Ostinato", "bold"), f"  {sight.at:%Y-%m-%d %H:%M:%S} UTC"), _text(hint, "dim"))
    return title


def _states(sight: Sight) -> Iterator[tuple[str, str, str]]:
    """The name and the state of each part, and the style, which is that of trouble if there is any."""
    if sight.broker is None:
        yield "broker", sight.broker_trouble, _TROUBLE
    else:
        yield "broker", f"answers; {_workers(sight.broker)}", "" if sight.broker.workers else _TROUBLE
    if sight.store_trouble:
        since = "" if sight.seen is None else f"What stands below is of {sight.seen:%H:%M:%S}. "
        yield "store", since + sight.store_trouble, _TROUBLE
    else:
        yield "store", "answers", ""
    yield "last", _last(sight), ""
    yield "scores", _scores(sight), ""


def _workers(state: BrokerState) -> str:
    if not state.workers:
        return "no worker is there, so messages wait"
    unserved = state.unserved
    lanes = "" if not unserved else f"; no worker in lane {', '.join(map(str, unserved))}, where messages wait"
    return f"{state.workers} {'worker is' if state.workers == 1 else 'workers are'} there{lanes}"


def _last(sight: Sight) -> str:
    if sight.glance is None:
        return _UNKNOWN
    last = sight.glance.last
    if last is None:
        # Recalculations are applied too, but do not come from producers.
        only = ", only recalculations" if sight.glance.applied else ""
        return f"no message of a producer was applied or parked yet{only}"
    came = f"message came to the store {ago(sight.at - last.applied_at)} ago"
    if last.applied_at < last.occurred_at:
        return f"{came}; its event is {ago(last.occurred_at - last.applied_at)} ahead of the worker's clock"
    return f"{came}, {ago(last.applied_at - last.occurred_at)} after its event"


def _scores(sight: Sight) -> str:
    if sight.glance is None:
        done = _UNKNOWN
    elif (last := sight.glance.last_recalculation) is None:
        done = "never recalculated"
    else:
        done = f"recalculated {_moment(last, sight.at)}"
    return f"{done}; next {sight.next:%m-%d %H:%M} UTC, in {ago(sight.next - sight.at)}"


def _moment(moment: datetime, at: datetime) -> str:
    return f"{moment:%m-%d %H:%M} UTC, {ago(at - moment)} ago"


def _numbers(sight: Sight, width: int) -> Table:
    """The numbers that fit the width; those at the end are left out, because half a number would be a wrong one."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    numbers = _named_numbers(sight)
    while sum(max(map(len, each)) + 2 for each in numbers) - 2 > width:
        numbers.pop()
    for name, _ in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_row(*(number for _, number in numbers))
    return table


def _named_numbers(sight: Sight) -> list[tuple[str, str]]:
    glance, state = sight.glance, sight.broker
    return [
        ("per second", "-" if sight.rate is None else f"{sight.rate:,.1f}"),
        ("queued", _number(None if state is None else state.queued)),
        ("applied", _number(None if glance is None else glance.applied)),
        ("parked", _number(None if glance is None else glance.parked)),
        ("quarantined", _number(None if glance is None else glance.quarantined)),
        ("outbox", _number(sight.outbox)),
        ("patterns", _number(None if glance is None else glance.patterns)),
    ]


def _number(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"


def _ranking(found: Sequence[Pattern], room: int | None, width: int) -> RenderableType:
    if not found:
        return _text("No pattern matches yet.", "dim")
    if room is not None and room < 1:
        return _text("The window is too low for the ranking.", "dim")
    table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    narrow, wide = width < _NARROW, width >= _WIDE
    for heading in ("priority",) if narrow else ("priority", "effective", "seen", "✓", "✗"):
        table.add_column(heading, justify="right", no_wrap=True)
    if not narrow:
        table.add_column("id", no_wrap=True, width=8)
    for heading in ("pattern", "what to do") if wide else ("pattern",):
        table.add_column(heading, no_wrap=True, overflow="ellipsis", ratio=1)
    for each in found[:room]:
        table.add_row(*_cells(each, narrow=narrow, wide=wide))
    return table


def _cells(pattern: Pattern, *, narrow: bool, wide: bool) -> Iterator[RenderableType]:
    yield f"{pattern.priority_score:.3f}"
    if not narrow:
        yield f"{pattern.effectiveness_score:.3f}"
        yield from map(str, (pattern.occurrence_count, pattern.led_to_success_count, pattern.led_to_failure_count))
        yield _text(pattern.id[:8])
    deleted = "" if pattern.active else "(deleted) "
    yield _text(f"{deleted}{pattern.pattern_type}: {pattern.pattern_name}")
    if wide:
        yield _text(pattern.suggested_action or "-")


def _refused(refusals: Sequence[Refusal]) -> Iterator[RenderableType]:
    yield Text("latest in the quarantine (`ostinato quarantine list`)", "bold", no_wrap=True, overflow="ellipsis")
    for each in refusals:
        said = f"{each.received_at:%m-%d %H:%M:%S}  {each.reason_code}  {each.detail}"
        yield Text(escaped(said), no_wrap=True, overflow="ellipsis")

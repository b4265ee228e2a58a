"""Texts of unknown origin, made fit for a log, a terminal or a database."""

_LONGEST_DETAIL = 1_000


def escaped(text: str) -> str:
    """The text on one line, fit for any log, terminal and database: an escape stands for what cannot be printed."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def printable(text: str) -> str:
    """The same, cut off after 1,000 characters."""
    shown = escaped(text)
    return shown if len(shown) <= _LONGEST_DETAIL else shown[: _LONGEST_DETAIL - 1] + "…"

"""The settings as the environment has them, and variables that are no setting."""

import logging
import os
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from typing import TypeVar

from pydantic import AfterValidator, ValidationError
from pydantic_settings import BaseSettings

from ostinato.errors import ConfigurationError
from ostinato.messages.printable import escaped, printable

PREFIX = "OSTINATO_"
# Also the worker's, which the client does not read: a producer often has the same environment.
SETTINGS = frozenset(
    {
        *("HOME", "BROKER_URL", "BROKER_PREFIX", "LANES"),
        *("OUTBOX", "OUTBOX_BYTES", "OUTBOX_AGE", "OUTBOX_KEEP", "OUTBOX_FSYNC"),
        *("STORE_URL", "LANE", "BROKER_FSYNC", "BROKER_MEMORY", "RECALCULATE_EVERY", "RECALCULATE_AT", "LOG_LEVEL"),
        *("METRICS_PORT", "METRICS_ADDRESS", "TRACES", "DEAF_AFTER", "FLOWER_AUTH"),
    }
)
# Read by the compose file, and by the tests.
_OF_OTHERS = re.compile(r"POSTGRES_PASSWORD|TEST_\w+")
# Names that are less alike than this are no misspelling.
_ALIKE = 0.5

_log = logging.getLogger(__name__)
S = TypeVar("S", bound=BaseSettings)


def read_settings(settings: type[S]) -> S:
    """The settings as the environment has them; ConfigurationError, one sentence, if a value cannot work.

    A variable that looks like a setting but is none is a warning in the log.
    """
    for name in unknown_settings(os.environ):
        warn_of(name)
    try:
        return settings()
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        name = f"{PREFIX}{'_'.join(map(str, problem['loc']))}".upper()
        raise ConfigurationError(
            f"{name} cannot be used: {printable(problem['msg'].removeprefix('Value error, '))}."
        ) from None


def written_as(form: str, said: str) -> AfterValidator:
    """A check that a text matches ``form``, a regular expression; ``said`` describes the form to people."""

    def check(text: str | None) -> str | None:
        if text is not None and not re.fullmatch(form, text):
            raise ValueError(f"write {said}")
        return text

    return AfterValidator(check)


def unknown_settings(names: Iterable[str]) -> Iterator[str]:
    """The variables among these that have the prefix of a setting, but that this version does not read."""
    for name in names:
        own = name.upper()
        if own.startswith(PREFIX):
            rest = own.removeprefix(PREFIX)
            if rest not in SETTINGS and not _OF_OTHERS.fullmatch(rest):
                yield name


@cache
def warn_of(name: str) -> None:
    """Log once that a variable is no setting, and which setting may be meant. The log does not show its value."""
    close = get_close_matches(name.upper().removeprefix(PREFIX), SETTINGS, 1, _ALIKE)
    meant = f": is {PREFIX}{close[0]} meant?" if close else "."
    _log.warning("%s is no setting of this version, and ignored%s", escaped(name), meant)

"""The environment as people write it: what a value has to look like, and variables that are no setting."""

import logging
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache

from pydantic import AfterValidator

from ostinato.messages.reasons import escaped

PREFIX = "OSTINATO_"
# The worker's too: it has them in its own layer, and a producer's environment is often the same.
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
# Less alike, and it is no slip of the fingers any more.
_ALIKE = 0.5

_log = logging.getLogger(__name__)


def written_as(form: str, said: str) -> AfterValidator:
    """A check that a text is in this form, a regular expression, which is told to people in these words."""

    def check(text: str | None) -> str | None:
        if text is not None and not re.fullmatch(form, text):
            raise ValueError(f"write {said}")
        return text

    return AfterValidator(check)


def unknown_settings(names: Iterable[str]) -> Iterator[str]:
    """Those of these variables that have a setting's prefix, and that nothing of this version reads."""
    for name in names:
        own = name.upper()
        if own.startswith(PREFIX):
            rest = own.removeprefix(PREFIX)
            if rest not in SETTINGS and not _OF_OTHERS.fullmatch(rest):
                yield name


@cache
def warn_of(name: str) -> None:
    """Log, once in this process, that a variable is no setting, and which one may be meant; no value is said."""
    close = get_close_matches(name.upper().removeprefix(PREFIX), SETTINGS, 1, _ALIKE)
    meant = f": is {PREFIX}{close[0]} meant?" if close else "."
    _log.warning("%s is no setting of this version, and ignored%s", escaped(name), meant)

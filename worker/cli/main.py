"""The command line.

Exit codes: 0 done; 1 some input was bad, or not found; 2 wrong usage, or a setting that cannot work; 3 the broker does
not answer; 4 the store does not answer, or needs a migration; 130 interrupted.
"""

import codecs
import json
import logging
import sys
from io import TextIOWrapper

import typer

from ostinato.errors import BrokerUnavailable, ConfigurationError, OstinatoError
from ostinato.messages.printable import escaped
from ostinato.settings import environment
from store.errors import StoreOutdated, StoreUnavailable
from worker.cli import health
from worker.logs import configure_logs
from worker.processes.child import ChildError
from worker.processes.embedded import BrokerAlreadyRunning, BrokerError

_CODES: tuple[tuple[type[Exception], int], ...] = (
    (ConfigurationError, 2),
    (BrokerUnavailable, 3),
    (BrokerAlreadyRunning, 2),
    (BrokerError, 3),
    (StoreUnavailable, 4),
    (StoreOutdated, 4),
    (OstinatoError, 1),
    (ChildError, 1),
)
_INTERRUPTED = 130
ESCAPES = "json-escapes"


def main() -> None:
    """Run the command line; an error is one sentence on standard error and an exit code."""
    print_whatever_comes()
    configure_logs("WARNING")
    _say_in_words(environment.__name__)
    try:
        _asked(sys.argv[1:])()
    except tuple(kind for kind, _ in _CODES) as error:
        typer.echo(escaped(str(error)), err=True)
        sys.exit(next(code for kind, code in _CODES if isinstance(error, kind)))
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def _say_in_words(name: str) -> None:
    """What this logger says is for people, also where standard error is no terminal and all other logs are JSON."""
    logger = logging.getLogger(name)
    logger.addHandler(logging.StreamHandler())
    logger.propagate = False


def print_whatever_comes() -> None:
    """Where an output is not in UTF-8, what it lacks is written as JSON escapes it."""
    codecs.register_error(ESCAPES, _escapes)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=ESCAPES)


def _escapes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def _asked(words: list[str]) -> typer.Typer:
    if words[:1] == [health.NAME]:
        # Containers ask every few seconds: that must not cost what the other commands import.
        only = typer.Typer(pretty_exceptions_enable=False, context_settings=health.HELP)
        only.add_typer(health.commands, name=health.NAME)
        return only
    from worker.cli.commands import app  # noqa: PLC0415 - see above

    return app

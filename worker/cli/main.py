"""The entry point of the command line.

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
from worker.logs import configure_logs

_CODES: tuple[tuple[type[Exception], int], ...] = (
    (ConfigurationError, 2),
    (BrokerUnavailable, 3),
    (StoreUnavailable, 4),
    (StoreOutdated, 4),
    (OstinatoError, 1),
)
_INTERRUPTED = 130
ESCAPES = "json-escapes"


def main() -> None:
    """Run the command line. An error is one sentence on standard error, and an exit code."""
    escape_unencodable()
    configure_logs("WARNING")
    _show_as_sentences(environment.__name__)
    try:
        # Within: Ctrl-C while this loads is an interruption as well.
        from worker.cli.commands import app  # noqa: PLC0415

        app()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except Exception as error:
        code = _code(error)
        if code is None:
            raise
        typer.echo(escaped(str(error)), err=True)
        sys.exit(code)


def _code(error: Exception) -> int | None:
    """The exit code of an error, None for a defect."""
    codes = _CODES
    if not isinstance(error, OstinatoError):
        # Most commands start no process: they do not wait for this.
        from worker.processes.child import ChildError  # noqa: PLC0415
        from worker.processes.embedded import BrokerAlreadyRunning, BrokerError  # noqa: PLC0415

        codes = ((BrokerAlreadyRunning, 2), (BrokerError, 3), (ChildError, 1))
    return next((code for kind, code in codes if isinstance(error, kind)), None)


def _show_as_sentences(name: str) -> None:
    """Print the plain text of this logger's records, also where standard error is no terminal and logs are JSON."""
    logger = logging.getLogger(name)
    logger.addHandler(logging.StreamHandler())
    logger.propagate = False


def escape_unencodable() -> None:
    """Write characters that the encoding of an output lacks as JSON escapes."""
    codecs.register_error(ESCAPES, _escapes)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=ESCAPES)


def _escapes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end

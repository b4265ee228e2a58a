"""One pipeline for every log record, also of libraries: JSON lines, or words and colours on a terminal."""

import logging
import sys
from traceback import format_exception
from typing import TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from ostinato.messages.printable import escaped

_CHATTER = {
    # Two lines for each message; at debug, the store logs what each of them did.
    "celery.worker.strategy": logging.WARNING,
    "celery.app.trace": logging.WARNING,
    # Several lines whenever the broker is away; the worker's consumer logs it once.
    "celery.worker.consumer": logging.ERROR,
}
_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure_logs(level: str) -> None:
    """Send every record of at least this level to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_SHARED],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_last_steps()],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in _CHATTER.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _last_steps() -> tuple[Processor, ...]:
    # Without the values of variables, because a message's text or a password may be among them.
    if sys.stderr.isatty():
        return (_harmless, structlog.dev.ConsoleRenderer(exception_formatter=_write_traceback))
    traces = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
    return (traces, structlog.processors.JSONRenderer())


def _harmless(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Escape control characters in texts; other values are shown by `repr`, which escapes as well."""
    return {escaped(key): escaped(value) if isinstance(value, str) else value for key, value in event.items()}


def _write_traceback(stream: TextIO, error: ExcInfo) -> None:
    lines = "".join(format_exception(*error)).rstrip("\n").split("\n")
    # Indented, so that no line of an error's text looks like a record.
    stream.write("".join(f"\n  {escaped(line)}" for line in lines))

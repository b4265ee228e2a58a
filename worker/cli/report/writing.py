"""Writing a file so that whoever reads it meanwhile finds the old one or the new one, whole."""

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from ostinato.errors import ConfigurationError


def write_whole(file: str, text: str) -> None:
    """Put the text into the file, in place of what it holds; its mode stays.

    Written beside it first, and then renamed. Through a link, its target; what is no file, such as a pipe, is written
    to. ConfigurationError, and everything as it was, where that cannot be done.
    """
    path = Path(file)
    try:
        if path.exists() and not path.is_file():
            # Not resolved: what a shell's >(…) leads to has no name. A folder too: writing to it fails with the reason.
            path.write_text(text, encoding="utf-8")
        else:
            _replace(path.resolve(), text)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}.") from None


def _replace(path: Path, text: str) -> None:
    # Not named after the file, whose name may be as long as names can be.
    beside = path.with_name(f".ostinato-report.{uuid4().hex}")
    try:
        with beside.open("x", encoding="utf-8") as new:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
        if path.exists():
            beside.chmod(path.stat().st_mode & 0o777)
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise

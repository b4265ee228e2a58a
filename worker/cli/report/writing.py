"""Writing a file so that a program that reads it meanwhile finds the old text or the new one, never a part."""

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from ostinato.errors import ConfigurationError


def write_whole(file: str, text: str) -> None:
    """Replace the content of a file, or make the file; an existing file keeps its mode.

    The text is written to a new file beside it, which is then renamed. Of a link, the target is replaced. What is no
    regular file, such as a pipe, is written to. ConfigurationError if that fails; the file is then unchanged.
    """
    path = Path(file)
    try:
        if path.exists() and not path.is_file():
            # Not resolved, because the target of a shell's >(…) has no name. Writing to a folder fails with the reason.
            path.write_text(text, encoding="utf-8")
        else:
            _replace(path.resolve(), text)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}.") from None


def _replace(path: Path, text: str) -> None:
    # Not named after the file, whose name may already have the greatest length.
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

"""Processes that were forgotten: found by the folder that they work in, or that their environment names."""

import os
from contextlib import suppress
from pathlib import Path

_PROCESSES = Path("/proc")


def processes_of(folder: Path) -> list[str]:
    """The processes other than this one that have something to do with a folder, as `pid command line`.

    Empty where the system does not tell (macOS).
    """
    found = [_described(each, str(folder)) for each in _PROCESSES.glob("[0-9]*") if each.name != str(os.getpid())]
    return [line for line in found if line]


def _described(process: Path, folder: str) -> str:
    # It may end meanwhile, or belong to another user.
    with suppress(OSError):
        command = process.joinpath("cmdline").read_bytes().replace(b"\0", b" ")
        environment = process.joinpath("environ").read_bytes()
        if folder.encode() in command + environment or process.joinpath("cwd").readlink().is_relative_to(folder):
            return f"{process.name} {command.decode(errors='replace')}"
    return ""

"""`ostinato` without the second that Python takes to load it: each command is a fork of a process that has loaded it.

So it is a process of its own all the same, with its own environment, folder and streams.
"""

import atexit
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Lock

from tests.waiting import readable
from worker.processes.child import Child, ChildSpec

_LOADED = Path(__file__).with_name("forking.py")
_one_at_a_time = Lock()


def run(words: Sequence[str], streams: Path, env: Mapping[str, str], folder: Path) -> int:
    """Run `ostinato` with these words in a folder; its exit code, or 128 + n if signal n ended it.

    It reads ``streams`` with the suffix .in, and writes those with .out and .err.
    """
    asked = {"words": words, "streams": str(streams), "env": dict(env), "folder": str(folder)}
    with _one_at_a_time:
        link = _loaded()
        link.sendall(f"{json.dumps(asked)}\n".encode())
        pid = _told(link)
        try:
            readable(link)
        except BaseException:
            os.kill(pid, signal.SIGKILL)
            raise
        finally:
            code = _told(link)
    return code if code >= 0 else 128 - code


@cache
def _loaded() -> socket.socket:
    """The link to the process that has loaded the command line, which ends with this one."""
    link, other = socket.socketpair()
    env = {name: value for name, value in os.environ.items() if name == "PATH" or name.startswith("COVERAGE_")}
    command = (sys.executable, "-P", str(_LOADED), str(other.fileno()))
    with other:
        child = Child.start(ChildSpec("forks", command, env=env, log=Path(os.devnull), pass_fds=[other.fileno()]))
    atexit.register(child.stop)
    atexit.register(link.close)
    return link


def _told(link: socket.socket) -> int:
    found = link.recv(4, socket.MSG_WAITALL)
    assert found, f"{_LOADED} has ended"
    return int.from_bytes(found, "big", signed=True)

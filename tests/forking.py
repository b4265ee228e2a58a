"""A process that has loaded the command line, and runs each command in a fork of itself: the other end of `forks`.

It is told the commands over a socket, whose descriptor is its argument, as a line of JSON each. Of every one it tells
the process id and, when that process has ended, the exit code.
"""

import gc
import json
import os
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from worker.cli.commands import COMMANDS
from worker.cli.main import main

# What commands load when they need it.
_LATER = ("alembic.runtime.migration", "celery.app.amqp", "kombu.transport.redis", "worker.processes.embedded")
_STREAMS = ((".in", "r"), (".out", "w"), (".err", "w"))


def serve(link: socket.socket) -> None:
    """Run the commands one after the other, until no more can come."""
    for line in link.makefile("rb"):
        pid = os.fork()
        if not pid:
            link.close()
            become(**json.loads(line))
        tell(link, pid)
        tell(link, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def tell(link: socket.socket, number: int) -> None:
    """Send a number, in four bytes."""
    link.sendall(number.to_bytes(4, "big", signed=True))


def become(words: Sequence[str], streams: str, env: Mapping[str, str], folder: str) -> None:
    """Be `ostinato` with these words until it exits."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    for number, (suffix, mode) in enumerate(_STREAMS):
        with Path(f"{streams}{suffix}").open(mode, encoding="utf-8") as file:
            os.dup2(file.fileno(), number)
    sys.argv = ["ostinato", *words]
    main()
    sys.exit()


if __name__ == "__main__":
    for name in (*_LATER, *(place.partition(":")[0] for place, _ in COMMANDS.values())):
        import_module(name)
    # Else each fork would look at the end for what it could free, in all that was loaded, and so copy it.
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))

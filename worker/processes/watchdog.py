"""Run one command so that it never outlives the process that asked for it.

    python -I watchdog.py GRACE_SECONDS COMMAND [ARGUMENT ...]

Standard input is one end of a pipe or socket pair; the asking process holds the other end. When that closes, also by
kill -9, the command's process group gets SIGTERM, and SIGKILL after the grace time; SIGTERM to the watchdog does the
same. When the command ends first, what it left in its group is killed. The exit code is the command's, 128 + n if
signal n ended it, 127 if it could not be started. On a socket pair the first line sent back is `pid <number>` or
`error <reason>`. A process that leaves the group (a daemon) is out of reach.

This file runs by path and imports nothing of the project: one more process per command should cost little.
"""

import os
import select
import signal
import sys
import time

PARENT = 0


def main() -> int:
    """Run the command named by the program's arguments to its end; the exit code."""
    grace, command = float(sys.argv[1]), sys.argv[2:]
    wake = _wake_on_signals()
    try:
        pid = _spawn(command)
    except OSError as error:
        _report(f"error {error.strerror}")
        return 127
    try:
        _report(f"pid {pid}")
        status = _until_ended(pid, wake, grace)
    finally:
        # Also when this program fails: better a killed command than one without a watchdog.
        _signal_group(pid, signal.SIGKILL)
    if status is None:
        status = os.waitpid(pid, 0)[1]
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _wake_on_signals() -> int:
    """A descriptor with one byte per signal received: select on it misses none, not even an early one."""
    wake, wake_end = os.pipe()
    os.set_blocking(wake_end, False)
    signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, _leave_a_byte)
    signal.signal(signal.SIGTERM, _leave_a_byte)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return wake


def _leave_a_byte(_number: int, _frame: object) -> None:
    """Do nothing: Python itself writes the byte, but only for a signal that has a handler."""


def _spawn(command: list[str]) -> int:
    return os.posix_spawnp(
        command[0],
        command,
        os.environ,
        # Replaces the parent's pipe, which the command must not hold.
        file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
        setpgroup=0,
        # SIGINT is ignored above; Python ignores the other two at its start.
        setsigdef=[signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ],
        setsigmask=[],
    )


def _report(line: str) -> None:
    try:
        os.write(PARENT, f"{line}\n".encode())
    except OSError:
        # A plain pipe cannot carry the line, and a parent that is gone does not read it.
        return


def _until_ended(pid: int, wake: int, grace: float) -> int | None:
    """The command's wait status; None if it still runs when the grace time after a request to stop is over."""
    status = _until_ended_or_asked(pid, wake)
    if status is not None:
        return status
    _signal_group(pid, signal.SIGTERM)
    # A stopped process would not act on SIGTERM within its grace time.
    _signal_group(pid, signal.SIGCONT)
    deadline = time.monotonic() + grace
    while status is None and (left := deadline - time.monotonic()) > 0:
        if select.select([wake], [], [], left)[0]:
            os.read(wake, 512)
        status = _reap(pid)
    return status


def _until_ended_or_asked(pid: int, wake: int) -> int | None:
    while True:
        ready = select.select([PARENT, wake], [], [])[0]
        # Read before reaping: an end that comes later leaves a new byte.
        asked = wake in ready and signal.SIGTERM in os.read(wake, 512)
        if (status := _reap(pid)) is not None:
            return status
        if asked or (PARENT in ready and _parent_gone()):
            return None


def _parent_gone() -> bool:
    try:
        return not os.read(PARENT, 512)
    except OSError:
        return True


def _reap(pid: int) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return status if ended else None


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        # No process is left; macOS says "not permitted" for a group of zombies.
        return


if __name__ == "__main__":
    sys.exit(main())

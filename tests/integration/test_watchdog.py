"""Children behind a watchdog: real processes, killed for real."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

import pytest

from tests.waiting import LONGEST, ended, readable, wait_until
from worker.processes import watchdog
from worker.processes.child import Child, ChildNotStarted, ChildSpec, ChildStillRunning

WATCHDOG = Path(watchdog.__file__)

# A parent as `ostinato up` is one: the child's output is the parent's, so it ends only when all of them are gone.
PARENT = """
import signal, sys
from worker.processes.child import Child, ChildSpec
signal.signal(signal.SIGINT, lambda *_: print("parent interrupted", flush=True))
child = Child.start(ChildSpec("child", ["sh", "-c", sys.argv[1]], grace=float(sys.argv[2])))
while True:
    signal.pause()
"""


# What a command finds: its process, group, session, open descriptors, input, and what SIGINT does.
PROBE = """
import os, signal, sys
def is_open(fd):
    try:
        return bool(os.fstat(fd))
    except OSError:
        return False
print(os.getpid(), os.getpgrp(), os.getsid(0), [fd for fd in range(64) if is_open(fd)], repr(sys.stdin.read()),
      signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""

# Its exit code is the number of the signal that ended the process which it stopped.
STOPPED = """
import os, signal, sys
if not (pid := os.fork()):
    signal.pause()
signal.signal(signal.SIGTERM, lambda *_: None)
os.kill(pid, signal.SIGSTOP)
os.waitpid(pid, os.WUNTRACED)
print("stopped", flush=True)
sys.exit(os.WTERMSIG(os.waitpid(pid, 0)[1]))
"""


class Parent:
    """A process with a child, in a session of its own: `output` is what both have written so far."""

    def __init__(self, script: str, *, grace: float = 10.0) -> None:
        command = [sys.executable, "-c", PARENT, script, str(grace)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
        self.output = ""

    def read(self, line: str | None = None) -> None:
        """Read on until this line has come; None: until no process is left that could write."""
        assert self.process.stdout is not None
        while line is None or f"{line}\n" not in self.output:
            readable(self.process.stdout)
            part = os.read(self.process.stdout.fileno(), 4096)
            if not part:
                assert line is None, f"the output ended with {self.output!r}"
                return
            self.output += part.decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self.process:
            self.process.kill()


def test_kill_9_of_the_parent_ends_child_and_grandchild() -> None:
    """No process that holds the parent's output is left, and the child got SIGTERM first."""
    with Parent("sleep 60 & trap 'echo asked; exit' TERM; echo ready; wait") as parent:
        parent.read("ready")
        parent.process.kill()
        parent.read()
    assert "ready\nasked\n" == parent.output


def test_child_that_ignores_sigterm_is_killed_after_the_grace_time() -> None:
    """Also its grandchild, which ignores it too."""
    with Parent("trap '' TERM; sleep 60 & echo ready; wait", grace=0.3) as parent:
        parent.read("ready")
        parent.process.kill()
        parent.read()
    assert "ready\n" == parent.output


def test_ctrl_c_reaches_the_parent_only() -> None:
    """SIGINT to the parent's group leaves the child running until the parent goes."""
    script = "sleep 60 & trap 'echo interrupted' INT; trap 'echo asked; exit' TERM; echo ready; wait; wait"
    with Parent(script) as parent:
        parent.read("ready")
        os.killpg(parent.process.pid, signal.SIGINT)
        parent.read("parent interrupted")
        parent.process.kill()
        parent.read()
    assert "ready\nparent interrupted\nasked\n" == parent.output


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137), ("kill -INT $$", 130)]
)
def test_exit_codes_pass_through(script: str, code: int) -> None:
    """The command's own code, or 128 + n when signal n ended it; asking again gives the same."""
    with Child.start(ChildSpec("child", ["sh", "-c", script])) as child:
        assert code == ended(child)
        assert code == child.wait()
        assert code == child.poll()
        assert code == child.stop()


def test_end_of_the_child_ends_what_it_left_in_its_group(tmp_path: Path) -> None:
    """The grandchild's end of a pipe closes although it would have slept on."""
    reading, writing = os.pipe()
    spec = ChildSpec("child", ["sh", "-c", "sleep 60 & exit 3"], log=tmp_path / "log", pass_fds=[writing])
    with Child.start(spec) as child:
        os.close(writing)
        assert 3 == ended(child)
        readable(reading)
        os.close(reading)


def test_child_has_its_own_group_and_neither_the_link_nor_an_input(tmp_path: Path) -> None:
    """The command is its group's leader, in the watchdog's session, with three descriptors open and an empty input."""
    seen = tmp_path / "seen"
    with Child.start(ChildSpec("child", [sys.executable, "-c", PROBE], log=seen)) as child:
        assert 0 == ended(child)
        expected = f"{child.pid} {child.pid} {child.watchdog_pid} [0, 1, 2] '' True"
    assert expected == seen.read_text().strip()


def test_sigterm_to_the_watchdog_stops_the_child(tmp_path: Path) -> None:
    """As if the parent had gone, and SIGINT to it does nothing."""
    log = tmp_path / "log"
    script = "sleep 60 & trap 'echo asked; exit 5' TERM; echo ready; wait"
    with Child.start(ChildSpec("child", ["sh", "-c", script], log=log)) as child:
        wait_until(lambda: log.read_text() == "ready\n", why="it is ready")
        os.kill(child.watchdog_pid, signal.SIGINT)
        os.kill(child.watchdog_pid, signal.SIGTERM)
        assert 5 == ended(child)
    assert "ready\nasked\n" == log.read_text()


def test_stopped_process_can_end_within_the_grace_time(tmp_path: Path) -> None:
    """A process asleep by SIGSTOP is woken to end in its own way."""
    log = tmp_path / "log"
    with Child.start(ChildSpec("child", [sys.executable, "-c", STOPPED], log=log, grace=2.0)) as child:
        wait_until(lambda: log.read_text() == "stopped\n", why="it is stopped")
        assert signal.SIGTERM == child.stop()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_child_ends_when_its_watchdog_fails(number: signal.Signals) -> None:
    """A watchdog that is killed, or hangs, leaves the rest to its parent."""
    reading, writing = os.pipe()
    with Child.start(ChildSpec("child", ["sleep", "60"], grace=0.1, pass_fds=[writing])) as child:
        os.close(writing)
        os.kill(child.watchdog_pid, number)
        assert 128 + signal.SIGKILL == child.stop()
        readable(reading)
        os.close(reading)


def test_watchdog_works_with_a_plain_pipe_and_no_reader_of_its_report() -> None:
    """Run by hand: end of input stops the command; what is written to it is ignored."""
    command = [sys.executable, "-I", str(WATCHDOG), "5", "sleep", "60"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as watchdog:
        output, _ = watchdog.communicate(b"ignored", timeout=LONGEST)
    assert (b"", 128 + signal.SIGTERM) == (output, watchdog.returncode)


def test_parent_that_goes_without_reading_the_report_is_noticed() -> None:
    """A link with something unread in it breaks with an error, not with an end."""
    link, other = socket.socketpair()
    command = [sys.executable, "-I", str(WATCHDOG), "5", "sleep", "60"]
    with other, subprocess.Popen(command, stdin=other.fileno()) as watchdog:
        readable(link)
        link.close()
        assert 128 + signal.SIGTERM == ended(watchdog)


def test_command_that_cannot_start_is_a_typed_error(tmp_path: Path) -> None:
    """Missing, not executable, or in a folder that does not exist: the reason is in the message."""
    with pytest.raises(ChildNotStarted, match=r"^worker could not be started \(/does/not/exist\): No such file"):
        Child.start(ChildSpec("worker", ["/does/not/exist"]))
    with pytest.raises(ChildNotStarted, match="Permission denied"):
        Child.start(ChildSpec("worker", [str(tmp_path)]))
    with pytest.raises(ChildNotStarted, match="No such file or directory"):
        Child.start(ChildSpec("worker", ["true"], cwd=tmp_path / "missing"))


def test_wait_gives_up_in_time_and_poll_says_it_runs() -> None:
    """Neither touches the child."""
    with Child.start(ChildSpec("child", ["sleep", "60"])) as child:
        with pytest.raises(ChildStillRunning, match=r"still runs after 0\.01 s"):
            child.wait(0.01)
        assert None is child.poll()
        os.kill(child.pid, signal.SIGKILL)
        assert 137 == ended(child)


def test_environment_folder_and_log(tmp_path: Path) -> None:
    """They are what was given; a log is appended to, and put aside when it has grown too long."""
    log = tmp_path / "logs" / "child.log"
    (tmp_path / "select.py").write_text("not for the watchdog")
    for env in ({"WORD": "one"}, {"WORD": "two", "PYTHONPATH": str(tmp_path)}):
        spec = ChildSpec("child", ["sh", "-c", "echo $WORD; pwd >&2"], env=env, cwd=tmp_path, log=log)
        with Child.start(spec) as child:
            ended(child)
    assert f"one\n{tmp_path}\ntwo\n{tmp_path}\n" == log.read_text()
    with log.open("ab") as file:
        file.truncate(5_000_001)
    with Child.start(ChildSpec("child", ["echo", "new"], log=log)) as child:
        ended(child)
    assert "new\n" == log.read_text()
    assert 5_000_001 == (tmp_path / "logs" / "child.log.1").stat().st_size

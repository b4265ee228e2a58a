"""The supervisor: real children, started, failing and stopped."""

import signal
import threading
from pathlib import Path

import pytest

from tests.waiting import LONGEST
from worker.processes.child import Child, ChildNotStarted, ChildSpec
from worker.processes.supervisor import (
    Backoff,
    CouldNotStart,
    Event,
    Exited,
    Restarting,
    Started,
    Supervisor,
)


def life(program: Path, steady: int, failing: int, again: int) -> list[Event]:
    """What happens to a child that runs on and to one that ends twice and is then gone, with their process ids."""
    return [
        Started("steady", steady),
        Started("failing", failing),
        Exited("failing", 4, expected=False),
        Restarting("failing", 0.01),
        Started("failing", again),
        Exited("failing", 4, expected=False),
        Restarting("failing", 0.02),
        CouldNotStart("failing", f"failing could not be started ({program}): No such file or directory"),
        Restarting("failing", 0.03),
        Exited("steady", 128 + signal.SIGTERM, expected=True),
    ]


def test_supervisor_starts_in_order_restarts_and_stops_in_reverse(tmp_path: Path) -> None:
    """A child that ends is started again, later each time; one that cannot start any more is tried again too."""
    events: list[Event] = []
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nexit 4\n")
    program.chmod(0o700)
    specs = [ChildSpec(name="steady", command=["sleep", "60"]), ChildSpec(name="failing", command=[str(program)])]

    def on_event(event: Event) -> None:
        events.append(event)
        match event:
            case Restarting(delay=0.02):
                program.unlink()
            case CouldNotStart():
                supervisor.request_stop()
            case _:
                pass

    supervisor = Supervisor(specs, on_event, Backoff(first=0.01, longest=0.03))
    with supervisor:
        steady, failing = supervisor.pid("steady"), supervisor.pid("failing")
        assert steady is not None
        assert failing is not None
        deadline = threading.Timer(LONGEST, supervisor.request_stop)
        deadline.start()
        supervisor.run()
        deadline.cancel()
        assert None is supervisor.pid("failing")
        assert None is supervisor.pid("nobody")
    again = events[4]
    assert isinstance(again, Started)
    assert again.pid != failing
    assert life(program, steady, failing, again.pid) == events
    supervisor.stop()
    supervisor.request_stop()


def test_supervisor_stops_what_runs_when_a_start_fails() -> None:
    """Its own error comes out, after the children before it were stopped, the last one first."""
    events: list[Event] = []

    def refuse(child: Child) -> None:
        raise ChildNotStarted(f"{child.name} is not ready")

    specs = [ChildSpec(name=name, command=["sleep", "60"], ready=ready) for name, ready in (("a", None), ("b", refuse))]
    with pytest.raises(ChildNotStarted, match="b is not ready"):
        Supervisor(specs, events.append).start()
    assert [("a", Started), ("b", Started), ("b", Exited), ("a", Exited)] == [(e.name, type(e)) for e in events]


def test_supervisor_stops_everything_though_its_listener_fails() -> None:
    """As at a closed pipe; the error comes out in the end."""
    events: list[Event] = []

    def tell(event: Event) -> None:
        events.append(event)
        if isinstance(event, Exited):
            raise BrokenPipeError

    supervisor = Supervisor([ChildSpec(name=name, command=["sleep", "60"]) for name in "ab"], tell)
    supervisor.start()
    with pytest.raises(BrokenPipeError):
        supervisor.stop()
    assert ["b", "a"] == [event.name for event in events if isinstance(event, Exited)]


def test_backoff_doubles_to_its_limit_and_forgets_after_a_settled_life() -> None:
    """The standard delays: 0.5 s, doubled up to 10 s; again 0.5 s after 30 s of life."""
    backoff, delays = Backoff(), list[float]()
    for lived in (0.0, 1.0, 29.9, 1.0, 1.0, 1.0, 1.0, 30.0):
        delays.append(backoff.following(delays[-1] if delays else None, lived))
    assert [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 0.5] == delays

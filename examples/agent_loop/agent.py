"""An agent that learns: it asks the store what to do, does it, and reports the outcome.

    ostinato up                                      # in another terminal; it says where its data is
    python3 agent.py sqlite:////PATH/OF/store.db     # with the Python of Ostinato's environment

Its task is artificial, so that every run is the same: the same problems come up, and each has several remedies. Some
remedies help sometimes, and one always helps. The agent does not know which. It learns through the store, so another
agent, or this one tomorrow, continues where it stopped.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

from ostinato import Producer
from store import Pattern, Store

# What can be tried against each problem; each remedy helps in every n-th run.
REMEDIES = {
    "File not created": {"Try again": 3, "Wait for a second": 2, "Make the folder first": 1},
    "Page times out": {"Load it again": 2, "Close other pages": 4, "Ask for less of it": 1},
    "Two agents write one file": {"Write faster": 7, "Write at another hour": 5, "Lock the file": 1},
}
PATTERN_TYPE = "agent_problem"
# With fewer outcomes, the score does not depend on them yet.
PROVEN = 3
PATIENCE_SECONDS = 30.0


def advice(store: Store) -> Mapping[str, Sequence[str]]:
    """What to try against each problem, in order: first the unproven remedies, then as the store ranks it."""
    known: dict[str, list[Pattern]] = defaultdict(list)
    for pattern in store.patterns(pattern_type=PATTERN_TYPE, limit=100):
        for problem in pattern.context_tags or ():
            known[problem].append(pattern)
    return {
        problem: [pattern.suggested_action or "" for pattern in sorted(patterns, key=is_proven)]
        for problem, patterns in known.items()
    }


def is_proven(pattern: Pattern) -> bool:
    """Whether the store has enough outcomes to score it."""
    return pattern.led_to_success_count + pattern.led_to_failure_count >= PROVEN


def solve(problem: str, advised: Sequence[str], run: int, producer: Producer) -> list[str]:
    """Try remedies until one helps, first those advised; returns the ids of the reports."""
    reported: list[str] = []
    # The agent's own ideas come last; what was advised is not tried twice.
    for tries, remedy in enumerate(dict.fromkeys([*advised, *REMEDIES[problem]])):
        pattern_id = producer.record_pattern(
            pattern_type=PATTERN_TYPE,
            pattern_name=f"{problem}: {remedy}",
            context_tags=[problem],
            suggested_action=remedy,
        )
        helped = run % REMEDIES[problem][remedy] == 0
        reported.append(
            producer.record_pattern_application(
                pattern_id=pattern_id,
                execution_id=f"run-{run}",
                pattern_led_to_success=helped,
                retry_count_before=tries,
                application_mode="exploitation" if remedy in advised else "exploration",
            )
        )
        if helped:
            break
    return reported


def wait_until_told(store: Store, reported: Sequence[str]) -> None:
    """Return once all reports are in the store.

    An agent whose runs take minutes need not wait. Here runs take no time, and each has to know the result of the last.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(store.arrived(reported)) < len(reported):
        if time.monotonic() > deadline:
            sys.exit("The reports have not arrived in the store: does `ostinato up` run?")
        time.sleep(0.02)


def main() -> None:
    """Run several times, and print how many remedies each run had to try."""
    options = argparse.ArgumentParser(description="Run an agent that learns.")
    options.add_argument("store", help="URL of the store, as sqlite:////PATH/OF/store.db")
    options.add_argument("--runs", type=int, default=12, help="number of runs (default: 12)")
    given = options.parse_args()
    with Store(given.store) as store, Producer() as producer:
        for run in range(1, given.runs + 1):
            advised = advice(store)
            reported = [
                each for problem in REMEDIES for each in solve(problem, advised.get(problem, ()), run, producer)
            ]
            print(f"run {run}: {len(reported)} remedies tried for {len(REMEDIES)} problems", flush=True)
            wait_until_told(store, reported)


if __name__ == "__main__":
    main()

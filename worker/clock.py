"""The process's clock. It is read here and passed on as an argument, so that tests can set the time."""

import time


def now() -> int:
    """Microseconds since 1970 UTC."""
    return time.time_ns() // 1_000

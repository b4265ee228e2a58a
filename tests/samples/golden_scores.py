"""The table of golden scores that the specification gives (section 6)."""

from typing import NamedTuple


class Golden(NamedTuple):
    """What happened to one pattern, and its two scores after a recalculation.

    ``outcomes`` are the applications in event order, ``S`` for a success, ``F`` for a failure; ``grounding`` is every
    application's; ``idle`` the days since the pattern was last confirmed.
    """

    outcomes: str
    effectiveness: float
    priority: float
    sightings: int = 1
    grounding: float | None = None
    idle: int = 0


GOLDEN = (
    *(Golden(outcomes, 0.55, 0.33) for outcomes in ("", "S", "F", "SS", "FF")),
    Golden("SSS", 0.9625, 0.5775),
    Golden("FFF", 0.0375, 0.0225),
    *(Golden(outcomes, 0.6541666666666667, 0.3925) for outcomes in ("SSF", "FSS", "SFS")),
    Golden("SSSSS", 0.975, 0.585),
    *(Golden(outcomes, 0.595, 0.357) for outcomes in ("SSSFF", "FFSSS", "SFSFS")),
    Golden("FFFFFS", 0.2042857142857143, 0.12257142857142857),
    Golden("S" * 20, 0.9928571428571429, 0.5957142857142858),
    Golden("SSSSS", 0.975, 0.5998438491719085, sightings=16),
    Golden("SSSSS", 0.975, 0.8324404608477439, sightings=50),
    Golden("SSSSS", 0.975, 0.975, sightings=99),
    Golden("SSSSS", 0.6825, 0.4095, grounding=0.0),
    Golden("SSSSS", 0.82875, 0.49725, grounding=0.5),
    Golden("SSSSS", 0.9715817891621548, 0.5829490734972929, idle=1),
    Golden("SSSSS", 0.8775, 0.5265, idle=30),
    Golden("SSSSS", 0.710775, 0.426465, idle=90),
)
EXACT = 1e-12

"""Where a producer's outbox is, and how much it holds for how long."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from ostinato.settings.broker import BrokerSettings

_DAY = 86_400


def _folder(path: Path | None) -> Path | None:
    return None if path is None else path.expanduser().absolute()


class OutboxSettings(BrokerSettings):
    """What a producer with an outbox needs to know."""

    outbox: Annotated[Path | None, AfterValidator(_folder)] = Field(
        default=None, description="Folder of the producers' outboxes; without one, `outbox` in the home folder."
    )
    outbox_bytes: Annotated[int, Field(ge=1_000_000)] = Field(
        default=256_000_000, description="The largest size, in bytes, of the outbox of one process."
    )
    outbox_age: Annotated[float, Field(gt=0)] = Field(
        default=7 * _DAY,
        description="Seconds that a message may wait for a broker that is away, before no further one is taken.",
    )
    outbox_keep: Annotated[float, Field(ge=0)] = Field(
        default=_DAY,
        description="Seconds that a message is kept after the broker took it, for `ostinato reconcile`; at least 5.",
    )
    outbox_fsync: bool = Field(
        default=False, description="Whether each message is synced to the disk, against a loss of power, at its cost."
    )

    @property
    def outbox_folder(self) -> Path:
        """The folder of the outboxes."""
        return self.outbox or self.home / "outbox"

"""Every setting, read from the environment (OSTINATO_…) in two places: the Celery shim and the command line."""

from datetime import time
from functools import cached_property
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import AfterValidator, Field, ValidationInfo

from ostinato.errors import ConfigurationError
from ostinato.messages.routing import MOST_LANES
from ostinato.settings.environment import written_as
from ostinato.settings.outbox import OutboxSettings
from store.database.engines import store_url

Fsync = Literal["everysec", "always"]

_DAY = 86_400
_FLOWER_AUTH = written_as(
    r"[^:\s]+:\S+", "USER:PASSWORD, both without spaces and USER without a colon, as in ada:correct-horse"
)


def _store_url(url: str | None, info: ValidationInfo) -> str | None:
    try:
        parsed = store_url(url) if url else None
    except ConfigurationError as error:
        raise ValueError(str(error).removesuffix(".")) from None
    if info.data.get("lanes", 1) > 1 and (parsed is None or parsed.get_backend_name() != "postgresql"):
        raise ValueError("more than one lane, OSTINATO_LANES, needs PostgreSQL")
    return None if parsed is None else parsed.render_as_string(hide_password=False)


def _time_of_day(text: str) -> str:
    try:
        return time.fromisoformat(text).replace(tzinfo=None).isoformat()
    except ValueError:
        raise ValueError("write it as HH:MM or HH:MM:SS") from None


def _lane(lane: int | None, info: ValidationInfo) -> int | None:
    lanes: int = info.data.get("lanes", MOST_LANES)
    if lane is not None and lane >= lanes:
        last = f"the last of OSTINATO_LANES ({lanes}) is {lanes - 1}"
        raise ValueError(f"it is {lane}, and {last}; leave it out, or raise OSTINATO_LANES")
    return lane


class Settings(OutboxSettings):
    """What the worker, beat and the command line have to know."""

    store_url: Annotated[str | None, AfterValidator(_store_url)] = Field(
        default=None,
        repr=False,
        validate_default=True,
        description="URL of the store; without one, an SQLite file in the home folder.",
    )
    lane: Annotated[int | None, Field(ge=0, le=MOST_LANES - 1), AfterValidator(_lane)] = Field(
        default=None, description="Which of several lanes this worker serves; less than `OSTINATO_LANES`."
    )
    broker_fsync: Fsync = Field(
        default="everysec",
        description="When the embedded broker's file is synced: `always` costs speed, and no kill loses a message.",
    )
    broker_memory: Annotated[
        str, written_as(r"[1-9][0-9]{0,5}[mg]b", "a whole number and mb or gb, as in 512mb or 2gb")
    ] = Field(
        default="1gb",
        description="What the embedded broker's messages may take in memory; a full one refuses more, and loses none.",
    )
    recalculate_every: Annotated[float, Field(ge=1, le=366 * _DAY)] = Field(
        default=_DAY, description="Seconds between two recalculations."
    )
    recalculate_at: Annotated[str, AfterValidator(_time_of_day)] = Field(
        default="03:00", description="Time of day, UTC, that recalculations are counted from."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="The least level that is logged; DEBUG logs every message."
    )
    metrics_port: Annotated[int | None, Field(ge=1, le=65_000)] = Field(
        default=None,
        description="Port of the worker's Prometheus metrics, plus the lane's number; without one, none are served.",
    )
    metrics_address: Annotated[str, Field(min_length=1)] = Field(
        default="127.0.0.1",
        description="Address at which the metrics are served, without a password: to anyone who asks.",
    )
    traces: bool = Field(
        default=False, description="Whether the worker sends traces, as OTEL_… says where to; needs the extra `otel`."
    )
    deaf_after: Annotated[float, Field(ge=10, le=3600)] = Field(
        default=40, description="Seconds without a sign of life after which a worker ends, to be started again."
    )
    flower_auth: Annotated[str | None, _FLOWER_AUTH] = Field(
        default=None, repr=False, description="USER:PASSWORD of the dashboard; without one, a new password every time."
    )

    @cached_property
    def store_address(self) -> str:
        """The URL of the store."""
        return self.store_url or f"sqlite:///{quote(str(self.home / 'store.db'), safe='/')}"

    @property
    def own_lane(self) -> int:
        """The lane that this worker serves; 0 where there is only one."""
        return self.lane or 0

    def require_lane(self) -> None:
        """ConfigurationError if a worker cannot know its lane by these settings."""
        if self.lane is None and self.lanes > 1:
            raise ConfigurationError(
                f"OSTINATO_LANES is {self.lanes}: say by OSTINATO_LANE which one is this worker's."
            )

    @property
    def recalculate_offset(self) -> int:
        """Seconds after midnight UTC that recalculations are counted from."""
        moment = time.fromisoformat(self.recalculate_at)
        return moment.hour * 3600 + moment.minute * 60 + moment.second

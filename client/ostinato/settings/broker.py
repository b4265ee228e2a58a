"""Where the broker is: at a URL, or embedded in the home folder, behind a unix socket."""

import hashlib
import os
import stat
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import platformdirs
from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ostinato.errors import ConfigurationError
from ostinato.messages.routing import MOST_LANES
from ostinato.settings.broker_url import broker_url, is_rabbit
from ostinato.settings.environment import PREFIX, written_as

# Linux allows 107 bytes in the path of a unix socket, macOS 103.
_LONGEST_SOCKET_PATH = 100


def _home() -> Path:
    return platformdirs.user_data_path("ostinato")


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _broker_url(url: str | None) -> str | None:
    return broker_url(url) if url else None


class BrokerSettings(BaseSettings):
    """What a producer without an outbox needs to know."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    home: Annotated[Path, AfterValidator(_absolute)] = Field(
        default_factory=_home, description="Folder of the embedded broker's and store's data."
    )
    broker_url: Annotated[str | None, AfterValidator(_broker_url)] = Field(
        default=None, repr=False, description="URL of the broker; without one, the embedded broker in the home folder."
    )
    broker_prefix: Annotated[
        str,
        written_as(r"[A-Za-z0-9._:-]{0,64}", "at most 64 letters, digits and signs out of . _ : -, as in fleet-2"),
    ] = Field(
        default="",
        description="Stands before every key on a Redis broker, so that several installations can share one.",
    )
    lanes: Annotated[int, Field(ge=1, le=MOST_LANES)] = Field(
        default=1, description="How many lanes messages are spread over by pattern; more than one needs PostgreSQL."
    )

    @field_validator("broker_prefix")
    @classmethod
    def _stands_before_keys(cls, prefix: str, info: ValidationInfo) -> str:
        url = info.data.get("broker_url")
        if prefix and url and is_rabbit(url):
            raise ValueError("RabbitMQ has virtual hosts instead: give each installation one, at the end of the URL")
        return prefix

    @property
    def embedded_broker(self) -> bool:
        """Whether the broker is the one in the home folder."""
        return self.broker_url is None

    @cached_property
    def broker_address(self) -> str:
        """The URL of the broker, embedded or not."""
        return self.broker_url or f"redis+socket://{quote(str(socket_path(self.home)))}"


def socket_path(home: Path) -> Path:
    """Where the embedded broker of a home folder listens.

    In the home folder. If that path is too long for a socket: in a folder of this user's own among the temporary files,
    named after the home. ConfigurationError if another user owns or can write that folder, and so could take the
    broker's place.
    """
    path = home / "broker.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"ostinato-{os.getuid()}"
    if not _is_own(folder):
        raise ConfigurationError(f"The folder {folder} is not this user's alone: remove it, or shorten OSTINATO_HOME.")
    return folder / f"{name}.sock"


def _is_own(folder: Path) -> bool:
    """Whether only this user may write in a folder; also true if it does not exist yet."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return True
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022

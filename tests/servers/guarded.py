"""A broker with the users of `docs/how-to/security.md`, with new passwords."""

import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from redis import Redis
from typing_extensions import override

from tests.servers.brokers import RedisServer
from tests.waiting import SECONDS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "security.md"
_PASSWORD = re.compile(r">([A-Z]+)-PASSWORD")


def rights() -> str:
    """The `aclfile` as the page has it."""
    page = PAGE.read_text(encoding="utf-8")
    found = re.search(r"^```text\n(user default off\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


class GuardedServer(RedisServer):
    """A server that knows those users only."""

    def __init__(self, binary: str, home: Path) -> None:
        # Each has what a URL takes for its own.
        names = {name.lower() for name in _PASSWORD.findall(rights())}
        self._passwords = {name: f"@/:%#?&+{secrets.token_hex(8)}" for name in names}
        self._file = home / "users.acl"
        self._file.write_text(_PASSWORD.sub(lambda found: f">{self._passwords[found[1].lower()]}", rights()))
        super().__init__(binary, home)

    @override
    def options(self, port: int) -> Sequence[str]:
        return (*super().options(port), "--aclfile", str(self._file))

    @override
    def address(self, port: int) -> str:
        return super().address(port).replace("//", f"//{self._credentials('admin')}")

    def of(self, user: str) -> str:
        """The broker's URL for a user."""
        return self.url.replace(self._credentials("admin"), self._credentials(user))

    def client(self, user: str) -> Any:  # noqa: ANN401 - the client is partly untyped
        """A user's connection."""
        return cast("Any", Redis).from_url(self.of(user), socket_timeout=SECONDS)

    def _credentials(self, user: str) -> str:
        return f"{user}:{quote(self._passwords[user], safe='')}@"

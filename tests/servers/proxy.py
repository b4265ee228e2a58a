"""A proxy between a client and its server that does to their connections what networks do; of any protocol over TCP."""

import asyncio
import contextlib
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from threading import Event, Thread
from typing import Self

from sqlalchemy import URL

from tests.waiting import LONGEST

COMMIT = b"COMMIT\0"
"""The whole statement, as PostgreSQL's clients send it: "READ COMMITTED" is another."""
_SECONDS_LATE = 0.02
# A close that sends a reset at once instead of an end.
_RESET = struct.pack("ii", 1, 0)


class Fault(Enum):
    """What may become of connections."""

    CUT = "cut"
    RESET = "reset"
    LOST_REQUEST = "lost request"
    LOST_REPLY = "lost reply"
    HALF_OPEN = "half-open"
    SLICES = "1-byte slices"
    LATENCY = "latency"


@dataclass(eq=False)
class _Link:
    """One client's connection; silent: open for ever, and nothing comes through any more."""

    client: StreamWriter
    server: StreamWriter | None = None
    silent: bool = False
    met: bool = False
    loses_reply: bool = False

    def close(self, *, reset: bool = False) -> None:
        """End both halves."""
        if reset:
            self.client.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.client.transport.abort()
        for writer in filter(None, (self.client, self.server)):
            writer.close()


class Proxy:
    """Listens on a loopback port while its `with` block runs; `hits` counts the faults that really met a connection.

    ``server``: host and port, or the path of a unix socket.
    """

    def __init__(self, server: tuple[str, int] | Path) -> None:
        self.hits: Counter[Fault] = Counter()
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._links: set[_Link] = set()
        self._lasting: Fault | None = None
        self._trap: tuple[Fault, bytes] | None = None
        self._ready, self._stop = Event(), asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=lambda: self._loop.run_until_complete(self._serve()))

    def inject(self, fault: Fault, request: bytes = b"") -> None:
        """Let it happen, and return once it has begun.

        A cut or reset ends every connection there is; a lost request or reply is that of the next request with these
        bytes in it, and cuts its connection; what else there is lasts until `heal`.
        """
        self._do(lambda: self._begin(fault, request))

    def heal(self) -> None:
        """Be a good network again; connections that are half-open stay so, but new ones are not."""
        self._do(self._forget)

    @property
    def armed(self) -> bool:
        """Whether a request is still waited for."""
        return self._trap is not None

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(LONGEST)
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._stop.set)
        self._thread.join()
        self._loop.close()

    def _do(self, action: Callable[[], None]) -> None:
        async def act() -> None:
            action()

        asyncio.run_coroutine_threadsafe(act(), self._loop).result(LONGEST)

    def _begin(self, fault: Fault, request: bytes) -> None:
        if fault in {Fault.CUT, Fault.RESET}:
            self.hits[fault] += len(self._links)
            for link in self._links:
                link.close(reset=fault is Fault.RESET)
        elif fault in {Fault.LOST_REQUEST, Fault.LOST_REPLY}:
            self._trap = fault, request
        else:
            self._lasting = fault
            for link in self._links:
                link.met, link.silent = False, link.silent or fault is Fault.HALF_OPEN

    def _forget(self) -> None:
        self._lasting = self._trap = None

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._carry, sock=self._listener)
        self._ready.set()
        await self._stop.wait()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for link in self._links:
            link.close()
        await asyncio.wait(tasks, timeout=LONGEST) if tasks else None

    async def _carry(self, requests: StreamReader, client: StreamWriter) -> None:
        link = _Link(client, silent=self._lasting is Fault.HALF_OPEN)
        self._links.add(link)
        try:
            with contextlib.suppress(OSError):
                replies, link.server = await self._connected()
                await _first(self._forward(link, requests), self._return(link, replies))
        finally:
            self._links.discard(link)
            link.close()

    async def _connected(self) -> tuple[StreamReader, StreamWriter]:
        if isinstance(self._server, Path):
            return await asyncio.open_unix_connection(self._server)
        return await asyncio.open_connection(*self._server)

    async def _forward(self, link: _Link, requests: StreamReader) -> None:
        while data := await requests.read(65536):
            if self._trap is not None and self._trap[1] in data and not link.silent:
                fault, _ = self._trap
                self._trap = None
                if fault is Fault.LOST_REQUEST:
                    self.hits[fault] += 1
                    return
                link.loses_reply = True
            await self._pass(link, link.server, data)

    async def _return(self, link: _Link, replies: StreamReader) -> None:
        while data := await replies.read(65536):
            if link.loses_reply:
                self.hits[Fault.LOST_REPLY] += 1
                return
            await self._pass(link, link.client, data)

    async def _pass(self, link: _Link, writer: StreamWriter | None, data: bytes) -> None:
        fault = Fault.HALF_OPEN if link.silent else self._lasting
        if fault is not None and not link.met:
            self.hits[fault] += 1
            link.met = True
        if writer is None or link.silent:
            return
        if self._lasting is Fault.LATENCY:
            await asyncio.sleep(_SECONDS_LATE)
        size = 1 if self._lasting is Fault.SLICES else len(data)
        for at in range(0, len(data), size):
            writer.write(data[at : at + size])
            await writer.drain()
            await asyncio.sleep(0)


async def _first(*both: Awaitable[None]) -> None:
    """Wait until one of them has ended, and end the other."""
    tasks = [asyncio.ensure_future(each) for each in both]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def to_postgresql(url: URL) -> Proxy:
    """A proxy before the server of a PostgreSQL URL."""
    port = url.port or 5432
    folder = url.query.get("host")
    if url.host is None and isinstance(folder, str):
        return Proxy(Path(folder) / f".s.PGSQL.{port}")
    return Proxy((url.host or "localhost", port))


def behind(proxy: Proxy, url: URL) -> str:
    """The same database, through the proxy."""
    here = url.set(host="127.0.0.1", port=proxy.port, query={"sslmode": "disable", "gssencmode": "disable"})
    return here.render_as_string(hide_password=False)

"""Cutting a PostgreSQL connection at the one moment at which nobody can know what became of a transaction."""

import select
import socket
import threading
from contextlib import ExitStack, closing, suppress
from typing import Self

from sqlalchemy import URL

# The whole statement: "READ COMMITTED" is another.
_COMMIT = b"COMMIT\0"


class CommitCutter:
    """Stands between a client and the server; once armed, the next COMMIT reaches the server and its answer nobody.

    A context manager; ``url`` is that of the database behind it.
    """

    def __init__(self, url: URL) -> None:
        self._server = url
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._armed = threading.Event()
        self._open = ExitStack()
        self.cuts = 0

    @property
    def url(self) -> str:
        """The address to connect to."""
        host, port = self._listener.getsockname()
        here = self._server.set(host=host, port=port, query={"sslmode": "disable", "gssencmode": "disable"})
        return here.render_as_string(hide_password=False)

    def arm(self) -> None:
        """Cut the next commit's connection."""
        self._armed.set()

    def __enter__(self) -> Self:
        thread = threading.Thread(target=self._accept)
        thread.start()
        self._open.callback(thread.join)
        self._open.callback(self._listener.close)
        # Closing alone would leave the thread waiting in accept.
        self._open.callback(self._listener.shutdown, socket.SHUT_RDWR)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _accept(self) -> None:
        with ExitStack() as threads, suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._carry, args=(client,))
                thread.start()
                threads.callback(thread.join)

    def _carry(self, client: socket.socket) -> None:
        with closing(client), closing(self._connected()) as server:
            others = {client: server, server: client}
            while True:
                for ready in select.select(list(others), [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    others[ready].sendall(data)
                    if ready is client and _COMMIT in data and self._armed.is_set():
                        self._armed.clear()
                        assert b"COMMIT" in server.recv(65536)
                        self.cuts += 1
                        return

    def _connected(self) -> socket.socket:
        port = self._server.port or 5432
        folder = self._server.query.get("host")
        if self._server.host is None and isinstance(folder, str):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{folder}/.s.PGSQL.{port}")
            return server
        return socket.create_connection((self._server.host or "localhost", port))

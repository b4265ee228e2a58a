"""The proxy of the tests: each of its faults is what it says, and is counted when it met somebody."""

import socket
from collections.abc import Generator
from contextlib import closing, contextmanager

import pytest

from tests.servers.proxy import Fault, Proxy
from tests.waiting import LONGEST, wait_until

Ends = tuple[socket.socket, socket.socket]


@pytest.fixture
def listener() -> Generator[socket.socket]:
    """Where the server of a test takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def proxy(listener: socket.socket) -> Generator[Proxy]:
    """A proxy before it."""
    with Proxy(listener.getsockname()) as proxy:
        yield proxy


@contextmanager
def connected(proxy: Proxy, listener: socket.socket) -> Generator[Ends]:
    """A client's end and the server's end."""
    with closing(socket.create_connection(("127.0.0.1", proxy.port))) as client:
        server, _ = listener.accept()
        with server:
            client.settimeout(LONGEST)
            server.settimeout(LONGEST)
            client.sendall(b"hello")
            assert b"hello" == server.recv(5)
            yield client, server


def exchange(ends: Ends, request: bytes, reply: bytes) -> tuple[bytes, bytes]:
    """What the server gets of a request, and the client of its reply."""
    client, server = ends
    client.sendall(request)
    got = receive(server, len(request))
    server.sendall(reply)
    return got, receive(client, len(reply))


def receive(end: socket.socket, size: int) -> bytes:
    """So many bytes, or fewer if the connection ends before."""
    got = b""
    while len(got) < size and (data := end.recv(size - len(got))):
        got += data
    return got


@pytest.mark.parametrize("fault", [None, Fault.SLICES, Fault.LATENCY])
def test_what_goes_through_arrives_whole(proxy: Proxy, listener: socket.socket, fault: Fault | None) -> None:
    """Both ways, however slowly."""
    with connected(proxy, listener) as ends:
        if fault:
            proxy.inject(fault)
        assert (b"?" * 300, b"!" * 300) == exchange(ends, b"?" * 300, b"!" * 300)
    assert ({fault: 1} if fault else {}) == proxy.hits


def test_a_cut_ends_every_connection(proxy: Proxy, listener: socket.socket) -> None:
    """On both sides, as if the other had closed it; new ones are good."""
    with connected(proxy, listener) as (client, server):
        proxy.inject(Fault.CUT)
        assert (b"", b"") == (client.recv(1), server.recv(1))
    with connected(proxy, listener) as ends:
        assert (b"?", b"!") == exchange(ends, b"?", b"!")
    assert {Fault.CUT: 1} == proxy.hits


def test_a_reset_is_an_error_of_the_client(proxy: Proxy, listener: socket.socket) -> None:
    """The server sees an end."""
    with connected(proxy, listener) as (client, server):
        proxy.inject(Fault.RESET)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        assert b"" == server.recv(1)
    assert {Fault.RESET: 1} == proxy.hits


def test_a_lost_request_reaches_nobody(proxy: Proxy, listener: socket.socket) -> None:
    """What came before does; then the connection is cut."""
    with connected(proxy, listener) as ends:
        proxy.inject(Fault.LOST_REQUEST, b"COMMIT")
        assert (b"BEGIN", b"!") == exchange(ends, b"BEGIN", b"!")
        assert proxy.armed
        ends[0].sendall(b"COMMIT")
        assert (b"", b"") == (ends[0].recv(1), ends[1].recv(1))
    assert {Fault.LOST_REQUEST: 1} == proxy.hits


def test_a_lost_reply_is_that_to_a_request_that_arrived(proxy: Proxy, listener: socket.socket) -> None:
    """The server has done what it was asked for, and the client will never know."""
    with connected(proxy, listener) as ends:
        proxy.inject(Fault.LOST_REPLY, b"COMMIT")
        assert (b"COMMIT", b"") == exchange(ends, b"COMMIT", b"done")
    assert ({Fault.LOST_REPLY: 1}, False) == (proxy.hits, proxy.armed)


def test_half_open_is_silence_for_ever(proxy: Proxy, listener: socket.socket) -> None:
    """For connections that were open and for those made meanwhile; only those made afterwards are good."""
    with connected(proxy, listener) as (client, server):
        proxy.inject(Fault.HALF_OPEN)
        with closing(socket.create_connection(("127.0.0.1", proxy.port))) as other:
            client.sendall(b"?")
            other.sendall(b"?")
            wait_until(lambda: {Fault.HALF_OPEN: 2} == proxy.hits, why="both are met")
            proxy.heal()
            other.sendall(b"?")
        client.sendall(b"?")
        for end in (client, server):
            end.settimeout(0.2)
            with pytest.raises(TimeoutError):
                end.recv(1)
        listener.accept()[0].close()
        with connected(proxy, listener) as ends:
            assert (b"?", b"!") == exchange(ends, b"?", b"!")

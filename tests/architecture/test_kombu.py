"""What the worker's transport relies on in kombu that kombu does not promise."""

import inspect
from importlib import import_module
from importlib.metadata import version
from operator import attrgetter

import pytest

# Where each part is used, and for what.
PARTS = {
    "the poller asks for the next message by it": (
        "redis.MultiChannelPoller._register_BRPOP",
        "channel._brpop_start()",
    ),
    "the answer is read by the handler of that name": ("redis.Channel.__init__", "'BRPOP': self._brpop_read"),
    "a fetch is not sent while another is under way": (
        "redis.MultiChannelPoller._register_BRPOP",
        "if not channel._in_poll",
    ),
    "a fetch is not sent beyond the prefetch limit": (
        "redis.MultiChannelPoller.on_poll_start",
        "channel.qos.can_consume()",
    ),
    "a fetch without an answer is noticed": (
        "redis.MultiChannelPoller.maybe_check_brpop_health",
        "channel._brpop_sent_at",
    ),
    "a token that waits is sent between two fetches": ("redis.Channel._brpop_read", "self._flush_brpop_reauth()"),
    "a channel that is closed reads its last answer": ("redis.Channel.close", "self._brpop_read()"),
    "and says that it is being closed": ("redis.Channel.close", "self._closing = True"),
    "its connections can be closed again": ("redis.Channel.close", "self._close_clients()"),
    "a fetched message is delivered by it": ("redis.Channel._brpop_read", "self.connection._deliver("),
    "what nobody wants is put back by it": ("virtual.Channel.basic_reject", "self.qos.reject("),
    "what a closed channel had is not put back by it": (
        "virtual.QoS.restore_unacked_once",
        "if not self.restore_at_shutdown",
    ),
    "what is requeued is put back by it": ("virtual.QoS.reject", "self.channel._restore_at_beginning("),
    "which is the same": ("redis.Channel._restore_at_beginning", "self._restore(message, leftmost=True)"),
    "an acknowledgement reaches the class named": ("redis.Channel", "QoS = QoS"),
    "a queue is declared by its size": ("virtual.Channel.queue_declare", "self._size(queue)"),
    "and bound to an exchange, which needs memory": ("virtual.Channel.queue_bind", "self._queue_bind("),
    "a client of its own asks for the size": ("redis.Channel.conn_or_acquire", "self._create_client()"),
    "keys get a prefix by it": ("redis.Channel", "'global_keyprefix'"),
    "options of the connection become attributes": ("virtual.Channel.__init__", "from_transport_options"),
    "a transport that parses URLs gets them whole": ("redis.Channel._connparams", "if scheme == 'socket'"),
}


@pytest.mark.parametrize(("part", "written"), PARTS.values(), ids=PARTS)
def test_kombu_still_has_what_the_transport_builds_on(part: str, written: str) -> None:
    """Where kombu changed one of these, the transport has to be read again before the version is allowed."""
    module, _, name = part.partition(".")
    source = inspect.getsource(attrgetter(name)(import_module(f"kombu.transport.{module}")))
    assert written in source, (
        f"{part} no longer has {written!r}: read worker/broker/redis/transport.py against kombu's source"
    )


def test_the_version_of_kombu_is_one_that_was_read() -> None:
    """pyproject.toml allows no other."""
    assert version("kombu").startswith("5.7.")

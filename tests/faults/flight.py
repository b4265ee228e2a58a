"""What lies at the broker, asked for by commands of the tests' own: every list, whichever program made it."""

import base64
import json
import re

from tests.model.said import Message
from tests.servers.brokers import Client

_QUEUE = b"ostinato"
_TAKEN = b"ostinato.taken."
# The keys while nothing is in flight: where kombu's producers send to, the workers' leases, and that they run.
_EXPECTED = re.compile(rb"_kombu\.binding(_permanent)?\.ostinato|ostinato\.workers|ostinato:worker")

_ALL = """
local found = redis.call('HLEN', 'unacked')
for _, key in ipairs(redis.call('KEYS', '*')) do
    if redis.call('TYPE', key).ok == 'list' then found = found + redis.call('LLEN', key) end
end
return found
"""


def in_flight(client: Client) -> int:
    """How many messages are, at one moment, in any list, or in the hash in which stock kombu keeps what it took."""
    return int(client.eval(_ALL, 0))


def queued(client: Client) -> int:
    """How many messages no worker has taken yet."""
    return client.llen(_QUEUE.decode())


def taken_by(client: Client, pid: int) -> list[Message]:
    """The messages that the worker with this process id has taken and not acknowledged; batches by their members."""
    mine = re.compile(re.escape(_TAKEN) + rb".*-%d-[0-9a-f]+" % pid)
    keys = client.keys()
    lists = [key.decode() for key in keys if mine.fullmatch(key)]
    return [message for key in lists for raw in client.lrange(key, 0, -1) for message in messages_in(raw)]


def messages_in(raw: bytes) -> list[Message]:
    """The messages that a well-formed item of the queue carries."""
    (text,), *_ = json.loads(base64.b64decode(json.loads(raw)["body"]))
    message: Message = json.loads(text)
    members: list[Message] | None = message.get("messages")
    return [message] if members is None else members


def unexpected_keys(client: Client) -> list[str]:
    """The keys that should not be there once nothing is in flight."""
    keys = client.keys()
    return sorted(key.decode() for key in keys if not _EXPECTED.fullmatch(key))

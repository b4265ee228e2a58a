"""Sending to a Redis or Valkey server."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kombu.exceptions import KombuError
from redis.exceptions import NoPermissionError, OutOfMemoryError, RedisError
from typing_extensions import override

from ostinato.publishing.broker_kind import BrokerKind, cause_of
from ostinato.settings.broker import BrokerSettings

if TYPE_CHECKING:
    from kombu import Connection


class RedisSending(BrokerKind):
    """To Redis: redis-py makes a new connection by itself, and takes no late answer for another call's."""

    errors = (KombuError, RedisError, OSError)

    @override
    def configuration(self, settings: BrokerSettings, bounds: Mapping[str, float]) -> dict[str, Any]:
        return {
            "broker_url": settings.broker_address,
            "broker_transport_options": {**bounds, "global_keyprefix": settings.broker_prefix},
        }

    @override
    def run(self, connection: "Connection") -> str | None:
        try:
            client = getattr(connection.default_channel, "client", None)
            return None if client is None else str(client.info("server")["run_id"])
        except NoPermissionError:
            return None

    @override
    def reason(self, error: Exception) -> str | None:
        if isinstance(cause_of(error), OutOfMemoryError):
            return (
                "The broker's memory is full: send it again when the worker has made room, or raise the broker's "
                "maxmemory."
            )
        return None

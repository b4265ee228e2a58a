"""Sending to a Redis or Valkey server."""

from collections.abc import Mapping
from typing import Any

from kombu import Connection
from kombu.exceptions import KombuError
from redis.exceptions import NoPermissionError, OutOfMemoryError, RedisError

from ostinato.settings.broker import BrokerSettings


class RedisSending:
    """How it is sent to; see `ostinato.publishing.kinds`."""

    errors = (KombuError, RedisError, OSError)

    def configuration(self, settings: BrokerSettings, bounds: Mapping[str, float]) -> dict[str, Any]:
        """Celery's settings for this broker."""
        return {
            "broker_url": settings.broker_address,
            "broker_transport_options": {**bounds, "global_keyprefix": settings.broker_prefix},
        }

    def options(self, queue: str, bounds: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - as the protocol has it
        """Options of a task for this queue."""
        return {"queue": queue}

    def run(self, connection: Connection) -> str | None:
        """Which run of the server's process a connection leads to."""
        try:
            client = getattr(connection.default_channel, "client", None)
            return None if client is None else str(client.info("server")["run_id"])
        except NoPermissionError:
            return None

    def reason(self, error: Exception) -> str | None:
        """What is to be done about an error, where it is known."""
        if isinstance(error, OutOfMemoryError) or isinstance(error.__cause__, OutOfMemoryError):
            return (
                "The broker's memory is full: send it again when the worker has made room, or raise the broker's "
                "maxmemory."
            )
        return None

    def was_cut(self, error: Exception) -> bool:  # noqa: ARG002 - as the protocol has it
        """Whether a connection was found to be cut; redis-py makes a new one by itself."""
        return False

    def drop(self, connection: Connection) -> None:
        """Nothing: an answer that is late is not taken for another's."""

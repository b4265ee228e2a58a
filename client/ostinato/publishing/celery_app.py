"""A Celery application that goes by its own settings alone, in whatever process and environment it is."""

from typing import Any

from celery import Celery
from celery.loaders.app import AppLoader
from kombu import Connection
from typing_extensions import override


class _Loader(AppLoader):
    @override
    def read_configuration(self, env: str = "") -> dict[str, Any]:
        # Of the module that the environment names nothing is ours.
        return {}


class OwnCelery(Celery):
    """Its broker is the one it is configured with, and it keeps no results.

    Celery itself puts first what CELERY_BROKER_URL, CELERY_RESULT_BACKEND and CELERY_CONFIG_MODULE say in the
    environment. They are for other applications on the machine, or in the producer's process, whose broker never gets
    our messages.
    """

    backend_cls = "disabled"

    def __init__(self, name: str) -> None:
        super().__init__(name, set_as_current=False, loader=_Loader)

    @property
    def broker_address(self) -> str:
        """The URL of the broker, as the configuration has it."""
        # As an attribute it is what the environment says.
        return str(self.conf["broker_url"])

    @override
    def connection_for_read(self, url: str | None = None, **kwargs: Any) -> Connection:
        return super().connection_for_read(url or self.broker_address, **kwargs)

    @override
    def connection_for_write(self, url: str | None = None, **kwargs: Any) -> Connection:
        return super().connection_for_write(url or self.broker_address, **kwargs)

"""What `celery -A worker` finds: the application, put together from the environment."""

from ostinato.errors import ConfigurationError
from ostinato.settings.environment import read_settings
from worker.app import create_app
from worker.settings import Settings

try:
    app = create_app(read_settings(Settings))
except ConfigurationError as error:
    raise SystemExit(str(error)) from None

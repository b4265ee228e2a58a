"""What `celery -A worker` finds: the application, put together from the environment."""

from store.errors import ConfigurationError
from tasks.broker import read_settings
from worker.app import create_app
from worker.settings import Settings

try:
    app = create_app(read_settings(Settings))
except ConfigurationError as error:
    raise SystemExit(str(error)) from None

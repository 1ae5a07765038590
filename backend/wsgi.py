"""The web process's entry: `gunicorn -c backend/gunicorn.conf.py backend.wsgi:app`."""

from backend.app import create_app
from backend.core import logs
from backend.core.config import Settings

settings = Settings.from_env()
logs.configure(settings.log_level)
app = create_app(settings)

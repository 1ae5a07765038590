"""The web process's entry: `gunicorn -c backend/gunicorn.conf.py backend.wsgi:app`."""

from backend import worker
from backend.app import create_app
from backend.core import clock, jobs, logs
from backend.core.config import Settings

settings = Settings.from_env()
logs.configure(settings.log_level)
clock.shift(settings.clock_offset_s)
jobs.register(worker.TASKS)
app = create_app(settings)

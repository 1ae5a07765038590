"""The product's web application as gunicorn serves it, on the bench's day."""

import os
from datetime import UTC, datetime, timedelta

from backend.core import clock

AHEAD = timedelta(seconds=float(os.environ["BENCH_CLOCK_OFFSET_S"]))
clock.replace(lambda: datetime.now(UTC) + AHEAD)

from backend.wsgi import app  # noqa: E402 - it must not see another day

__all__ = ["app"]

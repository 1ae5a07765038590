"""The time of a crash test: Tuesday 24 November 2026, 9:00 in Xiamen, and on from there."""

import os
import time
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
"""The seeded city has slots for that week."""


def now() -> datetime:
    """The same in the test and in every web process, also in one that replaces a killed one."""
    return START + timedelta(seconds=time.time() - float(os.environ["CRASH_BEGAN"]))

"""Workers of their own process, for runs that kill them."""

import os
import random
import signal
from datetime import datetime

from backend.core import clock, crypto, db
from backend.core.config import Settings
from notify.jobs import channels_of, dispatch


def send_and_die(settings: Settings, seed: int, at: datetime) -> None:
    """Dispatch once at that time; with even odds the process is killed between sending and recording."""
    clock.replace(lambda: at)
    crypto.configure(crypto.Keyring.from_settings(settings))
    db.configure(settings)
    doomed = random.Random(seed).random() < 0.5
    dispatch(channels_of(settings), sent=_killed if doomed else None)


def _killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)

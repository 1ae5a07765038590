"""Proof that a phone is in the hall: a short code on the hall's own screen that changes every five minutes."""

import hashlib
import hmac

from flask import current_app

from backend.core import clock
from backend.core.errors import Conflict, Text

STEP_S = 300
LENGTH = 8


class NotInHall(Conflict):
    """The code on the hall's screen is missing or old; a remote ticket would push back people who came."""

    code = "not_in_hall"
    title = Text("请到大厅扫屏幕上的二维码取号", "Scan the code on the hall's screen to take a number")


def code_at(hall_code: str, step: int) -> str:
    """The code of one five-minute step."""
    secret = current_app.extensions["settings"].secret_key.encode()
    return hmac.new(secret, f"place:{hall_code}:{step}".encode(), hashlib.sha256).hexdigest()[:LENGTH]


def current_step() -> int:
    """The step of this moment."""
    return int(clock.now().timestamp()) // STEP_S


def refuse_elsewhere(hall_code: str, shown: str) -> None:
    """Accept the code of this step and the one before. Raises NotInHall."""
    step = current_step()
    if not any(hmac.compare_digest(code_at(hall_code, one).encode(), shown.encode()) for one in (step, step - 1)):
        raise NotInHall()

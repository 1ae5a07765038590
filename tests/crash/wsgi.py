"""The product's own web entry at the time of the crash test."""

from backend.core import clock
from backend.wsgi import app
from tests.crash import shifted_clock

clock.replace(shifted_clock.now)

__all__ = ["app"]

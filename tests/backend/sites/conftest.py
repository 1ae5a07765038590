"""Sites are tested on the seeded city."""

from tests.backend.queueing.conftest import app, settings

__all__ = ["app", "settings"]

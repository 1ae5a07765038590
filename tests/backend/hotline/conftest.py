"""The seeded city and the hotline on the wire."""

from tests.backend.licences.conftest import app, provider, settings

__all__ = ["app", "provider", "settings"]

"""Reports are tested on the seeded city."""

import pytest
from flask import Flask

from backend.app import create_app
from backend.core.config import Settings


@pytest.fixture(scope="session")
def settings(seeded_settings: Settings) -> Settings:
    return seeded_settings


@pytest.fixture(scope="session")
def app(seeded_settings: Settings) -> Flask:
    return create_app(seeded_settings, connect=False)

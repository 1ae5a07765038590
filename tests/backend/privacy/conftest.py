"""One citizen with something in every feature, a folder of their own, and a memory of everything that was sealed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from backend.app import create_app
from backend.core import crypto
from backend.core.config import Settings, parse_keys
from backend.files import storage
from tests.backend.privacy.life import Life, Sealed
from tests.conftest import Clock


@pytest.fixture(scope="session")
def settings(seeded_settings: Settings) -> Settings:
    return seeded_settings


@pytest.fixture(scope="session")
def app(seeded_settings: Settings) -> Flask:
    return create_app(seeded_settings, connect=False)


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    before = storage._storage
    storage.configure(storage.DiskStorage(tmp_path, parse_keys("FIELD_KEYS", settings.field_keys)))
    yield tmp_path
    storage._storage = before


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch) -> Sealed:
    """What every sealed value and blind index of this test says."""
    memory = Sealed()
    monkeypatch.setattr(crypto, "seal", memory.watching(crypto.seal))
    monkeypatch.setattr(crypto, "blind_index", memory.watching(crypto.blind_index))
    return memory


@pytest.fixture
def life(session: Session, client: FlaskClient, clock: Clock, folder: Path, sealed: Sealed) -> Life:
    return Life(session, client, clock)

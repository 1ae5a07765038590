"""The seed of Xiamen, and small items built by hand."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from backend.app import create_app
from backend.catalogue import snapshot
from backend.catalogue.values import BookableItem, Category, Item, Mail, Material
from backend.core.config import Settings
from backend.core.errors import Text


@pytest.fixture(scope="session")
def settings(seeded_settings: Settings) -> Settings:
    return seeded_settings


@pytest.fixture(scope="session")
def app(seeded_settings: Settings) -> Flask:
    return create_app(seeded_settings, connect=False)


@pytest.fixture
def seed(isolated: None) -> Iterator[None]:
    """The seeded city, read anew."""
    snapshot.forget()
    yield
    snapshot.forget()


@pytest.fixture
def catalogue(seed: None, session: Session) -> snapshot.Snapshot:
    """The snapshot of the seed."""
    return snapshot.current(session)


@pytest.fixture
def public(seed: None, client: FlaskClient) -> FlaskClient:
    """A browser without a session in front of the seeded catalogue."""
    return client


BOOKING = BookableItem(
    slug="passport",
    code="113502990000000199" + "0000000000001",
    name_zh="护照",
    name_en="Passport",
    category_code="exit-entry",
    family="passport",
    minutes=15,
    extra_minutes=10,
    max_items=3,
    max_people=4,
    level=1,
    hall_codes=("XM",),
)
MATERIAL = Material(
    id="passport.photo",
    name=Text("照片", "Photo"),
    source="applicant",
    original=1,
    copies=0,
    exempt=False,
    note=None,
    wording_document=None,
)
ITEM = Item(
    slug="passport",
    code=BOOKING.code,
    name=Text("护照", "Passport"),
    summary=Text("办护照", "Get a passport"),
    aliases=(),
    category=Category("exit-entry", "E", Text("出入境", "Exit and entry"), walk_in_only=False),
    department=Text("公安局", "Police"),
    popularity=1,
    object="person",
    kind="licence",
    instant=False,
    law_days=20,
    promise_days=7,
    visits=1,
    visits_reason=Text("要拍照", "A photo is taken"),
    depth=3,
    handle_area="city",
    self_service=False,
    partners=(),
    mail=Mail(inward=False, outward=True, payer="applicant"),
    online_url=None,
    free=True,
    conditions=(),
    steps=(),
    materials=(MATERIAL,),
    fees=(),
    booking=BOOKING,
    consult_phone="12345",
    verified=False,
    updated_at=datetime(2026, 11, 24, tzinfo=UTC),
)

MakeItem = Callable[..., Item]


@pytest.fixture
def make_item() -> MakeItem:
    """An item without fault; a test changes only what it is about. `booking` takes changed fields."""

    def make(*, booking: dict[str, Any] | None = None, **changes: Any) -> Item:
        item = replace(ITEM, **changes)
        return replace(item, booking=replace(item.booking, **(booking or {})))

    return make


@pytest.fixture
def make_material() -> Callable[..., Material]:
    """A material without fault."""
    return lambda **changes: replace(MATERIAL, **changes)

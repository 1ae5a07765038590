"""Links from other apps: to the right page, logged in from i厦门, never to a stranger's address, and counted."""

from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from backend.app import create_app
from backend.core import clock as business
from backend.core.config import Settings
from backend.identity import journeys
from backend.links import targets
from tests.backend import staff
from tests.backend.conftest import Citizen
from tests.conftest import Clock

ITEM, ID = "passport-renewal", "0197b9f0-0000-7000-8000-000000000001"


@pytest.fixture(scope="session")
def settings(seeded_settings: Settings) -> Settings:
    return seeded_settings


@pytest.fixture(scope="session")
def app(seeded_settings: Settings) -> Flask:
    return create_app(seeded_settings, connect=False)


def opened(client: FlaskClient, path: str, **headers: str) -> str:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 302
    found: str = answer.headers["Location"]
    return found


NAMES = {"item": ITEM, "file": ITEM, "book": ITEM, "hall": "XM", "list": "zero-trip"}


@pytest.mark.parametrize("kind", targets.TARGETS)
def test_each_kind_opens_its_page(client: FlaskClient, session: Session, kind: str) -> None:
    name = NAMES.get(kind, ID)
    address = opened(client, f"/go/{kind}/{name}?from=mzt")
    assert address == targets.TARGETS[kind].address.format(name)
    assert journeys.local_path(address) == address


def test_from_ixiamen_the_login_is_on_the_way_and_leads_back(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    handed = urlsplit(opened(client, f"/go/file/{ITEM}?from=ixiamen"))
    assert (handed.path, parse_qs(handed.query)) == ("/api/v1/auth/ixiamen", {"return_to": [f"/items/{ITEM}/file"]})
    _, who = citizen()
    assert opened(client, f"/go/file/{ITEM}?from=ixiamen", **who) == f"/items/{ITEM}/file"


@pytest.mark.parametrize(
    "path",
    [
        "/go/item/no-such-item",
        "/go/case/not-a-uuid",
        f"/go/secret/{ITEM}",
        "/go/item/..%2F..%2Fstaff",
        "/go/item/https:%2F%2Fevil.example",
        "/go/hall/%2F%2Fevil.example",
        f"/go/case/{ID}%0d%0aSet-Cookie:x=y",
        f"/go/item/{'a' * 65}",
        "/go/hall/厦门",
    ],
)
def test_what_is_no_link_of_ours_is_explained_and_leads_nowhere(
    client: FlaskClient, session: Session, path: str
) -> None:
    with client.get(f"{path}?from=ixiamen&return_to=https://evil.example&next=//evil.example") as answer:
        # A name with a slash in it is no such address at all: the app's own page says so.
        assert answer.status_code in (200, 404) or answer.headers["Location"] == "/go"
        assert "Set-Cookie" not in answer.headers


def test_openings_are_counted_by_app_and_kind(client: FlaskClient, session: Session, clock: Clock) -> None:
    for path in (
        f"/go/item/{ITEM}?from=ixiamen",
        f"/go/item/{ITEM}?from=ixiamen",
        f"/go/bill/{uuid4()}?from=sms",
        f"/go/item/{ITEM}?from=<script>",
        "/go/item/nothing",
    ):
        opened(client, path)
    today = business.today()
    path = f"/api/v1/staff/link-visits?first={today}&last={today}"
    operator = staff.header(session, "*", "platform_operator")
    counted = client.get(path, headers=operator).json["visits"]
    assert counted == [
        {"source": "ixiamen", "kind": "item", "count": 2},
        {"source": "other", "kind": "item", "count": 1},
        {"source": "other", "kind": "unknown", "count": 1},
        {"source": "sms", "kind": "bill", "count": 1},
    ]
    assert client.get(path, headers=staff.header(session, "XM", "hall_lead")).status_code == 403

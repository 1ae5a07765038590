"""The menu is accepted by WeChat's rules; a poster is one printable page with a code."""

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from backend.catalogue import queries
from backend.core.config import Settings
from backend.core.wechat import WeChat, official_account
from backend.official import poster
from tests.conftest import make_settings
from tests.sandbox_server import RunningSandbox, running_sandbox


@pytest.fixture(scope="session")
def settings(seeded_settings: Settings) -> Settings:
    return seeded_settings


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(make_settings("postgresql://nobody@127.0.0.1/none")) as served:
        yield served


@pytest.fixture
def account(settings: Settings, sandbox: RunningSandbox) -> WeChat:
    own = official_account(sandbox.settings(settings))
    return WeChat(own, lambda stale=None: WeChat(own).stable_token().value)


def test_the_menu_fits(account: WeChat, settings: Settings) -> None:
    account.create_menu(poster.menu(settings.public_url))


def test_a_poster_names_its_hall_and_holds_its_code(account: WeChat, session: Session) -> None:
    address = account.create_scene("hall:XM")
    assert address.endswith("hall:XM")
    hall = queries.hall(session, "XM")
    page = poster.poster(hall, address)
    assert hall.name.zh in page
    assert page.count("<svg") == 1
    assert "A4" in page

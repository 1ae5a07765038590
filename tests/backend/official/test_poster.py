"""The menu is accepted by WeChat's rules; a poster is one printable page with a code."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields

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


def command(settings: Settings, *arguments: str) -> "subprocess.CompletedProcess[str]":
    values = {item.name.upper(): getattr(settings, item.name) for item in fields(Settings)}
    environ = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()}
    return subprocess.run(
        [sys.executable, "-m", "backend.cli", *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_commands_set_the_menu_and_print_a_poster(seeded_database: str, sandbox: RunningSandbox) -> None:
    own = sandbox.settings(make_settings(seeded_database))
    made = command(own, "menu")
    assert (made.returncode, made.stdout) == (0, ""), made.stderr
    assert [button["name"] for button in sandbox.state()["menu"]] == ["办事", "大厅", "帮助"]
    printed = command(own, "poster", "XM")
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.startswith("<!doctype html>")
    assert printed.stdout.count("<svg") == 1
    refused = command(own, "poster", "NOWHERE")
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr

"""The three commands of the Procfile in production, with nothing but documented variables."""

import base64
import os
import secrets
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
import requests
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from backend.core import crypto
from backend.core.config import Settings
from backend.identity import service, sessions
from tests.ports import free_port

ROOT = Path(__file__).parent.parent.parent
COMMANDS = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
INVENTED = {"name": "陈小童", "id_number": "350299201203010043", "relation": "child"}


def key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


@pytest.fixture
def environ(seeded_database: str, tmp_path: Path) -> dict[str, str]:
    """A site's settings; all made up, all named in the README."""
    made = {
        "APP_ENV": "production",
        "DATABASE_URL": seeded_database,
        "PUBLIC_URL": "https://zw.example.cn",
        "SECRET_KEY": secrets.token_urlsafe(32),
        "FIELD_KEYS": f"1:{key()}",
        "INDEX_KEY": key(),
        "PASS_KEYS": f"1:{key()}",
        "PORT": str(free_port()),
        "VAR_DIR": str(tmp_path),
        "WEB_PROCESSES": "1",
        "WECHAT_OFFICIAL_APPID": "wx0123456789abcdef",
        "WECHAT_OFFICIAL_SECRET": secrets.token_hex(16),
        "SMS_BASE": "https://sms.example.cn",
    }
    assert set(made) <= {item.name.upper() for item in fields(Settings)}
    return made


def start(name: str, environ: dict[str, str], log: Path) -> "subprocess.Popen[bytes]":
    path = f"{Path(sys.executable).parent}:{os.defpath}"
    with log.open("wb") as output:
        return subprocess.Popen(
            shlex.split(COMMANDS[name]), cwd=ROOT, env={"PATH": path, **environ}, stdout=output, stderr=output
        )


@pytest.fixture
def site(environ: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """Release, then web and worker; their address. TERM ends both with code 0."""
    release = start("release", environ, tmp_path / "release.log")
    assert release.wait(60) == 0, (tmp_path / "release.log").read_text()
    running = {name: start(name, environ, tmp_path / f"{name}.log") for name in ("web", "worker")}
    yield f"http://127.0.0.1:{environ['PORT']}"
    for process in running.values():
        process.send_signal(signal.SIGTERM)
    codes = {name: process.wait(90) for name, process in running.items()}
    assert codes == {"web": 0, "worker": 0}, (tmp_path / "worker.log").read_text()


def test_production_runs_from_the_procfile_and_refuses_invented_people(site: str, environ: dict[str, str]) -> None:
    deadline = time.monotonic() + 90
    checks: dict[str, str] = {}
    while time.monotonic() < deadline and checks.get("worker") != "ok":
        try:
            checks = requests.get(f"{site}/readyz", timeout=10).json()["checks"]
        except requests.RequestException:
            time.sleep(0.2)
    assert set(checks.values()) <= {"ok", "slow"}, checks
    config = requests.get(f"{site}/api/v1/config", timeout=10)
    assert (config.json()["sandbox"], config.json()["sandbox_url"]) == (False, None)
    assert "max-age" in config.headers["Strict-Transport-Security"]
    token = a_citizen(environ)
    answer = requests.post(
        f"{site}/api/v1/me/family", json=INVENTED, headers={"Authorization": f"Bearer {token}"}, timeout=30
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


def a_citizen(environ: dict[str, str]) -> str:
    """The token of somebody who logged in with a phone number."""
    crypto.configure(crypto.Keyring.from_settings(Settings.from_env(environ)))
    engine = create_engine(environ["DATABASE_URL"])
    try:
        with Session(engine) as session, session.begin():
            person = service.log_in(session, provider="phone", subject="1", current=None, phone="13900000001")
            session.execute(text("UPDATE person SET level = 1"))
            return sessions.start(session, person_id=person).token
    finally:
        engine.dispose()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SANDBOX_URL", "http://127.0.0.1:8001"),
        ("WECHAT_API_BASE", "http://127.0.0.1:8001"),
        ("IXIAMEN_BASE", "http://localhost:8001/ixiamen"),
        ("SMS_BASE", "http://[::1]:8001/sms"),
        ("WECHAT_MINI_APPID", "sandbox-mini"),
        ("PUBLIC_URL", "http://zw.example.cn"),
        ("SECRET_KEY", "short"),
    ],
)
def test_no_process_starts_in_production_with(environ: dict[str, str], tmp_path: Path, name: str, value: str) -> None:
    log = tmp_path / "refused.log"
    assert start("release", {**environ, name: value}, log).wait(60) == 1
    said = log.read_text().strip().splitlines()
    assert len(said) == 1
    assert name in said[0]
    assert value not in said[0]

"""导出: everything about a person, for that person alone, for a week, one at a time."""

import io
import json
import re
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from backend.core import audit
from backend.files import jobs as file_jobs
from backend.privacy import exports, jobs
from backend.privacy.models import PersonalExport
from backend.privacy.parts import PARTS
from backend.privacy.words import LABELS
from tests.backend.applications.people import Filer
from tests.backend.applications.people import filer as new_filer
from tests.backend.privacy.life import CONTENT, FILE_NAME, OPENID, Life

UNSHOWN = {OPENID}
"""A login's subject is WeChat's own number; the page says which logins there are."""


def made(life: Life) -> str:
    answer = life.me.post("/me/exports")
    assert answer.status_code == 202, answer.text
    jobs.make_exports()
    life.session.expire_all()
    return str(answer.json["id"])


def archive(life: Life, export_id: str) -> ZipFile:
    answer = life.me.get(f"/me/exports/{export_id}/content")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "private, no-store"
    return ZipFile(io.BytesIO(answer.data))


def test_everything_is_in_it_in_both_languages(life: Life) -> None:
    life.everything()
    life.records()
    whole = archive(life, made(life))
    data = whole.read("data.json").decode()
    pages = [whole.read(name).decode() for name in ("我的信息.html", "my-data.html")]
    for mark in set(life.marks) - UNSHOWN - {CONTENT, "金丝雀的证照", "金丝雀有事"}:
        assert mark in data, mark
        assert all(mark in page for page in pages), mark
    files = [name for name in whole.namelist() if name.startswith("files/")]
    assert len(files) == 3
    assert all(FILE_NAME in name and whole.read(name).decode() == CONTENT for name in files)
    sections = json.loads(data)["sections"]
    assert {
        "account",
        "cases",
        "applications",
        "visits",
        "tickets",
        "bills",
        "shipments",
        "addresses",
        "messages",
    } <= set(sections)
    assert all(sections[name]["rows"] for name in ("account", "cases", "visits", "bills", "addresses", "hotline"))
    assert "Appointments" in pages[1]
    assert "预约" in pages[0]
    assert not re.findall(r"[\u4e00-\u9fff]", re.sub(r"金丝雀|钱|测试|<td>.*?</td>", "", pages[1]))


def test_every_key_has_words(session: Session, life: Life) -> None:
    life.everything()
    life.records()
    keys = {key for part in PARTS for one in part.gives(session, [life.id]) for row in one.rows for key in row}
    assert keys <= set(LABELS)


def test_it_shows_how_far_it_is_and_is_gone_after_a_week(
    session: Session, life: Life, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = life.me.post("/me/exports").json
    assert (asked["state"], asked["done"], asked["parts"]) == ("making", 0, len(PARTS))
    assert life.me.get(f"/me/exports/{asked['id']}/content").status_code == 409
    jobs.make_exports()
    session.expire_all()
    ready = life.me.get("/me/data").json["export"]
    assert (ready["state"], ready["done"]) == ("ready", len(PARTS))
    assert ready["size"] > 500
    monkeypatch.setattr(file_jobs, "ORPHAN_AGE_S", -1.0)
    file_jobs.sweep_orphans()
    assert archive(life, ready["id"]).testzip() is None, "no orphan of the storage"
    life.clock.advance(days=6, hours=23)
    jobs.make_exports()
    assert archive(life, ready["id"]).namelist()
    life.clock.advance(hours=1)
    assert life.me.get(f"/me/exports/{ready['id']}/content").status_code == 409
    jobs.make_exports()
    session.expire_all()
    assert life.me.get("/me/data").json["export"] is None
    assert not list(folder.glob("??/*"))


def test_another_person_cannot_get_it(session: Session, life: Life) -> None:
    export_id = made(life)
    stranger: Filer = new_filer(session, life.client)
    assert stranger.get(f"/me/exports/{export_id}/content").status_code == 404
    assert life.client.get(f"/api/v1/me/exports/{export_id}/content").status_code == 401
    logged = select(func.count()).where(audit.AuditEvent.action == "person.export_fetched")
    assert session.scalar(logged) == 0
    archive(life, export_id)
    assert session.scalar(logged) == 1


def test_one_at_a_time_and_three_a_day(session: Session, life: Life) -> None:
    first = life.me.post("/me/exports").json["id"]
    assert life.me.post("/me/exports").json["id"] == first
    jobs.make_exports()
    session.expire_all()
    second = life.me.post("/me/exports").json["id"]
    assert second != first
    assert life.me.get(f"/me/exports/{first}/content").status_code == 409, "the newer one takes its place"
    refused = life.me.post("/me/exports")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 3600


def test_a_killed_worker_is_followed_by_another_and_a_hopeless_one_ends(session: Session, life: Life) -> None:
    life.me.post("/me/exports")
    for _ in range(exports.MOST_TRIES):
        claimed = exports.claim(session)
        assert claimed is not None
        assert exports.claim(session) is None, "leased"
        session.commit()
        life.clock.advance(minutes=11)
    assert exports.claim(session) is None
    session.commit()
    session.expire_all()
    assert life.me.get("/me/data").json["export"]["state"] == "failed"
    life.clock.advance(days=1)
    assert archive(life, made(life)).namelist()


def test_a_closing_takes_it_away(session: Session, life: Life, folder: Path) -> None:
    made(life)
    assert life.me.post("/me/erasure", {"understood": True}).status_code == 202
    life.clock.advance(days=7, minutes=1)
    jobs.erase_due()
    life.clock.advance(minutes=6)
    jobs.erase_due()
    jobs.make_exports()
    session.expire_all()
    assert session.scalars(select(PersonalExport.state)).one() == "gone"
    assert not list(folder.glob("??/*"))


def test_nothing_of_it_lies_in_the_database_or_in_clear(session: Session, life: Life, folder: Path) -> None:
    made(life)
    [path] = folder.glob("??/*")
    assert b"data.json" not in path.read_bytes()
    row = str(session.execute(text("SELECT * FROM personal_export")).one())
    assert not any(mark in row for mark in life.marks)
    assert timedelta(days=7) == session.scalar(text("SELECT expires_at - asked_at FROM personal_export"))

"""What finance's staff see and decide over the API."""

import io
import zipfile
from datetime import time
from functools import cached_property
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from payments.reconciliation import api as recon_api
from tests.backend import staff
from tests.payments.test_recon_days import Town, town

__all__ = ["town"]

ROOT = "/api/v1/staff/reconciliation"
DAY = "2026-11-24"


class Browser:
    """A finance clerk's browser; they log in when they first ask something."""

    def __init__(self, client: FlaskClient, session: Session) -> None:
        self.client, self.session = client, session

    @cached_property
    def header(self) -> dict[str, str]:
        return staff.header(self.session, "XM", "finance")

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"{ROOT}/{path}", query_string=query, headers=self.header)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {**self.header, "Idempotency-Key": uuid4().hex}
        return self.client.post(f"{ROOT}/{path}", json=body or {}, headers=headers)


@pytest.fixture
def clerk(client: FlaskClient, session: Session) -> Browser:
    return Browser(client, session)


def differing(town: Town) -> None:
    """Yesterday with two differences that wait for a person."""
    town.paid()
    for _ in range(2):
        town.wechat.dropped.add(town.number(town.paid()))
    town.reconcile(time(11, 31))


def test_a_clerk_works_a_day_off_and_closes_it(town: Town, clerk: Browser) -> None:
    differing(town)
    (day,) = clerk.get("days").json["days"]
    assert (day["day"], day["state"], day["progress"]) == (DAY, "compared", "compared")
    assert day["differences"] == {"open": 2, "carried": 0, "closed": 0}
    assert day["figures"]["differences"] == {"missing_at_channel": 2}
    assert [(book["book"], book["lines"]) for book in day["books"]] == [
        ("alipay", 0),
        ("finance", 3),
        ("wechat_pay", 1),
    ]

    refused = clerk.post("days/close", {"day": DAY})
    assert (refused.status_code, refused.json["code"], refused.json["differences"]) == (409, "day_not_ready", 2)
    first, second = clerk.get("differences", day=DAY).json["differences"]
    assert (first["name"], first["age_days"], first["ours_fen"], first["theirs_fen"]) == (
        "我方已收，渠道没有",
        1,
        12_000,
        None,
    )
    assert (
        clerk.get("differences", day=DAY, lang="en").json["differences"][0]["name"]
        == "In our books, not at the channel"
    )

    taken = clerk.post(f"differences/{first['id']}/assign", {"mine": True}).json
    assert taken["owner"].startswith("staff:")
    assert clerk.post(f"differences/{first['id']}/close", {"reason": "渠道已书面确认"}).json["state"] == "closed"
    assert clerk.post(f"differences/{second['id']}/carry", {"reason": "等渠道补账单"}).json["state"] == "carried"
    assert clerk.post(f"differences/{second['id']}/carry", {"reason": "等渠道补账单"}).status_code == 409
    assert clerk.post(f"differences/{second['id']}/close", {}).status_code == 422
    assert clerk.post("days/close", {"day": DAY}).json == {"day": DAY, "state": "closed"}
    (left,) = clerk.get("differences").json["differences"]
    assert (left["id"], left["state"]) == (second["id"], "carried")
    assert clerk.get("differences", state="closed", day=DAY).json["differences"][0]["ended_by"] == "staff"


def test_a_day_is_run_again_and_a_difference_tried_again(town: Town, clerk: Browser) -> None:
    differing(town)
    answer = clerk.post("days/run-again", {"day": DAY})
    assert (answer.status_code, answer.json["state"]) == (202, "compared")
    assert clerk.get("days").json["days"][0]["progress"] == "comparing"
    assert clerk.post("days/close", {"day": DAY}).status_code == 409, "not while it is being compared"
    town.wechat.dropped.clear()
    town.reconcile()
    assert clerk.get("days").json["days"][0]["differences"] == {"open": 0, "carried": 0, "closed": 2}
    assert clerk.post("days/run-again", {"day": "2026-11-01"}).status_code == 404
    town.wechat.dropped.add(next(iter(town.desk.wechat.orders)))
    clerk.post("days/run-again", {"day": DAY})
    town.reconcile()
    (open_,) = clerk.get("differences").json["differences"]
    assert open_["next_try_at"] is None
    assert clerk.post(f"differences/{open_['id']}/try-again").json["next_try_at"] is not None


def test_the_table_opens_in_a_spreadsheet(town: Town, clerk: Browser) -> None:
    differing(town)
    answer = clerk.get("differences.csv", day=DAY)
    assert answer.headers["Content-Disposition"] == f"attachment; filename=differences-{DAY}.csv"
    text = answer.data.decode("utf-8")
    assert text.startswith("\ufeff日期,差异,状态")
    lines = text.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith(f"{DAY},我方已收，渠道没有,待处理,1,3502 9926 3000")
    assert "Channel" in clerk.get("differences.csv", day=DAY, lang="en").data.decode()
    book = clerk.get("differences.xlsx", day=DAY)
    assert book.headers["Content-Disposition"] == f"attachment; filename=differences-{DAY}.xlsx"
    with zipfile.ZipFile(io.BytesIO(book.data)) as parts:
        words = parts.read("xl/sharedStrings.xml").decode()
        cells = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "渠道" in words
    assert cells.count("<row ") == len(answer.data.decode().strip().splitlines())


def test_differences_come_by_pages(town: Town, clerk: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recon_api, "PAGE", 1)
    differing(town)
    first = clerk.get("differences").json
    second = clerk.get("differences", cursor=first["next_cursor"]).json
    ids = {page["differences"][0]["id"] for page in (first, second)}
    assert len(ids) == 2
    assert second["next_cursor"] is None

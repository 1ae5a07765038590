"""Slips fit 80 mm paper, and say about a number what the desk's receipt says."""

import json

import pytest

from backend.devices import slips
from backend.devices.slips import COLUMNS, wrapped
from tests.backend.devices.kiosks import ADULT
from tests.conftest import ROOT


def width(text: str) -> int:
    return sum(2 if ord(char) > 0x2E7F else 1 for char in text)


@pytest.mark.parametrize("columns", COLUMNS.values())
def test_no_line_is_wider_than_the_paper_and_nothing_is_lost(columns: int) -> None:
    for text in (
        "厦门市湖里区云顶北路行政服务中心出入境业务" * 3,
        "Come between nine and ten and check in " * 4,
        "字" * 24,
    ):
        lines = list(wrapped(text, columns))
        assert max(map(width, lines)) <= columns
        assert "".join("".join(lines).split()) == "".join(text.split())


@pytest.mark.parametrize(("language", "name"), [("zh", "zh"), ("en", "en")])
def test_a_number_is_told_as_at_the_desk(language: str, name: str) -> None:
    desk = json.loads((ROOT / "pwa" / "shared" / f"staff.{name}.json").read_text())
    told = {"ahead": slips.AHEAD, "qr": slips.FOLLOW, "may_return": slips.MAY_RETURN}
    for key, text in told.items():
        assert text.in_language(language) == desk[f"staff.desk.{key}"]


def test_the_code_leads_to_the_live_page(kiosk) -> None:
    held = kiosk().post("/device/tickets", {"category": "exit-entry", "card": ADULT}).json
    assert held["slip"]["qr"] == f"http://127.0.0.1:8000/tickets/{held['ticket']['link']}"
    assert [line["text"] for line in held["slip"]["lines"]][:3] == [
        "厦门市行政服务中心",
        held["ticket"]["number"],
        "出入境业务",
    ]

"""A case and its visit: filed online, checked, booked from the case, scanned and served; and begun the other way."""

import re
from collections.abc import Iterator
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from backend.core.clock import SHANGHAI
from tests.e2e.conftest import NewPlace, look_until, violations
from tests.e2e.journeys import show
from tests.e2e.machines import open_until_the_start
from tests.e2e.morning import Morning, ask, open_at
from tests.e2e.people import DESKTOP, SMALL, People
from tests.e2e.test_casework import UPLOAD, stepped

START = time(9, 10)
ITEM, NAME = "passport-renewal", "普通护照换发、补发"
RENEWAL = {
    "why": "expiring",
    "note": False,
    "phone": "13800000001",
    "address": "测试路 1 号",
    "emergency_name": "李测试",
    "emergency_phone": "13900002222",
}
OTHER = "passport-first"


@pytest.fixture(scope="module")
def morning(new_place: NewPlace) -> Iterator[Morning]:
    """A product whose clock says ten past nine on a workday."""
    with open_at(START, new_place()) as begun:
        yield begun


@pytest.fixture
def people(browser: Browser, morning: Morning) -> Iterator[People]:
    found = People(browser, morning)
    yield found
    found.leave()


def filled(page: Page, application: dict[str, Any]) -> dict[str, Any]:
    """The application of this citizen, filled in and handed in: its case."""
    path = f"/applications/{application['id']}"
    told = {"revision": application["revision"], "answers": RENEWAL, "delivery": "window"}
    kept = ask(page, "PATCH", path, told)
    materials = [one["id"] for one in kept["materials"] if one["required"] and one["how"] == "upload"]
    assert set(page.evaluate(UPLOAD, [application["id"], materials])) <= {"ready"}
    made: dict[str, Any] = ask(page, "POST", f"{path}/submit", {})
    return made


def opened(desk: Page, number: str) -> None:
    desk.goto("/staff/cases")
    desk.get_by_label("办件编号").fill(number)
    desk.get_by_label("办件编号").press("Enter")
    expect(desk.get_by_text(number).first).to_be_visible()


def look(page: Page, shots: Path, name: str, *, staff: bool = False) -> None:
    """Kept to be looked at: small and large, in Chinese, for elders and in English; nothing that axe finds."""
    for words, elder in (("zh", False), ("zh", True), ("en", False)) if not staff else (("zh", False),):
        if not staff:
            show(page, language=words, elder=elder)
        page.wait_for_timeout(300)
        page.screenshot(path=shots / f"visits-{name}-{words}{'-elder' if elder else ''}.png", full_page=True)
        assert violations(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    if not staff:
        show(page, language="zh", elder=False)


def test_filed_checked_booked_scanned_and_served(people: People, morning: Morning, shots: Path) -> None:
    open_until_the_start(people.staff("lead.xm", "/staff/"))
    citizen = people.citizen("zhang", size=SMALL)
    case = filled(citizen, ask(citizen, "POST", "/applications", {"item": ITEM}))
    front = people.staff("window.xm", "/staff/cases")
    opened(front, case["number"])
    stepped(front, "预审通过")
    expect(front.get_by_text("材料已预审").first).to_be_visible()
    front.get_by_text("加扫描页").click()
    look(front, shots, "staff-case", staff=True)

    citizen.goto(f"/cases/{case['id']}")
    expect(citizen.get_by_text("材料已预审")).to_be_visible()
    look(citizen, shots, "case")
    citizen.get_by_role("button", name="预约去大厅交材料").click()
    citizen.wait_for_url("**/hall")
    expect(citizen.get_by_text(f"这次预约是为办件 {case['number']}")).to_be_visible()
    first = citizen.locator("button.hall").first
    expect(first).to_contain_text("办件在这里")
    look(citizen, shots, "hall")
    first.click()
    citizen.wait_for_url("**/date")
    citizen.locator(".days button:enabled").first.click()
    citizen.wait_for_url("**/time")
    citizen.locator(".half button:enabled").first.click()
    citizen.wait_for_url("**/who")
    citizen.get_by_role("button", name="下一步").click()
    citizen.wait_for_url("**/check")
    expect(citizen.get_by_text(case["number"])).to_be_visible()
    citizen.get_by_role("button", name="确认预约").click()
    citizen.wait_for_url("**/done")
    expect(citizen.get_by_text("材料已预审")).to_be_visible()
    citizen.get_by_role("link", name="出示入场码").click()
    expect(citizen.get_by_text("材料已预审").first).to_be_visible()
    code = re.sub(r"\D", "", citizen.locator(".code").inner_text())
    look(citizen, shots, "appointment")
    citizen.goto("/appointments")
    expect(citizen.get_by_text("材料已预审")).to_be_visible()
    look(citizen, shots, "appointments")
    citizen.goto(f"/cases/{case['id']}")
    expect(citizen.get_by_text("已约好去大厅")).to_be_visible()
    look(citizen, shots, "case-booked")

    gate = people.staff("window.xm", "/staff/scan")
    gate.get_by_label("扫不出来？输 8 位数字").fill(code)
    gate.get_by_label("扫不出来？输 8 位数字").press("Enter")
    gate.get_by_role("button", name="核对无误").click()
    scanned = gate.get_by_role("region", name="这次来办的")
    expect(scanned.get_by_text(case["number"])).to_be_visible()
    expect(scanned.get_by_text("材料已预审")).to_be_visible()
    expect(scanned.get_by_text(re.compile("^要看原件"))).to_be_visible()
    look(gate, shots, "scan", staff=True)

    window = people.staff("window.xm", "/staff/window")
    ask(window, "PUT", "/staff/window", {"window": 3, "categories": ["exit-entry"], "take_over": True})
    window.reload()
    window.get_by_role("button", name="叫下一号").click()
    window.get_by_role("button", name="到了").click()
    served = window.get_by_role("region", name="这次来办的")
    expect(served.get_by_text(case["number"])).to_be_visible()
    look(window, shots, "window", staff=True)
    served.get_by_role("link", name="打开办件").click()
    window.wait_for_url(f"**/staff/cases?case={case['id']}")
    stepped(window, "收件")
    window.goto("/staff/window")
    window.get_by_role("button", name="办结").click()
    window.get_by_role("button", name="确认办结").click()
    opened(window, case["number"])
    expect(window.get_by_text("实际跑了 1 次")).to_be_visible()


def test_a_visit_is_booked_first_and_filled_in_then(people: People, shots: Path) -> None:
    citizen = people.citizen("li", size=SMALL)
    citizen.goto(f"/book/{ITEM}/hall")
    citizen.locator("button.hall").first.click()
    citizen.wait_for_url("**/date")
    citizen.locator(".days button:enabled").nth(1).click()
    citizen.wait_for_url("**/time")
    citizen.locator(".half button:enabled").first.click()
    citizen.wait_for_url("**/who")
    citizen.get_by_role("button", name="下一步").click()
    citizen.wait_for_url("**/check")
    citizen.get_by_role("button", name="确认预约").click()
    citizen.wait_for_url("**/done")
    citizen.get_by_role("link", name="出示入场码").click()
    citizen.wait_for_url(re.compile(r"/appointments/[0-9a-f-]+$"))
    visit = citizen.url.rsplit("/", 1)[-1]
    citizen.get_by_role("link", name="先在网上填好材料").click()
    citizen.wait_for_url(re.compile("/file"))
    expect(citizen.get_by_text(re.compile("的预约填"))).to_be_visible()
    look(citizen, shots, "file-for-visit")
    citizen.get_by_role("button", name="开始填").click()
    citizen.wait_for_url(re.compile("/applications/"))
    draft = citizen.url.rsplit("/", 1)[-1]
    citizen.goto(f"/appointments/{visit}")
    expect(citizen.get_by_text("材料没填完")).to_be_visible()
    expect(citizen.get_by_role("link", name="先在网上填好材料")).to_have_count(0)
    look(citizen, shots, "appointment-filling")
    application = citizen.evaluate("async (id) => (await fetch('/api/v1/applications/' + id)).json()", draft)
    case = filled(citizen, application)
    citizen.goto(f"/appointments/{visit}")
    expect(citizen.get_by_text(case["number"])).to_be_visible()


def check_first(people: People) -> None:
    """From now on the item is booked once its papers were looked at: written by one operator, published by another."""
    writer, reader = people.staff("operator", "/staff/items"), people.staff("reviewer", "/staff/items")
    draft = ask(writer, "POST", f"/staff/items/{OTHER}/draft", {})
    path = f"/staff/items/versions/{draft['id']}"
    content = {**draft["content"], "booking": {**draft["content"]["booking"], "pre_check": True}}
    saved = ask(writer, "PUT", path, {"content": content, "revision": draft["revision"]})
    ask(writer, "POST", f"{path}/submission", {"note": "先审后约", "revision": saved["revision"]})
    ask(reader, "POST", f"{path}/publication", {"effective_on": None})


def test_papers_first_or_the_hall_at_once(people: People, shots: Path) -> None:
    check_first(people)
    citizen = people.citizen("wang", size=SMALL)
    notice = citizen.get_by_text("没有预约也能办：直接到大厅取号")
    look_until(citizen, f"/book/{OTHER}/hall", notice)
    look(citizen, shots, "check-first-hall")
    citizen.locator("button.hall").first.click()
    citizen.wait_for_url("**/date")
    citizen.locator(".days button:enabled").nth(1).click()
    citizen.wait_for_url("**/time")
    citizen.locator(".half button:enabled").first.click()
    citizen.wait_for_url("**/who")
    citizen.get_by_role("button", name="下一步").click()
    citizen.wait_for_url("**/check")
    expect(citizen.get_by_text("先不能在网上预约")).to_be_visible()
    expect(citizen.get_by_role("link", name="看大厅怎么去")).to_be_visible()
    look(citizen, shots, "check-first-refused")
    citizen.get_by_role("link", name="在网上交材料").click()
    citizen.wait_for_url(f"**/items/{OTHER}/file")


def test_leads_see_how_far_bookings_come_and_find_their_cases(people: People, morning: Morning, shots: Path) -> None:
    lead = people.staff("lead.xm", "/staff/funnel")
    for label in ("到哪天", "从哪天"):
        lead.get_by_label(label).fill(morning.now().astimezone(SHANGHAI).date().isoformat())
    lead.get_by_role("button", name="看这几天").click()
    expect(lead.get_by_role("region", name="分事项").get_by_text(NAME)).to_be_visible()
    look(lead, shots, "funnel", staff=True)
    lead.set_viewport_size({"width": SMALL[0], "height": SMALL[1]})
    look(lead, shots, "funnel-small", staff=True)
    lead.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    lead.goto("/staff/cases?box=front")
    lead.get_by_label("事项", exact=True).select_option(label=NAME)
    expect(lead.get_by_role("button", name=NAME).first).to_be_visible()
    look(lead, shots, "inbox", staff=True)
    lead.set_viewport_size({"width": SMALL[0], "height": SMALL[1]})
    look(lead, shots, "inbox-small", staff=True)
    lead.get_by_label("编号里的一段").fill("9999999")
    lead.get_by_role("button", name="查找").click()
    expect(lead.get_by_text("没有符合的办件")).to_be_visible()

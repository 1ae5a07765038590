"""Scenarios 1, 2, 4 and 5 of docs/scenarios.md: a morning in the halls of the city and of a district."""

import re
from collections.abc import Iterator
from datetime import datetime, time
from itertools import count
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, Playwright, expect

from backend.core.clock import SHANGHAI
from backend.identity.idnumber import TEST_DIVISION, is_valid
from tests.e2e.camera import seeing, shown_code
from tests.e2e.conftest import NewPlace
from tests.e2e.journeys import show
from tests.e2e.machines import open_until_the_start
from tests.e2e.morning import Morning, ask, open_at
from tests.e2e.people import BROWSER, SMALL, WECHAT
from tests.e2e.story import (
    PATIENCE_MS,
    Story,
    at_window,
    begin,
    book,
    call,
    decide,
    file_at_counter,
    finish,
    mail_home,
    telling,
    travels,
    view,
)

pytestmark = pytest.mark.slow

START = time(10)
ALIPAY = f"{BROWSER} AlipayClient/10.6.0"
PAYERS_CODE = "134567890123456789"
HOUSEHOLD, ID_CARD = "household", "id-card-renewal"
RENEWAL = {
    "why": "expiring",
    "note": False,
    "phone": "13999990002",
    "address": "测试路 2 号",
    "emergency_name": "张测试",
    "emergency_phone": "13999990001",
}
MORTGAGE = {
    "certificate_number": "闽（2026）厦门市不动产权第 0000005 号",
    "property_address": "海沧区测试路 5 号 302",
    "use": "home",
    "shared": False,
    "lender": "测试银行",
    "debt_yuan": 900_000,
    "debt_from": "2026-01-01",
    "debt_to": "2046-01-01",
    "phone": "13999990005",
    "truthful": True,
}
PLACES_LEFT = """
    SELECT sum(quota.capacity - quota.booked - quota.held) FROM slot_quota quota JOIN slot ON slot.id = quota.slot_id
    WHERE slot.hall_code = 'XM' AND slot.category_code = :queue AND slot.day = :day AND slot.start > :now
      AND quota.channel <> 'onsite'
"""
TICKET = "SELECT {} FROM ticket WHERE hall_code = :hall AND prefix || to_char(seq, 'FM000') = :number"


@pytest.fixture(scope="module")
def morning(new_place: NewPlace) -> Iterator[Morning]:
    """A product whose clock says ten on a workday."""
    with open_at(START, new_place()) as begun:
        yield begun


@pytest.fixture
def story(browser: Browser, morning: Morning, shots: Path) -> Iterator[Story]:
    with telling(browser, morning, shots) as begun:
        open_until_the_start(begun.staff("lead.xm", "/staff/password"))
        yield begun


@pytest.fixture
def eyes(playwright: Playwright, tmp_path: Path) -> Iterator[list[Browser]]:
    """Browsers whose camera looks at a phone."""
    opened: list[Browser] = []
    yield opened
    for one in opened:
        one.close()


def scanned(story: Story, eye: Browser) -> str:
    """The number that the entrance gives to the phone which its camera sees."""
    page = story.morning.staff(eye, "gate.xm")
    page.context.grant_permissions(["camera"])
    page.goto("/staff/scan")
    verdict = page.get_by_label("核对结果")
    expect(verdict).to_contain_text("已签到")
    story.look(page, "1-scanned")
    found = re.search(r"[A-Z]\d{3}", verdict.inner_text())
    assert found
    return found[0]


def test_scenario_1_an_elder_books_with_big_text_is_scanned_served_and_rates(
    story: Story, playwright: Playwright, eyes: list[Browser], tmp_path: Path
) -> None:
    phone = story.citizen("wang", size=SMALL)
    show(phone, language="zh", elder=True)
    visit, code = book(phone, "passport-first")
    story.told("wang", code)
    story.look(phone, "1-pass")

    eyes.append(seeing(playwright, tmp_path / "pass.y4m", shown_code(phone.locator("svg.qr"))))
    number = scanned(story, eyes[0])
    phone.goto(visit)
    phone.get_by_role("link", name="看前面还有几个人").tap()
    expect(phone.locator(".slip.waiting .number")).to_have_text(number)
    story.look(phone, "1-waiting")

    window = at_window(story.staff("window.xm", "/staff/password"), 0, "exit-entry")
    call(window, number)
    expect(phone.locator(".slip.called")).to_contain_text("现在去")
    story.look(phone, "1-called")
    begin(window)
    expect(phone.locator(".slip.serving")).to_be_visible()
    finish(window)
    phone.get_by_label("非常满意", exact=True).check()
    story.look(phone, "1-rating")
    phone.get_by_role("button", name="提交评价").tap()
    expect(phone.get_by_text("谢谢你的评价")).to_be_visible()

    phone.goto(visit)
    expect(phone.get_by_text("这件事已经办完")).to_be_visible()
    assert story.fact("SELECT state FROM appointment WHERE code = :code", code=code) == "fulfilled"
    assert story.fact("SELECT grade FROM rating") == 5
    assert view(phone, "/halls/XM/ratings")["satisfied_percent"] == 100
    story.holds()


def invented(serial: int) -> str:
    """The id number of somebody who does not exist, in the division that is not assigned."""
    stem = f"{TEST_DIVISION}19800101{serial:03d}"
    today = datetime.now(SHANGHAI).date()
    return next(stem + check for check in "0123456789X" if is_valid(stem + check, today=today))


def fill_the_day(story: Story, lead: Page) -> None:
    """Somebody has taken every place of today's times that can still be booked."""
    now = story.morning.now()
    body = {"category": HOUSEHOLD, "values": {"same_day_lead_minutes": 0, "close_minutes": 0}, "reason": "当天随到随约"}
    ask(lead, "PUT", "/staff/booking-policy", body)
    day = now.astimezone(SHANGHAI).date().isoformat()
    serials = count()
    for slot in view(lead, f"/staff/slots?category={HOUSEHOLD}&day={day}")["slots"]:
        if datetime.fromisoformat(slot["start"]) <= now:
            continue
        few = {"capacity": 2, "reason": "只开一个窗口"}
        for _ in range(ask(lead, "POST", f"/staff/slots/{slot['id']}/capacity", few)["online"]):
            caller = {"name": "周演示", "id_number": invented(next(serials))}
            wish = {"caller": caller, "slot_id": slot["id"], "items": [ID_CARD]}
            ask(lead, "POST", "/staff/assisted-bookings", wish)


def test_scenario_2_a_walk_in_on_a_full_day_still_gets_a_number_and_is_served(story: Story) -> None:
    lead = story.staff("lead.xm", "/staff/password")
    fill_the_day(story, lead)
    now = story.morning.now()
    left = {"queue": HOUSEHOLD, "day": now.astimezone(SHANGHAI).date(), "now": now}
    assert story.fact(PLACES_LEFT, **left) == 0

    phone = story.citizen("huang", size=SMALL)
    phone.goto(f"/book/{ID_CARD}/hall")
    phone.get_by_role("button", name=re.compile("^厦门市行政服务中心")).tap()
    today = phone.locator(".days button").first
    expect(today).to_contain_text("约满")
    expect(today).to_be_disabled()
    story.look(phone, "2-full")

    desk = story.staff("gate.xm", "/staff/desk")
    phone.goto(f"/halls/XM/take?place={view(desk, '/staff/place-code')['code']}&queue={HOUSEHOLD}")
    phone.get_by_role("button", name="取号", exact=True).tap()
    expect(phone.locator(".slip.waiting")).to_be_visible()
    by_phone = phone.locator(".slip .number").inner_text()
    story.look(phone, "2-number")
    desk.get_by_role("button", name=re.compile("户政")).click()
    desk.get_by_text("不登记").click()
    desk.get_by_role("button", name="取号", exact=True).click()
    given = desk.get_by_role("region", name="取号成功")
    expect(given).to_be_visible()
    story.look(desk, "2-desk")
    at_desk = given.locator(".number").inner_text()

    window = at_window(lead, 1, HOUSEHOLD)
    for number, source in ((by_phone, "phone"), (at_desk, "desk")):
        call(window, number)
        begin(window)
        finish(window)
        assert story.fact(TICKET.format("source || ' ' || state"), hall="XM", number=number) == f"{source} done"
    expect(phone.locator(".slip.done")).to_be_visible()
    assert story.fact(PLACES_LEFT, **left) == 0
    story.holds()


def identified(gate: Page, code: str) -> str:
    """The number of somebody whose eight digits are typed and whose id card is compared."""
    arrival = ask(gate, "POST", "/staff/check-ins", {"code": code, "identity_checked": True})
    assert arrival["accepted"], arrival
    number: str = arrival["ticket"]["number"]
    return number


def charge(story: Story, desk: Page, pay_code: str) -> None:
    """The clerk scans the payment code on the payer's phone, who types the password."""
    desk.goto("/staff/collect")
    desk.get_by_label("缴款码").fill(pay_code)
    desk.keyboard.press("Enter")
    expect(desk.locator(".bill .yuan")).to_have_text("¥120.00")
    story.sandbox("PUT", "/nontax-operator", {"typing": 1})
    desk.locator("#payers-code").press_sequentially(PAYERS_CODE)
    expect(desk.get_by_text(re.compile("正在扣款|正在输密码"))).to_be_visible()
    (order,) = story.sandbox("PUT", "/nontax-operator", {})["orders"]
    paid = f"{story.morning.product.sandbox}/nontax-pay/{order['order_id']}"
    assert requests.post(paid, data={"decision": "pay"}, timeout=5).ok
    expect(desk.get_by_text("收到了")).to_be_visible(timeout=PATIENCE_MS)
    story.look(desk, "4-collected")


def test_scenario_4_a_passport_is_renewed_paid_at_the_window_and_mailed_home(story: Story) -> None:
    phone = story.citizen("li", WECHAT, SMALL)
    _, code = book(phone, "passport-renewal")
    number = identified(story.staff("gate.xm", "/staff/password"), code)
    window = at_window(story.staff("window.xm", "/staff/password"), 0, "exit-entry")
    call(window, number)
    begin(window)

    counter = story.staff("window.xm", "/staff/password")
    case = file_at_counter(counter, "passport-renewal", "li", RENEWAL)
    pay_code = story.fact("SELECT pay_code FROM bill WHERE subject_id = :case", case=case)
    charge(story, counter, pay_code)
    finish(window)
    story.becomes("paid", "SELECT fee_state FROM service_case WHERE id = :case", case=case)

    decide(story, case, "厦公出入〔2026〕4号")
    phone.goto(f"/cases/{case}")
    expect(phone.locator(".headline")).to_have_text("已办结")
    story.look(phone, "4-granted")
    order = mail_home(phone, case)
    assert order.startswith("/bills/"), "postage is a bill of its own"
    phone.get_by_role("button", name="微信支付").first.tap()
    expect(phone.get_by_text("缴费成功")).to_be_visible(timeout=PATIENCE_MS)
    waybill = "SELECT waybill FROM shipment WHERE subject_id = :case"
    story.becomes(True, f"SELECT ({waybill}) IS NOT NULL", case=case)
    travels(story, story.fact(waybill, case=case), "in_person")
    story.becomes("delivered", "SELECT state FROM service_case WHERE id = :case", case=case)
    phone.goto(f"/cases/{case}")
    expect(phone.locator(".headline")).to_have_text("已送达")
    story.look(phone, "4-delivered")
    fees = "SELECT sum(total_fen) FROM bill WHERE subject_id = :case AND notice_type = 'ordinary'"
    assert story.fact(fees, case=case) == 12_000
    story.holds()


def test_scenario_5_a_mortgage_is_registered_in_another_district_and_paid_with_alipay(story: Story) -> None:
    """The home lies in 海沧; 林演示 comes to 思明, and opens the notice's code with Alipay."""
    gate = story.staff("gate.sm", "/staff/password")
    card = {"category": "real-estate", "items": ["mortgage-registration"], "id_number": "350299198811110051"}
    number = ask(gate, "POST", "/staff/tickets", card)["number"]
    window = at_window(story.staff("window.sm", "/staff/password"), 0, "real-estate")
    call(window, number)
    begin(window)
    counter = story.staff("window.sm", "/staff/password")
    case = file_at_counter(counter, "mortgage-registration", "lin", MORTGAGE)
    assert view(counter, f"/staff/cases/{case}")["state"] == "awaiting_fee"
    pay_code = story.fact("SELECT pay_code FROM bill WHERE subject_id = :case", case=case)
    counter.goto(f"/staff/collect?code={pay_code}")
    expect(counter.get_by_role("img", name="缴费单的二维码")).to_be_visible()
    story.look(counter, "5-notice")

    phone = story.visitor(ALIPAY)
    phone.goto(f"/bills/find?code={pay_code}")
    phone.get_by_role("link", name="去登录").tap()
    phone.get_by_role("link", name="用支付宝登录").tap()
    phone.get_by_label("林演示").check()
    phone.get_by_role("button", name="同意").click()
    phone.wait_for_url("**/bills/find?code=*")
    phone.get_by_label("缴款人姓名").fill("林演示")
    phone.get_by_role("button", name="查找").tap()
    expect(phone.locator(".sum .yuan")).to_contain_text("80.00")
    expect(phone.get_by_role("button", name="微信支付")).to_have_count(0)
    story.look(phone, "5-bill")
    phone.get_by_role("button", name="支付宝支付").tap()
    phone.get_by_role("button", name="确认付款").click()
    phone.wait_for_url(re.compile("/result$"))
    expect(phone.get_by_text("缴费成功")).to_be_visible(timeout=PATIENCE_MS)
    story.look(phone, "5-paid")

    story.becomes("accepted", "SELECT state FROM service_case WHERE id = :case", case=case)
    finish(window)
    assert story.fact("SELECT paid_via FROM bill WHERE subject_id = :case", case=case) == "alipay"
    assert story.fact("SELECT hall_code FROM service_case WHERE id = :case", case=case) == "SM"
    assert story.fact(TICKET.format("state"), hall="SM", number=number) == "done"
    story.holds()

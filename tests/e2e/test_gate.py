"""The entrance on a workday before nine: staff sign in, a camera sees the citizen's code, every verdict is shown."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Route, expect

from tests.e2e.camera import Matrix, seeing, shown_code
from tests.e2e.conftest import NewPlace, violations
from tests.e2e.journeys import ITEM, log_in_through_wechat
from tests.e2e.morning import Morning, open_at

pytestmark = pytest.mark.slow

START = time(8, 58)
CHECK_IN_FROM = time(9, 0)  # the first bookable time is 09:30, and its doors open half an hour earlier
WECHAT = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130 Mobile Safari/537.36 MicroMessenger/8.0.50"

Say = dict[str, Any]


@pytest.fixture(scope="module")
def morning(new_place: NewPlace) -> Iterator[Morning]:
    """A product whose clock says 08:58 on a workday."""
    with open_at(START, new_place()) as begun:
        yield begun


class Visit:
    """A citizen with a booking for today."""

    def __init__(self, page: Page, code: str) -> None:
        self.page = page
        self.code = code

    def shows(self) -> Matrix:
        """The code on the citizen's phone at this moment."""
        return shown_code(self.page.locator("svg.qr"))


BOOKED = {"zhang": "09:30", "lin": "09:30", "wu": "09:30", "li": "10:00", "huang": "11:00"}
"""Today's bookings in the city hall. All are made before nine, while 09:30 is still half an hour away."""


@pytest.fixture(scope="module")
def visits(browser: Browser, morning: Morning) -> Iterator[dict[str, Visit]]:
    """Each booked citizen with the pass open."""
    made: dict[str, Visit] = {}
    for person, at in BOOKED.items():
        context = browser.new_context(
            base_url=morning.product.url, viewport={"width": 390, "height": 844}, locale="zh-CN"
        )
        context.set_default_timeout(20_000)
        made[person] = _book(context.new_page(), person, at)
    yield made
    for visit in made.values():
        visit.page.context.close()


def _book(page: Page, person: str, at: str) -> Visit:
    log_in_through_wechat(page, person, "/me")
    page.goto(f"/book/{ITEM}/hall")
    page.get_by_role("button", name=re.compile("^厦门市行政服务中心")).click()
    page.wait_for_url("**/date")
    page.locator("main").get_by_role("button").filter(has_text="余").first.click()
    page.wait_for_url("**/time")
    page.locator("main").get_by_role("button").filter(has_text=at).click()
    page.wait_for_url("**/who")
    page.get_by_role("button", name="下一步").click()
    page.wait_for_url("**/check")
    page.get_by_role("button", name="确认").first.click()
    page.wait_for_url("**/done")
    found = re.search(r"\d{4} \d{4}", page.locator("main").inner_text())
    assert found
    page.goto(re.sub("/done$", "", page.url))
    expect(page.locator("svg.qr")).to_be_visible()
    return Visit(page, found[0].replace(" ", ""))


Gate = Callable[[Matrix | None], Browser]


@pytest.fixture
def gate(playwright: Playwright, tmp_path: Path) -> Iterator[Gate]:
    """A Chromium whose camera sees this code: one browser for each film."""
    opened: list[Browser] = []

    def make(code: Matrix | None) -> Browser:
        opened.append(seeing(playwright, tmp_path / f"camera-{len(opened)}.y4m", code))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


LISTEN = """() => {
  window.heard = []
  const start = OscillatorNode.prototype.start
  OscillatorNode.prototype.start = function (...when) {
    window.heard.push(this.frequency.value)
    return start.apply(this, when)
  }
}"""


def scan_page(morning: Morning, browser: Browser, username: str = "gate.xm", **more: Any) -> Page:
    page = morning.staff(browser, username, **more)
    page.context.grant_permissions(["camera"])
    page.add_init_script(f"({LISTEN})()")
    page.goto("/staff/scan")
    return page


def verdict(page: Page) -> Any:
    return page.get_by_label("核对结果")


def type_code(page: Page, code: str) -> None:
    """As a hardware scanner does: no field is chosen before."""
    page.locator("h1").click()
    page.keyboard.type(code)
    page.keyboard.press("Enter")


WHO = {
    "id": "0192f0c0-0000-7000-8000-000000000001",
    "name_masked": "欧阳**",
    "id_tail": "0010",
    "items": ["普通护照首次申请", "往来港澳通行证和签注"],
    "slot": {"start": "2026-11-26T01:30:00Z", "end": "2026-11-26T02:00:00Z"},
    "check_in_from": "2026-11-26T01:00:00Z",
    "people": 3,
}
NOBODY: Say = {
    "accepted": False,
    "check_in_id": None,
    "undo_until": None,
    "used_at": None,
    "correct_hall": None,
    "appointment": None,
    "ticket": None,
    "server_time": "2026-11-26T01:05:00Z",
}
ADMITTED: Say = {
    **NOBODY,
    "accepted": True,
    "appointment": WHO,
    "check_in_id": "0192f0c0-0000-7000-8000-000000000002",
    "undo_until": "2026-11-26T01:05:10Z",
    "ticket": {"id": "0192f0c0-0000-7000-8000-000000000003", "number": "A012"},
}
VERDICTS: dict[str, Say] = {
    "on_time": ADMITTED,
    "late": ADMITTED,
    "early": {**NOBODY, "appointment": WHO},
    "wrong_hall": {
        **NOBODY,
        "appointment": WHO,
        "correct_hall": {"code": "XM-CRJ1", "name": "出入境接待大厅（镇海路）"},
    },
    "wrong_day": {**NOBODY, "appointment": WHO},
    "already_used": {**NOBODY, "appointment": WHO, "used_at": "2026-11-26T01:02:00Z"},
    "cancelled": {**NOBODY, "appointment": WHO},
    "forged": NOBODY,
    "unknown": NOBODY,
    "check_identity": {**NOBODY, "appointment": WHO},
}


@pytest.fixture(scope="module")
def watched(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium whose camera sees nothing."""
    opened = seeing(playwright, tmp_path_factory.mktemp("film") / "blank.y4m", None)
    yield opened
    opened.close()


def _look(page: Page, shots: Path, name: str) -> None:
    page.screenshot(path=shots / f"staff-{name}.png")
    assert violations(page) == [], name
    wide = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{name} is {wide} px too wide"


@pytest.mark.parametrize("size", [(360, 640), (1366, 768)])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_staff_page_is_accessible_and_fits(
    morning: Morning, visits: dict[str, Visit], watched: Browser, shots: Path, language: str, size: tuple[int, int]
) -> None:
    page = morning.staff(watched, "lead.xm", *size)
    page.context.grant_permissions(["camera"])
    page.add_init_script(f"localStorage.setItem('prefs', '{json.dumps({'lang': language, 'elder': False})}')")
    crashes: list[str] = []
    page.on("pageerror", lambda error: crashes.append(str(error)))
    mark = f"{language}-{size[0]}"
    halls = [{"code": "SM", "name": "思明区政务服务中心"}, {"code": "XM", "name": "厦门市行政服务中心"}]
    page.route("**/staff/halls", lambda route: route.fulfill(json={"halls": halls, "current": "XM"}))
    for path in ("login", "", "hall", "appeals"):
        page.goto(f"/staff/{path}")
        page.wait_for_load_state("networkidle")
        _look(page, shots, f"{mark}-{path or 'console'}")
    said: list[str] = []
    page.route("**/staff/check-ins", lambda route: route.fulfill(json={"verdict": said[-1], **VERDICTS[said[-1]]}))
    page.goto("/staff/scan")
    page.wait_for_load_state("networkidle")
    _look(page, shots, f"{mark}-scan")
    for name in VERDICTS:
        said.append(name)
        type_code(page, "12345678")
        expect(page.locator(".verdict.shown")).to_be_visible()
        page.wait_for_timeout(100)
        _look(page, shots, f"{mark}-{name}")
        page.keyboard.press("Escape")
        expect(page.locator(".verdict.shown")).to_be_hidden()
    assert crashes == []
    context: BrowserContext = page.context
    context.close()


def test_a_wrong_hall_says_which_is_right(morning: Morning, visits: dict[str, Visit], gate: Gate, shots: Path) -> None:
    code = visits["li"].shows()
    page = scan_page(morning, gate(code), "gate.sm", width=360, height=640)
    expect(verdict(page)).to_contain_text("走错大厅")
    expect(verdict(page)).to_contain_text("他约的是厦门市行政服务中心")
    page.screenshot(path=shots / "staff-camera-wrong-hall.png")


def test_an_early_visitor_hears_from_when(morning: Morning, visits: dict[str, Visit], gate: Gate) -> None:
    page = scan_page(morning, gate(visits["huang"].shows()))
    expect(verdict(page)).to_contain_text("来早了")
    expect(verdict(page)).to_contain_text("10:30 起可以签到")


def test_a_code_is_scanned_once_undone_and_used_up(
    morning: Morning, visits: dict[str, Visit], gate: Gate, shots: Path
) -> None:
    visit = visits["zhang"]
    morning.wait_until(visit.page, CHECK_IN_FROM)
    visit.page.reload()
    page = scan_page(morning, gate(visit.shows()))
    expect(verdict(page)).to_contain_text("已签到")
    first = re.search(r"[A-Z]\d{3}", verdict(page).inner_text())
    assert first
    expect(verdict(page)).to_contain_text("张*")
    page.screenshot(path=shots / "staff-camera-on-time.png")
    page.get_by_role("button", name="撤销").click()
    expect(page.get_by_text(f"已撤销 {first[0]}")).to_be_visible()
    page.wait_for_timeout(2000)  # the code is still in view: it must not be taken again by itself
    expect(page.get_by_text(f"已撤销 {first[0]}")).to_be_visible()

    page.reload()
    expect(verdict(page)).to_contain_text("已签到")
    second = re.search(r"[A-Z]\d{3}", verdict(page).inner_text())
    assert second
    assert second[0] != first[0]
    page.locator("h1").click()
    page.reload()
    expect(verdict(page)).to_contain_text("已使用")
    expect(verdict(page)).to_contain_text(re.compile(r"09:\d\d 已经签到"))
    page.keyboard.press("Escape")
    expect(verdict(page)).not_to_contain_text("已使用")

    heavy: list[str] = []
    page.on("response", lambda answer: heavy.append(answer.url) if answer.url.endswith(".wasm") else None)
    page.route(re.compile("lightScan"), lambda route: route.abort())
    page.reload()
    expect(verdict(page)).to_contain_text("已使用", timeout=30_000)
    assert heavy, "only the heavy decoder was left, and it was not loaded"


def test_digits_ask_for_the_id_card_and_a_lost_answer_is_not_lost(
    morning: Morning, visits: dict[str, Visit], gate: Gate, shots: Path
) -> None:
    code = visits["lin"].code
    page = scan_page(morning, gate(None))
    morning.wait_until(page, CHECK_IN_FROM)
    type_code(page, "0000")
    expect(page.get_by_text("输 8 位数字，或用扫码枪扫入场码")).to_be_visible()
    page.get_by_label("扫不出来").fill("")

    page.context.set_offline(True)
    type_code(page, code)
    expect(page.get_by_text("正在重连")).to_be_visible()
    page.wait_for_timeout(3000)
    page.screenshot(path=shots / "staff-reconnecting.png")
    page.context.set_offline(False)
    expect(verdict(page)).to_contain_text("核对身份证")
    expect(verdict(page)).to_contain_text("林*")
    page.screenshot(path=shots / "staff-check-identity.png")

    keys: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            route.fetch(max_retries=3)
            route.abort()
        else:
            route.continue_()

    page.route("**/staff/check-ins", lose_the_first_answer)
    expect(page.get_by_role("button", name="核对无误")).to_be_focused()
    page.wait_for_timeout(700)
    page.keyboard.press("Enter")
    expect(verdict(page)).to_contain_text("已签到")
    assert len(keys) > 1
    assert len(set(keys)) == 1
    heard = page.evaluate("() => window.heard")
    assert 880 in heard, heard
    assert 660 in heard, heard

    type_code(page, "00000000")
    expect(verdict(page)).to_contain_text("查不到")
    assert 196 in page.evaluate("() => window.heard")


def test_not_matching_checks_nobody_in(morning: Morning, visits: dict[str, Visit], gate: Gate) -> None:
    visit = visits["wu"]
    page = scan_page(morning, gate(None))
    morning.wait_until(page, CHECK_IN_FROM)
    type_code(page, visit.code)
    page.get_by_role("button", name="不符").click()
    expect(page.get_by_text("没有签到")).to_be_visible()
    type_code(page, visit.code)
    expect(verdict(page)).to_contain_text("核对身份证")


def test_a_session_that_ran_out_goes_on_after_signing_in_again(morning: Morning, gate: Gate, shots: Path) -> None:
    page = scan_page(morning, gate(None), "gate.both")
    expect(page.get_by_label("摄像头画面")).to_be_visible()
    page.context.clear_cookies()
    type_code(page, "00000000")
    expect(page.get_by_role("dialog")).to_contain_text("再登录一次")
    expect(page.get_by_label("密码")).to_be_focused()
    page.screenshot(path=shots / "staff-sign-in-again.png")
    assert violations(page) == []
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_contain_text("填密码")
    morning.fill_sign_in(page, "gate.both")
    expect(verdict(page)).to_contain_text("查不到")


def test_inside_wechat_its_own_scanner_is_used(morning: Morning, browser: Browser, gate: Gate) -> None:
    stub = """window.wx = {
      ready(done) { this.done = done }, error() {}, config(given) { window.given = given; setTimeout(this.done) },
      scanQRCode(options) {
        window.wxFails ? options.fail({ errMsg: 'no' }) : options.success({ resultStr: 'QR from a shop' })
      },
    }"""
    page = morning.staff(browser, "gate.xm", 390, 844, user_agent=WECHAT)
    page.route(
        "https://res.wx.qq.com/**", lambda route: route.fulfill(body=stub, content_type="application/javascript")
    )
    page.goto("/staff/scan#top")
    with page.expect_request("**/wechat/jsapi**") as asked:
        page.get_by_role("button", name="用微信扫一扫").click()
    assert "scan%23" not in asked.value.url
    assert "%2Fstaff%2Fscan" in asked.value.url
    expect(verdict(page)).to_contain_text("不是入场码")
    given = page.evaluate("() => window.given")
    assert given["appId"] == "sandbox-official"
    assert re.fullmatch(r"[0-9a-f]{40}", given["signature"])

    page.evaluate("() => { window.wxFails = true }")
    page.get_by_role("button", name="用微信扫一扫").click()
    expect(page.get_by_text(re.compile("摄像头没有放行|找不到摄像头"))).to_be_visible()
    expect(page.get_by_label("扫不出来")).to_be_visible()


def test_the_console_counts_and_says_when_it_is_stale(morning: Morning, browser: Browser, shots: Path) -> None:
    page = morning.staff(browser, "lead.xm")
    page.goto("/staff/")
    expect(page.get_by_role("heading", name="厦门市行政服务中心")).to_be_visible()
    expect(page.get_by_role("link", name="看爽约申诉")).to_be_visible()
    page.screenshot(path=shots / "staff-console-desktop.png")
    page.route("**/staff/today**", lambda route: route.abort())
    expect(page.get_by_text("连不上服务器")).to_be_visible(timeout=40_000)
    page.unroute("**/staff/today**")
    expect(page.get_by_text("连不上服务器")).to_be_hidden(timeout=40_000)


def test_signing_in_keeps_what_was_typed_and_chooses_a_hall(morning: Morning, browser: Browser, shots: Path) -> None:
    page = browser.new_page(base_url=morning.product.url, viewport={"width": 390, "height": 844}, locale="zh-CN")
    page.goto("/staff/appeals")
    page.wait_for_url("**/staff/login?return_to=/staff/appeals")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_contain_text("填账号")
    page.get_by_label("账号").fill("gate.sm")
    page.get_by_label("密码").fill("not the password")
    page.get_by_label("动态码").fill("000000")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_contain_text("账号、密码或动态码不对")
    expect(page.get_by_label("密码")).to_have_value("not the password")
    page.screenshot(path=shots / "staff-login-refused.png")
    morning.fill_sign_in(page, "gate.both")
    page.wait_for_url("**/staff/hall?return_to=**")
    page.screenshot(path=shots / "staff-hall.png")
    page.get_by_role("radio", name="厦门市行政服务中心").check()
    page.get_by_role("button", name="进入").click()
    page.wait_for_url(re.compile("/staff/appeals$"))
    page.get_by_role("button", name="退出").click()
    page.wait_for_url("**/staff/login")
    page.goto("/staff/")
    page.wait_for_url("**/staff/login?return_to=/staff/")
    page.close()


def test_a_lead_hears_an_appeal(morning: Morning, visits: dict[str, Visit], browser: Browser, shots: Path) -> None:
    citizen = visits["li"].page
    citizen.get_by_role("link", name="取消预约").or_(citizen.get_by_role("button", name="取消预约")).first.click()
    citizen.get_by_role("button", name="取消预约").first.click()
    citizen.get_by_role("alertdialog").get_by_role("button", name="取消预约").click()
    expect(citizen.get_by_text("已取消").first).to_be_visible()
    made = citizen.evaluate(
        """async () => {
          const { csrf_token } = await (await fetch('/api/v1/session')).json()
          const { marks } = await (await fetch('/api/v1/me/conduct')).json()
          const headers = {
            'Content-Type': 'application/json', 'X-CSRF-Token': csrf_token, 'Idempotency-Key': crypto.randomUUID(),
          }
          const body = JSON.stringify({ reason: '孩子发烧，半夜去了医院' })
          return (await fetch(`/api/v1/me/conduct/${marks[0].id}/appeal`, { method: 'POST', headers, body })).status
        }"""
    )
    assert made == 201
    page = morning.staff(browser, "lead.xm", 390, 844)
    page.goto("/staff/appeals")
    expect(page.get_by_text("孩子发烧，半夜去了医院")).to_be_visible()
    page.screenshot(path=shots / "staff-appeals-open.png")
    page.get_by_role("button", name="同意，撤掉记录").click()
    expect(page.get_by_role("alert")).to_contain_text("先写答复")
    page.get_by_label("给他的答复").fill("理解，记录已撤掉")
    page.get_by_role("button", name="同意，撤掉记录").click()
    sheet = page.get_by_role("alertdialog")
    expect(sheet).to_contain_text("同意这个申诉")
    page.screenshot(path=shots / "staff-appeals-sure.png")
    sheet.get_by_role("button", name="同意，撤掉记录").click()
    expect(page.get_by_text("已同意李*的申诉")).to_be_visible()
    expect(page.get_by_text("没有要处理的申诉")).to_be_visible()
    page.get_by_role("button", name="已处理").click()
    expect(page.get_by_text("理解，记录已撤掉")).to_be_visible()
    page.screenshot(path=shots / "staff-appeals-decided.png")

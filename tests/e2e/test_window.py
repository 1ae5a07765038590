"""A working morning: reception gives numbers, a clerk calls, serves and misses them. Both pages at both sizes."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from backend.identity.staff import STEP_S, totp
from tests.e2e.conftest import NewPlace, Product, running_product, violations
from tests.e2e.journeys import until_next_workday

START = time(9, 30)
SMALL, LARGE = (360, 640), (1366, 768)
QUEUE = "出入境"
CARD = "350299195506150037"


@pytest.fixture(scope="module")
def offset() -> timedelta:
    return until_next_workday(START)


@pytest.fixture(scope="module")
def morning(new_place: NewPlace, offset: timedelta) -> Iterator[Product]:
    """A product whose clock says half past nine on a workday."""
    settings = {"CLOCK_OFFSET_S": str(int(offset.total_seconds()))}
    with running_product(new_place(), **settings) as product:
        yield product


class Staff:
    """Signs in each account once and opens its pages; script errors are collected."""

    def __init__(self, browser: Browser, product: Product, offset: timedelta) -> None:
        self.browser, self.product, self.offset = browser, product, offset
        self.contexts: dict[str, BrowserContext] = {}
        self.crashes: list[str] = []

    def page(self, username: str, path: str, size: tuple[int, int] = LARGE) -> Page:
        known = username in self.contexts
        if not known:
            self.contexts[username] = self.browser.new_context(
                base_url=self.product.url, locale="zh-CN", service_workers="block"
            )
            self.contexts[username].set_default_timeout(20_000)
        page = self.contexts[username].new_page()
        page.on("pageerror", lambda error: self.crashes.append(str(error)))
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.goto(path)
        if not known:
            password, secret = self.product.login(username)
            page.get_by_label("账号").fill(username)
            page.get_by_label("密码").fill(password)
            step = int((datetime.now(UTC) + self.offset).timestamp()) // STEP_S
            page.get_by_label("动态码").fill(totp(secret, step))
            page.get_by_role("button", name="登录").click()
            page.wait_for_url(f"{self.product.url}{path}")
        return page


@pytest.fixture(scope="module")
def staff(browser: Browser, morning: Product, offset: timedelta) -> Iterator[Staff]:
    made = Staff(browser, morning, offset)
    yield made
    for context in made.contexts.values():
        context.close()
    assert made.crashes == []


def look(page: Page, shots: Path, name: str) -> None:
    """Accessible, no wider than the screen, and with targets a finger can hit, at both sizes."""
    before = page.viewport_size
    for width, height in (SMALL, LARGE):
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=shots / f"{name}-{width}.png")
        assert violations(page) == [], (name, width)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (name, width)
        small = (
            "all => all.map(one => [one.textContent, one.getBoundingClientRect()]).filter(one => one[1].height < 43.5)"
        )
        assert page.locator("main button:visible").evaluate_all(small) == [], (name, width)
    assert before
    page.set_viewport_size(before)


def number_at(page: Page) -> str:
    return page.locator(".now .number").inner_text()


def test_reception_gives_numbers_and_a_clerk_serves_them(staff: Staff, shots: Path) -> None:
    desk = staff.page("gate.xm", "/staff/desk")
    expect(desk.get_by_role("button", name=re.compile(QUEUE))).to_be_visible()
    look(desk, shots, "desk-empty")
    desk.get_by_role("button", name=re.compile(QUEUE)).click()
    give = desk.get_by_role("button", name="取号", exact=True)
    give.click()
    expect(desk.get_by_role("alert")).to_contain_text("填 18 位身份证号")
    desk.get_by_label("身份证号").fill(f"{CARD[:-1]}8")
    give.click()
    expect(desk.get_by_role("alert")).to_contain_text("身份证号不对")
    look(desk, shots, "desk-wrong")
    desk.get_by_label("身份证号").fill(CARD)
    give.click()
    given = desk.get_by_role("region", name="取号成功")
    expect(given).to_contain_text("老人")
    expect(given).to_contain_text("前面 0 人")
    first = given.locator(".number").inner_text()
    look(desk, shots, "desk-given")
    desk.emulate_media(media="print")
    desk.screenshot(path=shots / "desk-print.png")
    receipt = desk.locator(".slip-paper")
    expect(receipt).to_be_visible()
    expect(receipt).to_contain_text("过号可以回来重排")
    expect(desk.locator("#app")).to_be_hidden()
    desk.emulate_media(media="screen")
    desk.get_by_role("button", name="下一位").click()
    desk.get_by_label("身份证号").fill(CARD)
    give.click()
    expect(desk.get_by_role("region", name="他已经有号")).to_contain_text(first)
    desk.get_by_role("button", name="下一位").click()
    desk.get_by_text("不登记").click()
    give.click()
    expect(given).to_be_visible()
    second = given.locator(".number").inner_text()
    assert first != second
    expect(desk.get_by_role("region", name="排队的人").get_by_role("listitem")).to_have_count(2)

    window = staff.page("window.xm", "/staff/window")
    expect(window.get_by_role("heading", name="选窗口")).to_be_visible()
    expect(window.get_by_role("radio").first).to_be_attached()
    look(window, shots, "window-choose")
    window.get_by_role("button", name="上窗").click()
    expect(window.get_by_role("alert")).to_contain_text("先选窗口")
    window.get_by_role("radio").first.check(force=True)
    for box in window.get_by_role("checkbox").all():
        box.set_checked(QUEUE in box.locator("xpath=..").inner_text(), force=True)
    window.get_by_role("button", name=re.compile("^上 .* 号窗口")).click()
    expect(window.get_by_text("窗口空着")).to_be_visible()
    look(window, shots, "window-free")
    window.keyboard.press("n")
    expect(window.locator(".now .number")).to_have_text(first)
    window.get_by_role("button", name="重呼").click()
    expect(window.get_by_text("叫了 2 次")).to_be_visible()
    look(window, shots, "window-called")
    window.keyboard.press("a")
    expect(window.get_by_text("正在办")).to_be_visible()
    look(window, shots, "window-serving")
    window.get_by_role("button", name="转移").click()
    look(window, shots, "window-transfer")
    window.get_by_role("dialog").get_by_role("button", name="转移").click()
    expect(window.get_by_role("dialog")).to_contain_text("写原因")
    window.keyboard.press("Escape")
    window.get_by_role("button", name="加事项").click()
    window.get_by_label("办什么事").select_option(index=1)
    window.get_by_role("dialog").get_by_role("button", name="加事项").click()
    window.get_by_role("button", name="挂起").click()
    window.get_by_role("button", name=f"恢复 {first}").click()
    expect(window.get_by_text("正在办")).to_be_visible()
    window.keyboard.press("f")
    look(window, shots, "window-finish")
    window.get_by_role("button", name="确认办结").click()
    expect(window.get_by_text("今天办结 1 个")).to_be_visible()

    window.keyboard.press("n")
    expect(window.locator(".now .number")).to_have_text(second)
    window.keyboard.press("m")
    expect(window.get_by_role("region", name="过号的")).to_contain_text(second)
    look(window, shots, "window-missed")
    window.get_by_role("button", name=f"重排 {second}").click()
    expect(window.get_by_text("没有过号的")).to_be_visible()
    window.keyboard.press("n")
    expect(window.locator(".now .number")).to_have_text(second)


def test_a_press_survives_three_seconds_without_a_network(staff: Staff) -> None:
    page = staff.page("window.xm", "/staff/window")
    expect(page.locator(".now .number")).to_be_visible()
    number = number_at(page)
    keys: list[str] = []

    def noted(sent: Request) -> None:
        if "recall" in sent.url:
            keys.append(sent.headers.get("idempotency-key", ""))

    page.on("request", noted)
    page.context.set_offline(True)
    page.keyboard.press("r")
    expect(page.get_by_text("网断了，正在重连")).to_be_visible()
    page.wait_for_timeout(3000)
    page.context.set_offline(False)
    expect(page.get_by_text("叫了 2 次")).to_be_visible()
    assert (number_at(page), len(set(keys)), len(keys) > 1) == (number, 1, True)


def test_an_answer_that_was_lost_is_not_a_second_call(staff: Staff) -> None:
    page = staff.page("window.xm", "/staff/window")
    expect(page.get_by_text("叫了 2 次")).to_be_visible()
    lost = []

    def lose(route, request) -> None:
        route.fetch(max_retries=3)
        lost.append(request.url)
        route.abort()

    page.route("**/staff/window/recall", lose, times=1)
    page.keyboard.press("r")
    expect(page.get_by_text("叫了 3 次")).to_be_visible()
    page.wait_for_timeout(1500)
    assert len(lost) == 1
    expect(page.get_by_text("叫了 3 次")).to_be_visible()


def test_a_lead_takes_over_and_calls_out_of_turn(staff: Staff, shots: Path) -> None:
    clerk = staff.page("window.xm", "/staff/window")
    expect(clerk.locator(".now .number")).to_be_visible()
    clerk.keyboard.press("m")
    expect(clerk.get_by_role("button", name="重排").first).to_be_visible()
    clerk.get_by_role("button", name="重排").first.click()
    lead = staff.page("lead.xm", "/staff/desk")
    lead.get_by_role("button", name=re.compile(QUEUE)).click()
    lead.get_by_role("button", name="指定叫号").first.click()
    look(lead, shots, "desk-choose")
    lead.get_by_label("原因").fill("要赶火车")
    lead.get_by_role("dialog").get_by_role("button", name="指定叫号").click()
    expect(lead.get_by_role("alert")).to_contain_text("请先选窗口上岗")
    lead.goto("/staff/window")
    lead.get_by_role("radio").first.check(force=True)
    lead.get_by_role("button", name=re.compile("^上 .* 号窗口")).click()
    expect(lead.get_by_role("alertdialog")).to_contain_text("正坐在这个窗口")
    look(lead, shots, "window-take-over")
    lead.get_by_role("button", name="接班").click()
    expect(lead.get_by_text("窗口空着")).to_be_visible()
    lead.goto("/staff/desk")
    lead.get_by_role("button", name=re.compile(QUEUE)).click()
    lead.get_by_role("button", name="指定叫号").first.click()
    lead.get_by_label("原因").fill("要赶火车")
    lead.get_by_role("dialog").get_by_role("button", name="指定叫号").click()
    expect(lead.locator(".now .number")).to_be_visible()
    lead.keyboard.press("m")
    lead.get_by_role("button", name="暂停").click()
    expect(lead.get_by_role("button", name="恢复叫号")).to_be_visible()
    lead.get_by_role("button", name="English").click()
    expect(lead.get_by_role("button", name="Resume calling")).to_be_visible()
    look(lead, shots, "window-paused-en")
    lead.get_by_role("button", name="Leave").click()
    expect(lead.get_by_role("heading", name="Choose a window")).to_be_visible()
    expect(clerk.get_by_role("heading", name="选窗口")).to_be_visible()


def test_the_pages_are_linked_for_those_who_may(staff: Staff) -> None:
    gate = staff.page("gate.xm", "/staff/")
    nav = gate.get_by_role("navigation", name="工作台栏目")
    expect(nav.get_by_role("link", name="取号")).to_be_visible()
    expect(nav.get_by_role("link", name="窗口")).to_have_count(0)
    clerk = staff.page("window.xm", "/staff/")
    clerk.get_by_role("link", name="上窗叫号").click()
    expect(clerk.get_by_role("heading", name=re.compile("窗口"))).to_be_visible()

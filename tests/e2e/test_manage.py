"""A lead runs the hall from desktop and phone: windows, closed afternoons, clerks, rules, and the trail of it all."""

import re
from collections.abc import Iterator
from datetime import date, time
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from backend.core.clock import SHANGHAI
from backend.identity.staff import STEP_S, totp
from tests.e2e.conftest import NewPlace, violations
from tests.e2e.journeys import book_afternoon, workday_after
from tests.e2e.morning import Morning, open_at

pytestmark = pytest.mark.slow

START = time(9, 30)
DESKTOP, PHONE = (1366, 768), (360, 640)
CODE = re.compile(r"[a-z]+_[a-z_]+|[a-z]+(?:\.[a-z_]+){2,}")
"""What a program calls something, and the key of a text that is missing."""
PAGES = [
    "live",
    "bills",
    "refunds",
    "hours",
    "days",
    "places",
    "rules",
    "devices",
    "tracking",
    "funnel",
    "team",
    "appeals",
    "ratings",
    "reports",
    "report-lists",
    "report-items",
    "figures",
    "audit",
]
OTHERS = ["cases", "case-filing", "shipments", "mail-order", "hand-over", "exceptions"]
"""Pages of the same menu that test_casework and test_express look at."""
QUEUE = "出入境业务"


@pytest.fixture(scope="module")
def morning(new_place: NewPlace) -> Iterator[Morning]:
    """A product whose clock says half past nine on a workday."""
    with open_at(START, new_place()) as begun:
        yield begun


class Desk:
    """Opens pages of staff on the product's clock; script errors are collected."""

    def __init__(self, browser: Browser, morning: Morning) -> None:
        self.browser, self.morning = browser, morning
        self.crashes: list[str] = []
        self.contexts: list[BrowserContext] = []

    def page(self, username: str, path: str, size: tuple[int, int] = DESKTOP) -> Page:
        page = self.morning.staff(self.browser, username, *size)
        self.ready(page)
        page.goto(path)
        return page

    def citizen(self) -> Page:
        context = self.browser.new_context(
            base_url=self.morning.product.url, viewport={"width": 390, "height": 844}, locale="zh-CN"
        )
        page = context.new_page()
        self.ready(page)
        return page

    def ready(self, page: Page) -> None:
        self.contexts.append(page.context)
        page.context.set_default_timeout(20_000)
        ahead = int(self.morning.offset.total_seconds() * 1000)
        page.add_init_script(f"const real = Date.now.bind(Date); Date.now = () => real() + {ahead}")
        page.on("pageerror", lambda error: self.crashes.append(str(error)))


@pytest.fixture(scope="module")
def desk(browser: Browser, morning: Morning) -> Iterator[Desk]:
    made = Desk(browser, morning)
    yield made
    for context in made.contexts:
        context.close()
    assert made.crashes == []


@pytest.fixture(scope="module")
def next_day(morning: Morning) -> date:
    """The workday after the product's today."""
    return workday_after(morning.now().astimezone(SHANGHAI).date())


def look(page: Page, shots: Path, name: str) -> None:
    """Accessible in both languages and at both sizes, in words, no wider than the screen, its targets large enough."""
    for language in ("en", "zh"):
        page.get_by_role("button", name="English" if language == "en" else "中文", exact=True).click()
        expect(page.locator("html")).to_have_attribute("lang", "en" if language == "en" else "zh-CN")
        for width, height in (PHONE, DESKTOP):
            page.set_viewport_size({"width": width, "height": height})
            expect(page.locator("main .bone")).to_have_count(0)
            page.screenshot(path=shots / f"manage-{name}-{language}-{width}.png", full_page=True)
            assert violations(page) == [], (name, language, width)
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (name, language, width)
            heights = (
                "all => all.map(one => [one.textContent, one.getBoundingClientRect().height])"
                ".filter(one => one[1] < 43.5)"
            )
            pressed = page.locator("main button:visible, main a:visible, .side a:visible")
            assert pressed.evaluate_all(heights) == [], (name, language, width)
            assert CODE.findall(page.locator("main").inner_text()) == [], (name, language)


def done(page: Page, words: str) -> None:
    expect(page.locator(".notice.success")).to_contain_text(words)


def choose_queue(page: Page) -> None:
    page.get_by_label("办什么事的窗口").select_option(label=QUEUE)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_accessible_at_both_sizes_in_both_languages(desk: Desk, shots: Path, name: str) -> None:
    page = desk.page("lead.xm", f"/staff/{name}")
    expect(page.locator("h1")).to_be_visible()
    page.wait_for_load_state("networkidle")
    look(page, shots, name)
    page.context.close()


def test_the_menu_leads_to_every_page_by_keyboard_and_on_a_phone(desk: Desk, shots: Path) -> None:
    page = desk.page("lead.xm", "/staff/", PHONE)
    page.get_by_role("link", name="管理").click()
    menu = page.get_by_role("button", name="实况")
    expect(menu).to_have_attribute("aria-expanded", "false")
    menu.press("Enter")
    expect(menu).to_have_attribute("aria-expanded", "true")
    look(page, shots, "menu")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    links = page.get_by_role("navigation", name="大厅管理").get_by_role("link")
    expect(links).to_have_count(len(PAGES) + len(OTHERS))
    links.filter(has_text="开放时间").press("Enter")
    page.wait_for_url("**/staff/hours?*")
    expect(page.locator("h1")).to_be_focused()
    expect(page.get_by_role("button", name="开放时间", exact=False).first).to_have_attribute("aria-expanded", "false")
    page.context.close()


def test_planned_windows_change_after_a_preview_and_go_back(desk: Desk, shots: Path) -> None:
    page = desk.page("lead.xm", "/staff/hours")
    choose_queue(page)
    monday = page.get_by_role("row", name=re.compile("^周一"))
    expect(monday).to_contain_text("2 个窗口，40 个号")
    page.get_by_role("button", name="改开放时间").click()
    page.get_by_role("button", name="先看影响").click()
    expect(page.get_by_role("alert")).to_contain_text("写明原因")
    page.get_by_label("开几个窗口").first.fill("300")
    page.get_by_label("原因").fill("年底高峰")
    page.get_by_role("button", name="先看影响").click()
    expect(page.get_by_role("alert")).to_contain_text("开几个窗口：要在 1 到 200 之间")
    look(page, shots, "hours-wrong")
    page.get_by_label("开几个窗口").first.fill("4")
    page.get_by_label("一共几个号").first.fill("60")
    page.get_by_role("button", name="先看影响").click()
    expect(page.get_by_text("个时段的号数会变")).to_be_visible()
    look(page, shots, "hours-preview")
    expect(monday).not_to_contain_text("4 个窗口")
    page.get_by_role("button", name="就这样改").click()
    done(page, "开放时间改好了")
    # On a Monday its old row stands beside the new one, until the day is over.
    expect(monday.filter(has_text="4 个窗口，60 个号")).to_be_visible()
    history = page.get_by_role("region", name="最近的改动")
    expect(history).to_contain_text("年底高峰")
    look(page, shots, "hours-changed")
    history.get_by_role("button", name="改回去").click()
    page.get_by_role("alertdialog").get_by_role("button", name="改回去").click()
    done(page, "改回去了")
    expect(monday.filter(has_text="4 个窗口")).to_have_count(0)
    monday.get_by_role("button", name=re.compile("停开.*上午")).click()
    page.get_by_label("原因").fill("周一上午学习")
    page.get_by_role("button", name="先看影响").click()
    expect(page.get_by_text("个时段会关掉")).to_be_visible()
    look(page, shots, "hours-end")
    page.locator("form").get_by_role("button", name="停开").click()
    done(page, "停开了")
    expect(monday).to_contain_text("为止")
    page.context.close()


def test_a_closed_afternoon_lists_the_booked_tells_them_and_is_undone(
    desk: Desk, morning: Morning, shots: Path, next_day: date
) -> None:
    book_afternoon(desk.citizen(), "zhang", next_day)
    page = desk.page("lead.xm", "/staff/days")
    expect(page.get_by_text("往后 90 天都照平常开门")).to_be_visible()
    page.get_by_label("日期").fill(next_day.isoformat())
    page.get_by_label("下午", exact=True).check()
    page.get_by_role("button", name="先看影响").click()
    expect(page.get_by_role("alert")).to_contain_text("写明原因")
    page.get_by_label("原因", exact=True).fill("台风")
    page.get_by_role("button", name="先看影响").click()
    expect(page.get_by_text("取消 1 个预约")).to_be_visible()
    affected = page.get_by_role("region", name="会被取消的预约").locator("tbody tr")
    expect(affected).to_have_count(1)
    expect(affected).to_contain_text("14:00")
    look(page, shots, "days-preview")
    page.locator(".ways").get_by_role("button", name="不开门").click()
    sheet = page.get_by_role("alertdialog")
    expect(sheet).to_contain_text("1 个预约会取消")
    page.screenshot(path=shots / "manage-days-confirm.png")
    sheet.get_by_role("button", name="不开门").click()
    done(page, "正在通知 1 个")
    listed = page.get_by_role("region", name="已经设好的").get_by_role("listitem")
    expect(listed).to_contain_text("下午")
    expect(listed).to_contain_text("台风")
    look(page, shots, "days-set")
    morning.product.told("zhang", "台风")
    listed.get_by_role("button", name="改回平常").click()
    page.get_by_role("alertdialog").get_by_role("button", name="改回平常").click()
    done(page, "改回平常了")
    expect(page.get_by_text("往后 90 天都照平常开门")).to_be_visible()
    page.context.close()


def test_one_slot_gets_other_places(desk: Desk, shots: Path, next_day: date) -> None:
    page = desk.page("lead.xm", "/staff/places")
    choose_queue(page)
    page.get_by_label("日期").fill(next_day.isoformat())
    row = page.get_by_role("row", name=re.compile("^15:00–15:30"))
    row.get_by_role("button", name="改").click()
    page.get_by_label("一共几个号").fill("many")
    page.get_by_label("原因").fill("多开一个窗口")
    page.get_by_role("button", name="先看影响").click()
    expect(page.get_by_role("alert")).to_contain_text("填数字")
    page.get_by_label("一共几个号").fill("12")
    page.get_by_role("button", name="先看影响").click()
    expect(page.get_by_text(re.compile(r"网上 \d+ 个，代约 \d+ 个，现场 \d+ 个"))).to_be_visible()
    look(page, shots, "places-preview")
    page.get_by_role("button", name="保存").click()
    done(page, "15:00–15:30 的号改好了")
    expect(row.get_by_role("cell").nth(4)).to_have_text("12")
    page.context.close()


def test_rules_change_are_refused_with_their_range_and_put_back(desk: Desk, shots: Path) -> None:
    page = desk.page("lead.xm", "/staff/rules")
    guard = page.get_by_label("每几个号至少叫一个现场号")
    expect(guard).to_have_value("2")
    guard.fill("9")
    page.get_by_label("原因").fill("预约多")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("alert")).to_contain_text("填 2 到 5 的整数")
    look(page, shots, "rules-wrong")
    guard.fill("3")
    page.get_by_role("button", name="保存").click()
    done(page, "保存好了")
    page.get_by_label("现场等候线（分钟）").fill("5")
    page.get_by_label("原因").fill("试试")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("alert")).to_contain_text("迟到优待不能比现场等候线长")
    page.get_by_role("button", name="不改了").click()
    history = page.get_by_role("region", name="最近的改动")
    expect(history.get_by_role("listitem").first).to_contain_text("预约多")
    look(page, shots, "rules-changed")
    history.get_by_role("button", name="改回去").first.click()
    sheet = page.get_by_role("alertdialog")
    expect(sheet).to_contain_text("3 改回 2")
    sheet.get_by_role("button", name="改回去").click()
    done(page, "改回去了")
    expect(guard).to_have_value("2")
    page.get_by_role("button", name="预约", exact=True).click()
    choose_queue(page)
    page.get_by_label("最多改几次时间").fill("1")
    page.get_by_label("当天可以约").uncheck()
    page.get_by_label("原因").fill("年底")
    page.get_by_role("button", name="保存").click()
    done(page, "保存好了")
    look(page, shots, "rules-booking")
    page.get_by_role("region", name="最近的改动").get_by_role("button", name="改回去").first.click()
    page.get_by_role("alertdialog").get_by_role("button", name="改回去").click()
    done(page, "改回去了")
    expect(page.get_by_label("当天可以约")).to_be_checked()
    page.context.close()


def test_a_new_clerk_signs_in_is_locked_and_let_in_again(desk: Desk, morning: Morning, shots: Path) -> None:
    page = desk.page("lead.xm", "/staff/team")
    page.get_by_role("button", name="加一个人").click()
    page.get_by_role("button", name="建账号").click()
    expect(page.get_by_role("alert")).to_contain_text("至少选一样")
    look(page, shots, "team-wrong")
    page.get_by_label("姓名或岗位").fill("三号窗口")
    page.get_by_label("账号名").fill("gate.xm")
    page.get_by_label(re.compile("^窗口")).check()
    page.get_by_label("原因").fill("新入职")
    page.get_by_role("button", name="建账号").click()
    expect(page.get_by_role("alert")).to_contain_text("已经有人用了")
    page.get_by_label("账号名").fill("clerk.three")
    page.get_by_role("button", name="建账号").click()
    done(page, "三号窗口 的账号建好了")
    password = page.locator("[data-secret=password]").inner_text()
    secret = page.locator("[data-secret=totp]").inner_text()
    expect(page.get_by_role("img", name="身份验证器用的二维码")).to_be_visible()
    look(page, shots, "team-handed")
    page.get_by_role("button", name="交好了，关掉").click()
    expect(page.locator("[data-secret]")).to_have_count(0)

    clerk = desk.citizen()
    clerk.goto("/staff/login")
    clerk.get_by_label("账号").fill("clerk.three")
    clerk.get_by_label("密码").fill(password)
    clerk.get_by_label("动态码").fill(totp(secret, int(morning.now().timestamp()) // STEP_S))
    clerk.get_by_role("button", name="登录").click()
    clerk.wait_for_url(re.compile(r"/staff/$"))
    expect(clerk.get_by_role("link", name="窗口", exact=True)).to_be_visible()
    clerk.get_by_role("link", name="管理").click()
    expect(clerk.get_by_role("link", name="员工", exact=True)).to_have_count(0)

    clerk.get_by_role("link", name="改密码").click()
    clerk.get_by_label("现在的密码").fill(password)
    clerk.get_by_label("新密码", exact=True).fill("短密码")
    clerk.get_by_role("button", name="改好").click()
    expect(clerk.get_by_role("alert")).to_contain_text("至少 15 个字")
    look(clerk, shots, "password")
    for words in ("weizhengwu-2026-weizhengwu", "茶杯-云梯-tram-7-lantern"):
        clerk.get_by_label("新密码", exact=True).fill(words)
        clerk.get_by_label("再输一次新密码").fill(words)
        clerk.get_by_role("button", name="改好").click()
        if words.startswith("wei"):
            expect(clerk.get_by_role("alert")).to_contain_text("太容易猜")
    done(clerk, "密码改好了")
    expect(clerk.get_by_label("现在的密码")).to_have_count(0)

    mine = page.get_by_role("listitem").filter(has_text="clerk.three")
    mine.get_by_role("button", name="改角色").click()
    mine.get_by_label(re.compile("^窗口")).uncheck()
    mine.get_by_label(re.compile("^入口")).check()
    mine.get_by_label("原因").fill("轮岗")
    look(page, shots, "team-roles")
    mine.locator("form").get_by_role("button", name="改角色").click()
    done(page, "三号窗口 的角色改好了")
    mine.get_by_role("button", name="停用").click()
    mine.get_by_label("原因").fill("离岗")
    mine.locator("form").get_by_role("button", name="停用").click()
    done(page, "三号窗口 停用了")
    expect(mine).to_contain_text("已停用")
    clerk.reload()
    expect(clerk.get_by_label("密码")).to_be_visible()
    mine.get_by_role("button", name="启用").click()
    mine.get_by_label("原因").fill("回来了")
    mine.locator("form").get_by_role("button", name="启用").click()
    done(page, "三号窗口 可以登录了")
    page.context.close()


def give_number(desk: Desk) -> None:
    gate = desk.page("gate.xm", "/staff/desk")
    gate.get_by_role("button", name=re.compile("出入境")).click()
    gate.get_by_text("不登记").click()
    gate.get_by_role("button", name="取号", exact=True).click()
    expect(gate.get_by_role("region", name="取号成功")).to_be_visible()
    gate.context.close()


def test_an_emergency_end_is_previewed_and_confirmed(desk: Desk, shots: Path) -> None:
    give_number(desk)
    page = desk.page("lead.xm", "/staff/live")
    expect(page.get_by_role("row", name=re.compile(QUEUE))).to_contain_text("有人等，没窗口")
    page.get_by_role("button", name="先看影响").click()
    expect(page.get_by_role("alert")).to_contain_text("写明原因")
    page.get_by_label("原因").fill("火警疏散")
    page.get_by_role("button", name="先看影响").click()
    expect(page.get_by_text("1 个号会改到")).to_be_visible()
    look(page, shots, "live-emergency")
    page.get_by_role("button", name="全部改到下次开门").click()
    sheet = page.get_by_role("alertdialog")
    expect(sheet).to_contain_text("把 1 个号全部改期？")
    sheet.get_by_role("button", name="全部改到下次开门").click()
    done(page, "改好了，1 个号")
    expect(page.get_by_role("row", name=re.compile(QUEUE))).not_to_contain_text("有人等，没窗口")
    page.context.close()


def test_figures_choose_their_days_and_come_as_a_table(desk: Desk, shots: Path, morning: Morning) -> None:
    give_number(desk)
    page = desk.page("lead.xm", "/staff/figures")
    expect(page.get_by_role("region", name="预约和现场")).to_be_visible()
    page.get_by_label("到哪天").fill("2020-01-01")
    page.get_by_role("button", name="看这几天").click()
    expect(page.get_by_role("alert")).to_contain_text("不能比开始的日子早")
    page.get_by_role("button", name="今天", exact=True).click()
    page.get_by_text("看数字").first.click()
    expect(page.get_by_role("table").nth(1)).to_be_visible()
    look(page, shots, "figures-today")
    with page.expect_download() as saved:
        page.get_by_role("link", name="下载表格").click()
    assert saved.value.suggested_filename == "figures.csv"
    assert f"{morning.now().astimezone(SHANGHAI):%Y-%m-%d}" in saved.value.path().read_text()
    page.context.close()


def test_the_trail_tells_all_of_it_with_before_and_after(desk: Desk, shots: Path) -> None:
    page = desk.page("lead.xm", "/staff/audit")
    events = page.get_by_role("listitem")
    for words in ("改叫号规则", "设特殊日子", "特殊日子改回平常", "建账号", "改角色", "停用账号", "提前结束，号改期"):
        expect(page.get_by_role("heading", name=re.compile(words)).first).to_be_visible()
    more = page.get_by_role("button", name="看更多")
    if more.count():
        more.click()
    for words in ("改开放时间", "改回开放时间", "停开半天"):
        expect(page.get_by_role("heading", name=re.compile(words)).first).to_be_visible()
    page.get_by_label("看哪一类").select_option("staff")
    expect(page.get_by_role("heading", name=re.compile("改开放时间"))).to_have_count(0)
    roles = events.filter(has=page.get_by_role("heading", name=re.compile("改角色")))
    expect(roles).to_contain_text("三号窗口 (clerk.three)")
    expect(roles.locator("del")).to_have_text("窗口")
    expect(roles.locator("ins")).to_have_text("入口")
    look(page, shots, "audit-staff")
    with page.expect_download() as saved:
        page.get_by_role("link", name="下载表格").click()
    assert "clerk.three" in saved.value.path().read_text()
    page.context.close()


def test_the_operator_closes_chosen_halls_and_opens_them_again(desk: Desk, shots: Path, next_day: date) -> None:
    page = desk.page("operator", "/staff/days")
    expect(page.get_by_text("往后 90 天都照平常开门")).to_be_visible()
    page.get_by_label("日期").fill(next_day.isoformat())
    page.get_by_label("原因", exact=True).fill("台风")
    page.get_by_label("全市所有大厅").uncheck()
    page.get_by_role("button", name="先看影响").click()
    expect(page.get_by_role("alert")).to_contain_text("至少选一个大厅")
    page.get_by_label("思明", exact=False).first.check()
    page.get_by_role("button", name="先看影响").click()
    expect(page.get_by_text("会关掉")).to_be_visible()
    look(page, shots, "days-city")
    page.locator(".ways").get_by_role("button", name="不开门").click()
    page.get_by_role("alertdialog").get_by_role("button", name="不开门").click()
    done(page, "设好了")
    listed = page.get_by_role("region", name="已经设好的").get_by_role("listitem")
    expect(listed).to_have_count(1)
    listed.get_by_role("button", name="改回平常").click()
    page.get_by_role("alertdialog").get_by_role("button", name="改回平常").click()
    done(page, "改回平常了")
    page.context.close()


def test_a_server_that_cannot_be_reached_is_said_and_tried_again(desk: Desk) -> None:
    page = desk.page("lead.xm", "/staff/live")
    expect(page.get_by_role("row", name=re.compile(QUEUE))).to_be_visible()
    page.route("**/api/v1/staff/hall-now*", lambda route: route.abort())
    expect(page.get_by_text("连不上服务器")).to_be_visible(timeout=30_000)
    page.unroute("**/api/v1/staff/hall-now*")
    expect(page.get_by_text("连不上服务器")).to_have_count(0, timeout=30_000)
    page.route("**/api/v1/staff/figures*", lambda route: route.fulfill(status=503, json={"title": "现在人太多了"}))
    page.goto("/staff/figures")
    expect(page.get_by_role("button", name="再试")).to_be_visible(timeout=30_000)
    page.unroute("**/api/v1/staff/figures*")
    page.get_by_role("button", name="再试").click()
    expect(page.get_by_role("region", name="预约和现场")).to_be_visible()
    page.context.close()


def test_the_operator_sees_how_notices_fare_and_sends_one_again(desk: Desk, shots: Path) -> None:
    page = desk.page("operator", "/staff/notices")
    dead = {"id": str(uuid4()), "title": "约好了", "state": "failed", "reason": "收件人没有关注公众号"}
    now = desk.morning.now().isoformat()
    letter = {**dead, "template": "appointment_booked", "created_at": now, "channel": None}
    page.route("**/staff/notices/dead?*", lambda route: route.fulfill(json={"notices": [letter], "next_cursor": None}))
    failure = {
        "channel": "wechat_template",
        "code": "43004",
        "count": 3,
        "reason": "收件人没有关注公众号",
        "last_at": now,
    }
    day = {"day": now[:10], "channel": "wechat_template", "state": "delivered", "count": 12}
    used = {"channel": "wechat_template", "used": 15, "paused_until": now}
    figures = {"waiting": 2, "oldest_due_s": 130, "used_today": [used], "failures": [failure], "days": [day]}
    page.route(re.compile(r"/api/v1/staff/notices\?"), lambda route: route.fulfill(json=figures))
    page.route("**/resend", lambda route: route.fulfill(status=204))
    page.reload()
    expect(page.get_by_text("现在等着发的")).to_be_visible()
    expect(page.locator("main")).to_contain_text("收件人没有关注公众号")
    look(page, shots, "notices")
    page.get_by_role("button", name="再发一次").click()
    expect(page.get_by_text("排进去了，马上再发")).to_be_visible()
    expect(page.get_by_role("button", name="再发一次")).to_have_count(0)
    page.get_by_role("link", name="看看每种通知长什么样").click()
    expect(page.get_by_role("heading", name=re.compile("约好了"))).to_be_visible()
    look(page, shots, "notices-preview")

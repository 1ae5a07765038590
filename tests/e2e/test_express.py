"""A result travels home: an address from one pasted line, the order, labels, the courier, notices, the month's bill."""

import re
from collections.abc import Iterator
from datetime import time
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import NewPlace, violations
from tests.e2e.journeys import show
from tests.e2e.morning import Morning, open_at
from tests.e2e.people import DESKTOP, SMALL, WECHAT, People

pytestmark = pytest.mark.slow

START = time(14)
CASE, PASSPORT_CASE = "XM2026-EXPRESS-1", "XM2026-EXPRESS-2"
PASTED = "张测试 138 0000 0001，福建省厦门市思明区测试路1号测试小区2号楼301"
TRAVEL = ("已揽收", "到达投递站", "正在派送", "已签收")
CITIZEN_PAGES = ["/shipments", "/shipments/new", "/me/addresses", "/me/addresses/new"]
DESK_PAGES = ["shipments", "mail-order", "hand-over", "exceptions"]
CARRIER_MS = 30_000
"""The request that orders asks the carrier at once; after a lost answer the worker does, on a busy machine."""


@pytest.fixture(scope="module")
def morning(new_place: NewPlace) -> Iterator[Morning]:
    """A product whose clock says two in the afternoon of a workday."""
    with open_at(START, new_place()) as begun:
        yield begun


@pytest.fixture
def people(browser: Browser, morning: Morning) -> Iterator[People]:
    found = People(browser, morning)
    yield found
    found.leave()


def choose(page: Page, case: str, item: str, hall: str, way: str) -> None:
    """The first step: a case of another system, what it is about, where it lies and which way to mail."""
    page.goto("/shipments/new")
    page.get_by_text("我有办件编号").tap()
    page.get_by_label("办件编号", exact=True).fill(case)
    page.get_by_label("办的是什么事").fill(item)
    page.get_by_role("button", name="找", exact=True).tap()
    page.get_by_role("main").get_by_text(item, exact=True).tap()
    page.get_by_role("main").get_by_text(hall, exact=True).tap()
    page.get_by_text(way, exact=True).tap()
    page.get_by_role("button", name="下一步").tap()
    page.wait_for_url("**/shipments/new/address")


def paste_address(page: Page) -> None:
    """One pasted line fills the form; it is kept and chosen. Whoever has addresses asks for another one."""
    another = page.get_by_role("link", name="用别的地址")
    expect(another.or_(page.get_by_label("粘贴整条地址"))).to_be_visible()
    if another.is_visible():
        another.tap()
    page.get_by_label("粘贴整条地址").fill(PASTED)
    page.get_by_role("button", name="帮我填好").tap()
    expect(page.get_by_text("填好了，请核对下面的内容")).to_be_visible()
    expect(page.get_by_label("区县")).to_have_value("思明区")
    expect(page.get_by_label("电话")).to_have_value("13800000001")
    page.locator("form button[type=submit]").tap()
    page.wait_for_url("**/shipments/new/check")


def waybill_of(desk: Page, case: str) -> str:
    """The number that the courier gave, once it is there."""
    desk.goto("/staff/shipments")
    desk.get_by_role("button", name="全部", exact=True).click()
    desk.get_by_label("查找").fill(case)
    desk.get_by_label("查找").press("Enter")
    expect(desk.locator("tbody tr")).to_have_count(1)
    cell = desk.locator("tbody td").nth(4)
    expect(cell).to_have_text(re.compile(r"^[0-9A-Z]{8,}$"), timeout=CARRIER_MS)
    return cell.inner_text()


def step(people: People, waybill: str, journey: str = "") -> None:
    people.sandbox("POST", f"/ems/operator/shipments/{waybill}/next", {"journey": journey})


def test_a_result_travels_home_and_the_month_is_settled(people: People) -> None:
    page = people.citizen("zhang", WECHAT)
    choose(page, CASE, "个体工商户设立登记", "厦门市行政服务中心", "把结果寄给我")
    paste_address(page)
    expect(page.get_by_text("政府付，不用你出")).to_be_visible()
    page.get_by_role("button", name="确认下单").tap()
    page.wait_for_url(re.compile(r"/shipments/[0-9a-f-]{36}$"))
    expect(page.locator(".headline")).to_have_text("等大厅确认")

    desk = people.staff("window.xm", "/staff/shipments")
    desk.locator("tbody").get_by_role("button", name=re.compile("个体工商户")).first.click()
    desk.get_by_role("button", name="材料备好了，寄出").click()
    expect(desk.get_by_text("已通知快递公司")).to_be_visible()
    waybill = waybill_of(desk, CASE)
    people.morning.product.told("zhang", waybill)
    with desk.expect_response("**/staff/shipments/labels") as printed:
        desk.get_by_role("button", name=re.compile("^全选")).click()
        desk.get_by_role("button", name=re.compile("^打印 1 张")).click()
    assert printed.value.headers["content-type"] == "application/pdf"

    desk.goto("/staff/hand-over")
    desk.get_by_role("button", name="新建交寄清单").click()
    desk.get_by_label("扫面单").fill(waybill)
    desk.get_by_label("扫面单").press("Enter")
    expect(desk.get_by_text("共 1 件")).to_be_visible()
    desk.get_by_label("快递员姓名或工号").fill("李快递")
    desk.get_by_role("button", name="快递员签好了").click()
    expect(desk.get_by_text("已交给快递员 1 件")).to_be_visible()

    step(people, waybill, "in_person")
    for words in TRAVEL:
        page.reload()
        for _ in range(4):
            if page.locator("ol li").filter(has_text=words).count():
                break
            step(people, waybill)
            page.wait_for_timeout(1500)
            page.reload()
        expect(page.locator("ol li").filter(has_text=words)).to_be_visible(timeout=CARRIER_MS)
    expect(page.locator(".headline")).to_have_text("已送到", timeout=CARRIER_MS)
    people.morning.product.told("zhang", "签收")

    money = people.staff("finance.one", "/staff/postage")
    month = people.morning.now().strftime("%Y-%m")
    bill = people.file(f"/ems/desk/bills/{month}.csv")
    money.set_input_files("input[type=file]", {"name": "ems.csv", "mimeType": "text/csv", "buffer": bill})
    expect(money.get_by_text("账单读好了")).to_be_visible()
    if money.get_by_label("对不上也要结，原因是").count():
        money.get_by_label("对不上也要结，原因是").fill("演示数据")
    money.get_by_role("button", name="月结", exact=True).click()
    money.get_by_role("alertdialog").get_by_role("button", name="月结").click()
    expect(money.locator(".notice.success").first).to_be_visible()


def test_papers_to_the_hall_are_paid_first(people: People) -> None:
    page = people.citizen("li", WECHAT)
    choose(page, PASSPORT_CASE, "医疗费用手工报销", "厦门市行政服务中心", "寄材料到大厅")
    paste_address(page)
    page.get_by_role("button", name="下单并付邮费").tap()
    page.wait_for_url(re.compile(r"/bills/[0-9a-f-]{36}$"))
    page.get_by_role("button", name=re.compile("微信支付")).first.tap()
    expect(page.get_by_text("缴费成功")).to_be_visible(timeout=CARRIER_MS)
    page.goto("/shipments")
    page.get_by_role("link", name=re.compile("医疗费用手工报销")).first.tap()
    expect(page.locator(".headline")).to_have_text("已下单", timeout=CARRIER_MS)
    page.get_by_role("button", name="取消快递").tap()
    page.get_by_role("alertdialog").get_by_role("button", name="取消快递").tap()
    expect(page.locator(".headline")).to_have_text("已取消", timeout=CARRIER_MS)


@pytest.mark.parametrize(("language", "elder"), [("zh", False), ("zh", True), ("en", False)])
def test_citizens_pages_fit_and_can_be_used_by_everybody(people: People, language: str, elder: bool) -> None:
    page = people.citizen("zhang", size=SMALL)
    show(page, language=language, elder=elder)
    for path in CITIZEN_PAGES:
        page.goto(path)
        expect(page.locator("h1")).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= SMALL[0], path


@pytest.mark.parametrize("size", [SMALL, DESKTOP])
def test_staff_pages_fit_and_can_be_used_by_everybody(people: People, size: tuple[int, int]) -> None:
    pages: dict[str, list[str]] = {
        "window.xm": DESK_PAGES,
        "operator": ["postage-policies", "express-offices", "mail-gaps"],
        "finance.one": ["postage"],
    }
    for username, names in pages.items():
        page = people.staff(username, "/staff/", size)
        for name in names:
            page.goto(f"/staff/{name}")
            expect(page.locator("h1")).to_be_visible()
            page.wait_for_load_state("networkidle")
            found: list[Any] = violations(page)
            assert found == [], name
            assert page.evaluate("document.documentElement.scrollWidth") <= size[0], name

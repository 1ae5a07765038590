"""An item's promise is changed by one operator, published by another, and read by a citizen."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Phone, Product, look_until, violations
from tests.e2e.morning import Morning

DESKTOP, PHONE = (1366, 768), (360, 640)
ITEM, NAME = "passport-first", "普通护照首次申请"
PROMISE = "承诺时限（工作日）"


@pytest.fixture(scope="module")
def morning(product: Product) -> Morning:
    return Morning(product, timedelta())


@pytest.fixture(scope="module")
def crashes() -> Iterator[list[str]]:
    """Script errors of every page."""
    found: list[str] = []
    yield found
    assert found == []


def page_of(morning: Morning, browser: Browser, username: str, path: str, crashes: list[str]) -> Page:
    page = morning.staff(browser, username, *DESKTOP)
    page.on("pageerror", lambda error: crashes.append(str(error)))
    page.goto(path)
    return page


def look(page: Page, shots: Path, name: str, *languages: str) -> None:
    """Accessible, no wider than the screen, in both languages and at both sizes."""
    for language in languages or ("en", "zh"):
        if languages == ():
            page.get_by_role("button", name="English" if language == "en" else "中文", exact=True).click()
        expect(page.locator("html")).to_have_attribute("lang", "en" if language == "en" else "zh-CN")
        for width, height in (PHONE, DESKTOP):
            page.set_viewport_size({"width": width, "height": height})
            expect(page.locator("main .bone")).to_have_count(0)
            page.screenshot(path=shots / f"items-{name}-{language}-{width}.png", full_page=True)
            assert violations(page) == [], (name, language, width)
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (name, language, width)


def test_a_promise_is_changed_reviewed_by_another_and_seen(
    morning: Morning, browser: Browser, phone: Phone, shots: Path, crashes: list[str]
) -> None:
    page = page_of(morning, browser, "operator", "/staff/items", crashes)
    page.get_by_label("搜名称、网址名或编码").fill("护照首次")
    expect(page.get_by_role("row")).to_have_count(2)
    look(page, shots, "list")
    page.get_by_role("link", name=NAME).click()
    page.get_by_role("button", name="改这个事项").click()
    page.get_by_label(PROMISE).first.fill("5")
    page.get_by_label("费用谁承担").select_option(label="部门")
    page.get_by_label("受理时查信用").check()
    page.get_by_role("button", name="加一份材料").click()
    page.get_by_label("（中文）").and_(page.locator("[id^='c-materials-'][id$='-name']")).last.fill("其他相关材料")
    page.locator("[id^='c-materials-'][id$='-name-en']").last.fill("Other documents")
    page.reload()
    expect(page.get_by_label(PROMISE).first).to_have_value("5")

    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.locator(".notice.success")).to_contain_text("保存好了")
    vague = page.locator(".field.wrong")
    expect(vague).to_contain_text("没有说清要什么材料")
    page.get_by_label("改了什么", exact=True).fill("承诺时限缩短到 5 天")
    page.get_by_role("button", name="送审").click()
    page.get_by_role("alertdialog").get_by_role("button", name="送审").click()
    expect(page.get_by_role("alert")).to_contain_text("没有说清要什么材料")
    look(page, shots, "faults", "zh")
    vague.locator("input").fill("户口簿")
    page.locator("[id^='c-materials-'][id$='-name-en']").last.fill("Household register")
    page.get_by_role("button", name="送审").click()
    page.get_by_role("alertdialog").get_by_role("button", name="送审").click()
    expect(page.locator(".notice.success")).to_contain_text("已经送审")
    expect(page.get_by_text("你写过这个版本，要由另一个人发布。")).to_be_visible()
    expect(page.get_by_role("button", name="发布")).to_have_count(0)

    review = page_of(morning, browser, "reviewer", f"/staff/items?item={ITEM}", crashes)
    review.get_by_role("button", name="改了什么").click()
    lines = review.locator("dl.lines > div")
    expect(lines).to_have_count(4)
    expect(lines.filter(has_text="费用谁承担")).to_contain_text("申请人")
    expect(lines.filter(has_text="受理时查信用")).to_contain_text("否")
    expect(lines.filter(has_text=PROMISE)).to_contain_text("5")
    expect(lines.filter(has_text="户口簿")).to_be_visible()
    look(review, shots, "review")
    review.get_by_role("button", name="发布").click()
    review.get_by_role("alertdialog").get_by_role("button", name="发布").click()
    expect(review.locator(".notice.success")).to_contain_text("已经发布")
    review.get_by_role("button", name="历史").click()
    expect(review.get_by_text("平台管理员写 · 你发布")).to_be_visible()
    review.screenshot(path=shots / "items-history.png")

    citizen = phone()
    look_until(citizen, f"/items/{ITEM}", citizen.get_by_text("承诺 5 个工作日内办好"))
    expect(citizen.get_by_text("户口簿").first).to_be_visible()
    expect(citizen.get_by_text("这笔钱由部门出，你不用交").first).to_be_visible()
    citizen.screenshot(path=shots / "items-citizen.png", full_page=True)


def test_lists_proofs_and_counts(
    morning: Morning, browser: Browser, phone: Phone, shots: Path, crashes: list[str]
) -> None:
    page = page_of(morning, browser, "operator", "/staff/lists", crashes)
    page.get_by_role("button", name="靠前联办").click()
    page.get_by_label("选一个事项").select_option(label="离厦提取住房公积金")
    page.get_by_role("button", name="加入清单").click()
    expect(page.get_by_role("alert")).to_contain_text("写明原因")
    page.get_by_label("原因").fill("银行网点试点")
    page.get_by_role("button", name="加入清单").click()
    page.get_by_role("button", name="加入并发布").click()
    expect(page.locator(".notice.success")).to_contain_text("已经加入")
    expect(page.get_by_text("手工加入：银行网点试点")).to_be_visible()
    look(page, shots, "lists")

    page.goto("/staff/registers")
    expect(page.get_by_role("strong").filter(has_text="婚姻状况证明（社区开具）")).to_be_visible()
    look(page, shots, "proofs", "zh")
    page.get_by_role("button", name="信用承诺书").click()
    expect(page.get_by_text("现在用")).to_be_visible()
    page.get_by_role("button", name="统计").click()
    expect(page.get_by_role("heading", name="特殊环节减少了多少")).to_be_visible()
    look(page, shots, "counts", "zh")

    citizen = phone()
    look_until(citizen, "/lists/upfront", citizen.get_by_text("第 1 期"))
    citizen.screenshot(path=shots / "items-list-citizen.png", full_page=True)
    citizen.goto("/standards")
    expect(citizen.get_by_text("现场勘验").first).to_be_visible()
    citizen.screenshot(path=shots / "items-standards.png", full_page=True)
    assert violations(citizen) == []

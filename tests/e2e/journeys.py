"""What citizens do again and again."""

import re
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta

from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as NotThereInTime

from backend.core.clock import SHANGHAI
from backend.seed import data

ITEM = "passport-first"
SETTLED_MS = 5_000


def workday_after(day: date) -> date:
    """The next day on which halls work."""
    year_of = data.read("calendar.toml")
    while True:
        day += timedelta(days=1)
        holidays = [one for days in year_of[str(day.year)]["holidays"].values() for one in days]
        if day.isoweekday() <= 5 and day not in holidays:
            return day


def until_next_workday(start: time) -> timedelta:
    """How far a product's clock must be ahead to begin at this time, in Xiamen, of the next day that halls work."""
    day = workday_after(datetime.now(SHANGHAI).date())
    ahead = datetime.combine(day, start, SHANGHAI) - datetime.now(UTC)
    return timedelta(seconds=int(ahead.total_seconds()))


def log_in_through_wechat(page: Page, person: str, return_to: str) -> None:
    """Agree on WeChat's page as this demo person; a phone number and real name follow through i厦门."""
    for provider in ("wechat", "ixiamen"):
        page.goto(f"/api/v1/auth/{provider}?return_to={return_to}")
        page.locator(f"input[name=person][value={person}]").check(force=True)
        page.locator("button[value=allow]").click()
        page.wait_for_url(re.compile(rf"{return_to}(#.*)?$"))


def show(page: Page, *, language: str, elder: bool) -> None:
    """Switch language and elder mode by the buttons of the header, unless they are so already."""
    root = page.locator("html")
    if (root.get_attribute("lang") == "en") != (language == "en"):
        with suppress(NotThereInTime):  # what this person chose before may arrive just now, which renames the button
            page.get_by_role("button", name="English" if language == "en" else "中文").click(timeout=SETTLED_MS)
    if (root.get_attribute("data-elder") is not None) != elder:
        page.locator("header .toggle").first.click()
    expect(root).to_have_attribute("lang", "en" if language == "en" else "zh-CN")
    expect(page.locator("html[data-elder]")).to_have_count(1 if elder else 0)


def choose_time(page: Page, *, day: int) -> None:
    """From the hall step to the question who it is for: the city hall, the day at this place, its first free time."""
    page.locator("button.hall").first.click()
    page.wait_for_url("**/date")
    page.locator(".days button:enabled").nth(day).click()
    page.wait_for_url("**/time")
    page.locator(".half button:enabled").first.click()
    page.wait_for_url("**/who")


def book_afternoon(page: Page, person: str, day: date) -> None:
    """Two in the afternoon of that day in the city hall."""
    log_in_through_wechat(page, person, "/me")
    page.goto(f"/book/{ITEM}/hall")
    page.get_by_role("button", name=re.compile("^厦门市行政服务中心")).click()
    page.wait_for_url("**/date")
    page.locator("main").get_by_role("button", name=re.compile(f"{day.month}月{day.day}日")).click()
    page.wait_for_url("**/time")
    page.locator("main").get_by_role("button").filter(has_text="14:00").click()
    page.wait_for_url("**/who")
    page.get_by_role("button", name="下一步").click()
    page.wait_for_url("**/check")
    page.get_by_role("button", name="确认").first.click()
    page.wait_for_url("**/done")


def find_bill(page: Page, code: str, payer: str) -> None:
    """From the list to the bill, with the notice in hand."""
    page.goto("/bills")
    page.get_by_role("link", name="按缴费单找").tap()
    page.get_by_label("缴款码").fill(code)
    page.get_by_label("缴款人姓名").fill(payer)
    page.get_by_role("button", name="查找").tap()
    page.wait_for_url(re.compile(r"/bills/[0-9a-f-]{36}$"))
    expect(page.get_by_text("这是缴费通知，不是收据")).to_be_visible()

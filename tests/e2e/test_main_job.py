"""The main job: a citizen finds an item by pinyin, books, gets the message, and shows the code without a network."""

import re
import time
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from backend.identity.staff import STEP_S, totp
from tests.e2e.conftest import Phone, Product
from tests.e2e.journeys import ITEM, log_in_through_wechat


def book_tomorrow(page: Page) -> str:
    """From home to booked; returns the eight digits. Tomorrow, so that changing and cancelling are still free."""
    page.goto("/")
    page.get_by_role("searchbox").or_(page.get_by_role("textbox")).first.fill("huzhao")
    page.get_by_role("button", name="搜").click()
    page.get_by_role("link", name=re.compile("普通护照首次申请")).first.click()
    page.get_by_role("link", name="预约去大厅").click()
    page.wait_for_url(f"**/book/{ITEM}/hall")
    page.get_by_role("button", name=re.compile("^厦门市行政服务中心")).click()
    page.wait_for_url("**/date")
    page.locator("main").get_by_role("button").or_(page.locator("main").get_by_role("link")).filter(has_text="余").nth(
        1
    ).click()
    page.wait_for_url("**/time")
    page.locator("main").get_by_role("button").filter(has_text="余").first.click()
    page.wait_for_url("**/who")
    page.get_by_role("button", name="下一步").click()
    page.wait_for_url("**/check")
    page.get_by_role("button", name="确认").first.click()
    page.wait_for_url("**/done")
    found = re.search(r"\d{4} \d{4}", page.locator("main").inner_text())
    assert found
    return found[0].replace(" ", "")


@pytest.fixture
def gate(product: Product) -> dict[str, str]:
    """Headers of the entrance of the city hall, logged in with password and one-time code."""
    password, secret = product.login("gate.xm")
    body = {"username": "gate.xm", "password": password, "totp": totp(secret, int(time.time()) // STEP_S)}
    answer = requests.post(f"{product.url}/api/v1/staff/session", json=body, timeout=10)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.cookies['__Host-sid']}"}


def test_a_citizen_books_and_shows_the_code_without_a_network(
    phone: Phone, product: Product, gate: dict[str, str], shots: Path
) -> None:
    page = phone()
    log_in_through_wechat(page, "zhang", "/me")
    code = book_tomorrow(page)
    page.screenshot(path=shots / "done.png")

    assert product.told("zhang", code)["kind"] != "sms"

    page.goto("/appointments")
    page.locator("main a[href^='/appointments/']").first.click()
    expect(page.get_by_role("img").first).to_be_visible()
    page.evaluate("() => navigator.serviceWorker.ready.then(() => 1)")
    page.wait_for_timeout(1000)
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_role("img").first).to_be_visible()
    expect(page.get_by_text(f"{code[:4]} {code[4:]}")).to_be_visible()
    page.screenshot(path=shots / "pass-offline.png")
    page.context.set_offline(False)

    refused = requests.post(
        f"{product.url}/api/v1/staff/check-ins",
        json={"code": code},
        headers={**gate, "Idempotency-Key": f"e2e-{code}"},
        timeout=10,
    )
    assert refused.status_code == 200, refused.text
    assert refused.json()["verdict"] in {"unknown", "wrong_day"}  # the visit is tomorrow


def test_an_appointment_is_moved_and_cancelled(phone: Phone, product: Product) -> None:
    page = phone()
    log_in_through_wechat(page, "li", "/me")
    old = book_tomorrow(page)
    page.goto("/appointments")
    page.locator("main a[href^='/appointments/']").first.click()
    page.get_by_role("link", name="改时间").or_(page.get_by_role("button", name="改时间")).first.click()
    page.wait_for_url("**/reschedule")
    days = page.locator("main").get_by_role("button").filter(has_text="余")
    days.nth(2).click()
    page.wait_for_timeout(300)
    page.locator("main").get_by_role("button").filter(has_text=re.compile(r"\d\d:\d\d")).last.click()
    page.get_by_role("button", name=re.compile("改到|确认")).last.click()
    page.wait_for_url(re.compile("/done"))
    assert old not in page.locator("main").inner_text().replace(" ", "")
    page.goto("/appointments")
    page.locator("main a[href^='/appointments/']").first.click()
    page.get_by_role("link", name="取消预约").or_(page.get_by_role("button", name="取消预约")).first.click()
    page.get_by_role("button", name="取消预约").first.click()
    page.get_by_role("alertdialog").get_by_role("button", name="取消预约").click()
    expect(page.get_by_text("已取消").first).to_be_visible()

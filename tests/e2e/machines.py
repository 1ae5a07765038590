"""Kiosks: what a lead does to have one, and how a finger works it."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.morning import ask


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=re.compile(name)).first.click()


def type_digits(page: Page, digits: str) -> None:
    for digit in digits:
        page.locator(".pad").get_by_role("button", name=digit, exact=True).click()


def title(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(text))


def new_device(lead: Page, name: str) -> str:
    """Add a device on the lead's page; its code."""
    lead.goto("/staff/devices")
    lead.get_by_label("新自助机的名字").fill(name)
    press(lead, "加一台")
    return re.sub(r"\D", "", lead.locator(".code").inner_text())


def enrol(page: Page, code: str) -> None:
    page.goto("/kiosk/XM")
    title(page, "登记这台自助机")
    type_digits(page, code)
    page.get_by_role("button", name="登记", exact=True).click()
    title(page, "你要办什么")


def open_until_the_start(lead: Page) -> None:
    """Bookings of the passport queue are taken until the slot begins, so that one can be checked in at once."""
    values = {"same_day_lead_minutes": 0, "close_minutes": 0}
    body = {"category": "exit-entry", "values": values, "reason": "当天随到随约"}
    lead.goto("/staff/devices")
    ask(lead, "PUT", "/staff/booking-policy", body)

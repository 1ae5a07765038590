"""A citizen chooses what to be told and how, and is told so."""

import time
from pathlib import Path

import requests
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Phone, Product
from tests.e2e.journeys import log_in_through_wechat, show
from tests.e2e.test_main_job import book_tomorrow


def test_what_one_chose_is_kept_and_followed(phone: Phone, product: Product, shots: Path) -> None:
    page = phone()
    log_in_through_wechat(page, "chen", "/me")
    show(page, language="zh", elder=False)
    page.get_by_role("link", name="消息设置").tap()
    page.wait_for_url("**/me/notices")
    expect(page.get_by_role("heading", level=1)).to_have_text("消息设置")
    page.locator("label").filter(has_text="排队").first.tap()
    page.locator("label").filter(has_text="短信").tap()
    page.get_by_role("button", name="保存").tap()
    expect(page.get_by_text("保存好了")).to_be_visible()
    page.screenshot(path=shots / "me-notices.png")
    page.reload()
    expect(page.get_by_role("checkbox", name="排队")).not_to_be_checked()
    expect(page.get_by_role("checkbox", name="预约")).to_be_checked()
    expect(page.get_by_role("radio", name="短信")).to_be_checked()
    before = len(product.messages("chen"))
    code = book_tomorrow(page)
    for _ in range(60):
        arrived = product.messages("chen")
        if len(arrived) > before:
            break
        time.sleep(0.5)
    assert arrived[0]["kind"] == "sms", arrived[0]
    assert code in str(arrived[0]).replace(" ", "")


def switches(page: Page, product: Product, wanted: tuple[int | None, dict[str, object]]) -> tuple[object, object]:
    """The quota and the faults as the sandbox has them, within ten seconds as wanted."""
    for _ in range(40):
        state = requests.get(f"{product.sandbox}/operator/api/state", timeout=5).json()
        if (state["quota_left"], state["faults"]) == wanted:
            break
        page.wait_for_timeout(250)
    return state["quota_left"], state["faults"]


def test_the_sandbox_s_page_has_every_switch(phone: Phone, product: Product) -> None:
    page = phone(width=800)
    page.goto(f"{product.sandbox}/operator")
    faults = requests.get(f"{product.sandbox}/operator/api/state", timeout=5).json()["faults"]
    fields = page.locator("#faults [name]").evaluate_all("all => all.map(one => one.name)")
    assert set(fields) == {*faults, "quota_left"}
    page.get_by_label("微信送达回执").select_option(label="收件人拒收")
    for label, value in (("微信今天还收几条", "7"), ("推送用第几把密钥", "1"), ("回执晚到", "2.5")):
        field = page.get_by_label(label)
        field.fill(value)
        field.blur()
    wanted = {**faults, "receipts": "blocked", "aes_key": 1, "receipt_delay_s": 2.5}
    assert switches(page, product, (7, wanted)) == (7, wanted)
    page.reload()
    expect(page.get_by_label("微信今天还收几条")).to_have_value("7")
    page.get_by_label("微信今天还收几条").fill("")
    page.get_by_label("微信今天还收几条").blur()
    page.get_by_role("button", name="全部恢复正常").tap()
    assert switches(page, product, (None, faults)) == (None, faults)

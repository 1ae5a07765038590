"""Outside WeChat a citizen logs in with Alipay."""

from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.conftest import Phone, violations


def test_a_citizen_logs_in_with_alipay(phone: Phone, shots: Path) -> None:
    page = phone(360, 640)
    page.goto("/login?return_to=%2Fme")
    page.get_by_role("link", name="用支付宝登录").click()
    expect(page.get_by_role("heading", name="支付宝登录")).to_be_visible()
    assert violations(page) == []
    page.screenshot(path=shots / "alipay-login.png")
    page.get_by_role("button", name="拒绝").click()
    page.wait_for_url("**/login?problem=login_refused**")
    expect(page.get_by_text("这次没有登录成功")).to_be_visible()
    assert violations(page) == []
    page.screenshot(path=shots / "alipay-login-refused.png")
    page.get_by_role("link", name="用支付宝登录").click()
    page.get_by_label("吴样例").check()
    page.get_by_role("button", name="同意").click()
    page.wait_for_url("**/me")
    expect(page.get_by_role("button", name="退出登录")).to_be_visible()

"""A fee from notice to receipt: WeChat, Alipay, a browser, the window; a refund by two people; a day reconciled."""

import re
from collections.abc import Iterator
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from backend.core.clock import SHANGHAI
from tests.e2e.conftest import NewPlace, violations
from tests.e2e.journeys import find_bill, show
from tests.e2e.morning import Morning, ask, open_at
from tests.e2e.people import DESKTOP, SMALL, WECHAT, People

pytestmark = pytest.mark.slow

START = time(14)
RECEIPT_MS = 40_000
"""Two rounds of the worker that talks to finance, on a busy machine."""
FINANCE_PAGES = ["refunds", "suspense", "reconciliation"]
STRANGER = "渠道有，我方没有这个订单"


@pytest.fixture(scope="module")
def morning(new_place: NewPlace) -> Iterator[Morning]:
    """A product whose clock says two in the afternoon of a workday: yesterday's books can be had."""
    with open_at(START, new_place()) as begun:
        yield begun


class Payers(People):
    """People who owe something, and what finance knows of it."""

    def bill(self, payer: str, item: str = "passport") -> str:
        """The payment code of a bill that the hall's lead issues."""
        page = self.staff("lead.xm", "/staff/bills")
        today = self.morning.now().astimezone(SHANGHAI).date().isoformat()
        body = {
            "lines": [{"item": item}],
            "accepted_on": today,
            "payer": {"name": payer},
            "subject_type": "counter",
            "subject_id": payer,
            "title_zh": "普通护照",
            "title_en": "Ordinary passport",
        }
        code: str = ask(page, "POST", "/staff/bills", body)["pay_code"]
        return code

    def at_finance(self, code: str) -> dict[str, Any]:
        """What finance's own books say of a bill."""
        found: list[dict[str, Any]] = self.sandbox("GET", "/finance/desk/api/state")["bills"]
        return next(one for one in found if one["pay_code"] == code)


@pytest.fixture
def people(browser: Browser, morning: Morning) -> Iterator[Payers]:
    found = Payers(browser, morning)
    yield found
    found.leave()


def receipt_of(page: Page) -> str:
    """The number of the receipt, once finance has issued it."""
    expect(page.get_by_text("缴费成功")).to_be_visible()
    row = page.locator("dl > div").filter(has_text="票据号码").locator("dd")
    expect(row).to_be_visible(timeout=RECEIPT_MS)
    return row.inner_text().strip()


def look(page: Page, shots: Path, name: str) -> None:
    """Accessible and no wider than the screen, on a desk and on a phone."""
    assert violations(page) == [], name
    for width, height in (DESKTOP, SMALL):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0, (name, width)
        page.screenshot(path=shots / f"staff-{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})


def long(day: date) -> str:
    """A day as pages write one that may be in another year."""
    return f"{day.year}年{day.month}月{day.day}日"


def yesterday(people: Payers) -> date:
    """The day that finance reconciles."""
    return people.morning.now().astimezone(SHANGHAI).date() - timedelta(days=1)


def on_the_day(page: Page, button: str) -> None:
    """Press one of the day's buttons, and again to be sure."""
    page.get_by_role("button", name=button).click()
    page.get_by_role("alertdialog").get_by_role("button", name=button).click()


def test_finance_has_a_day_compared_again(people: Payers) -> None:
    """Two channels list money that nobody ordered; what comes of it is looked at by the last of these tests."""
    people.sandbox("PUT", "/wechat-pay/operator", {"bills": {"add": [{"number": "unknownwechat1", "fen": 4_200}]}})
    extra = {"kind": "extra", "number": "unknownalipay1", "day": yesterday(people).isoformat(), "cents": 3_100}
    people.sandbox("POST", "/alipay/operator/api/differences", extra)
    page = people.staff("finance.one", f"/staff/reconciliation?day={yesterday(people)}")
    on_the_day(page, "重新对账")
    expect(page.get_by_text("正在重新对账")).to_be_visible()


def test_a_bill_is_paid_in_wechat_and_its_receipt_comes(people: Payers, shots: Path) -> None:
    code = people.bill("张测试")
    page = people.citizen("zhang", WECHAT)
    find_bill(page, code, "张测试")
    expect(page.get_by_role("button", name="支付宝支付")).to_have_count(0)
    page.screenshot(path=shots / "bill-to-pay.png", full_page=True)
    page.evaluate("() => { sessionStorage.decision = 'cancel' }")
    page.get_by_role("button", name="微信支付").tap()
    expect(page.get_by_text("没有付款。想付的时候再点一次。")).to_be_visible()
    page.evaluate("() => { sessionStorage.decision = 'pay' }")
    page.get_by_role("button", name="微信支付").tap()
    page.wait_for_url(re.compile("/result$"))
    number = receipt_of(page)
    page.screenshot(path=shots / "bill-receipt.png", full_page=True)
    heard = people.at_finance(code)
    assert (heard["ebill"], heard["channel"]) == (number, "wechat_pay")
    with page.expect_navigation():
        page.get_by_role("link", name="看电子票据").tap()
    expect(page.get_by_text(number)).to_be_visible()


def test_a_bill_is_paid_with_alipay_after_walking_away(people: Payers, shots: Path) -> None:
    code = people.bill("李测试", "hk-macao-permit")
    page = people.citizen("li")
    find_bill(page, code, "李测试")
    page.get_by_role("button", name="支付宝支付").tap()
    page.wait_for_url(re.compile("/alipay/cashier"))
    page.get_by_role("button", name="取消").click()
    page.wait_for_url(re.compile("/result$"))
    expect(page.get_by_text("正在确认付款结果")).to_be_visible()
    page.screenshot(path=shots / "bill-confirming.png", full_page=True)
    page.get_by_role("button", name="还没付，再付一次").tap()
    page.wait_for_url(re.compile("/alipay/cashier"))
    page.get_by_role("button", name="确认付款").click()
    page.wait_for_url(re.compile("/result$"))
    number = receipt_of(page)
    heard = people.at_finance(code)
    assert (heard["ebill"], heard["channel"]) == (number, "alipay")


def test_a_bill_is_paid_by_wechat_s_page_for_browsers(people: Payers) -> None:
    code = people.bill("王长者")
    page = people.citizen("wang")
    find_bill(page, code, "王长者")
    show(page, language="zh", elder=True)
    page.get_by_role("button", name="换一种方式付").tap()
    page.get_by_role("button", name="微信支付").tap()
    page.wait_for_url(re.compile("/checkmweb"))
    page.get_by_role("button", name="立即支付").click()
    page.wait_for_url(re.compile("/result$"))
    receipt_of(page)
    assert people.at_finance(code)["channel"] == "wechat_pay"
    show(page, language="zh", elder=False)


def test_a_refund_takes_two_people_and_the_payer_sees_each_step(people: Payers, shots: Path) -> None:
    page = people.citizen("zhang", WECHAT, path="/bills")
    page.locator("a.tile").filter(has_text="已缴").first.tap()
    page.get_by_role("link", name="申请退款").tap()
    page.get_by_text("多收了").tap()
    page.get_by_text("一部分").tap()
    page.get_by_label("退款金额").fill("20")
    page.get_by_label("说明情况").fill("照片自己带了，多收了照相费")
    page.reload()
    expect(page.get_by_label("说明情况")).to_have_value("照片自己带了，多收了照相费")
    page.get_by_role("button", name="提交申请").tap()
    expect(page.get_by_text("单位核对中")).to_be_visible()
    page.screenshot(path=shots / "bill-refunding.png", full_page=True)
    for username, button in (("lead.xm", "核对无误"), ("finance.one", "批准退款")):
        desk = people.staff(username, "/staff/refunds")
        case = desk.locator("li.card").filter(has_text="照片自己带了")
        case.get_by_role("button", name=button).click()
        desk.screenshot(path=shots / f"staff-refund-{username}.png")
        desk.get_by_role("alertdialog").get_by_role("button", name=button).click()
        expect(case.get_by_role("button", name=button)).to_have_count(0)
    expect(page.get_by_text("已退 20.00 元")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("已退款", exact=True)).to_be_visible()


def test_a_clerk_issues_a_bill_and_the_payer_scans_a_code(people: Payers, shots: Path) -> None:
    page = people.staff("window.xm", "/staff/collect")
    page.get_by_role("button", name="开缴款书").click()
    page.get_by_role("button", name="核对").click()
    expect(page.get_by_role("alert")).to_contain_text("至少选一项")
    for _ in range(2):
        page.get_by_role("button", name=re.compile("^普通护照工本费.*加一")).click()
    page.get_by_label("缴款人", exact=True).fill("林演示")
    look(page, shots, "issue")
    page.get_by_role("button", name="核对").click()
    expect(page.get_by_role("heading", name="核对一下")).to_be_focused()
    expect(page.get_by_text("¥240.00")).to_be_visible()
    look(page, shots, "issue-check")
    page.get_by_role("button", name="返回修改").click()
    expect(page.get_by_label("缴款人", exact=True)).to_have_value("林演示")
    page.get_by_role("button", name="核对").click()
    page.get_by_role("button", name="开缴款书").click()
    expect(page.get_by_role("heading", name="开好了")).to_be_visible()
    look(page, shots, "issue-done")
    page.emulate_media(media="print")
    expect(page.locator(".slip-paper")).to_contain_text("这是缴费通知，不是收据")
    page.screenshot(path=shots / "staff-notice-paper.png")
    page.emulate_media(media="screen")
    page.get_by_role("button", name="现在就收").click()
    with page.expect_response(re.compile(r"/bills/[0-9a-f-]+/qr")) as answer:
        page.get_by_role("button", name="让缴款人扫这个码").click()
    expect(page.get_by_role("img", name="微信付款码")).to_be_visible()
    look(page, shots, "collect-code")
    payer = people.citizen("li")
    payer.goto(f"{people.morning.product.sandbox}/wechat-pay/scan?pr={quote(answer.value.json()['qr'])}")
    payer.get_by_role("button", name="立即支付").click()
    expect(page.get_by_text("收到了")).to_be_visible(timeout=30_000)


def test_a_fine_is_issued_from_its_decision_and_taken_back(people: Payers, shots: Path) -> None:
    page = people.staff("lead.xm", "/staff/bills")
    page.get_by_role("button", name="开缴款书").click()
    page.get_by_text("罚款", exact=True).click()
    page.get_by_label("罚款金额（元）").fill("200")
    page.get_by_label("决定书文号").fill("厦公交罚〔2026〕1号")
    page.get_by_label("缴款人", exact=True).fill("黄演示")
    look(page, shots, "issue-fine")
    page.get_by_role("button", name="核对").click()
    expect(page.get_by_text("逾期每天加收")).to_be_visible()
    page.get_by_role("button", name="开缴款书").click()
    code = page.locator(".code").inner_text()
    page.goto("/staff/bills")
    row = page.get_by_role("row").filter(has_text=code)
    row.get_by_role("button", name="作废").click()
    page.get_by_label("原因").fill("开错了人")
    page.get_by_role("button", name="作废", exact=True).click()
    expect(page.get_by_text(f"{code} 已作废")).to_be_visible()
    expect(row).to_contain_text("已作废")


def test_finance_reduces_and_defers_by_a_decision_and_the_payer_reads_it(people: Payers, shots: Path) -> None:
    today = people.morning.now().astimezone(SHANGHAI).date()
    first, second = today + timedelta(days=60), today + timedelta(days=90)
    page = people.staff("finance.one", "/staff/hall")
    page.get_by_text("厦门市行政服务中心").click()
    page.get_by_role("button", name="进入").click()
    page.wait_for_url(re.compile("/staff/postage"))
    page.goto("/staff/issue")
    for _ in range(2):
        page.get_by_role("button", name=re.compile("^普通护照工本费.*加一")).click()
    page.get_by_label("缴款人", exact=True).fill("林演示")
    page.get_by_label("减免普通护照工本费（元）").fill("60")
    page.get_by_role("button", name="核对").click()
    expect(page.get_by_role("alert")).to_contain_text("填批准文号")
    look(page, shots, "issue-reduced")
    page.get_by_label("批准文号").fill("厦财减〔2026〕1号")
    page.get_by_label("最晚哪天缴").fill(first.isoformat())
    page.get_by_role("button", name="核对").click()
    expect(page.get_by_text("¥180.00")).to_be_visible()
    look(page, shots, "issue-reduced-check")
    page.get_by_role("button", name="开缴款书").click()
    code = page.locator(".code").inner_text()
    page.goto("/staff/bills")
    row = page.get_by_role("row").filter(has_text=code)
    expect(row.get_by_role("button", name="作废")).to_have_count(0)
    row.get_by_role("button", name="缓缴").click()
    page.get_by_label("缓到哪天").fill(first.isoformat())
    page.get_by_role("button", name="缓缴", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("选一个比现在的期限晚的日子")
    look(page, shots, "defer")
    page.get_by_label("缓到哪天").fill(second.isoformat())
    page.get_by_label("批准文号").fill("厦财缓〔2026〕2号")
    page.get_by_role("button", name="缓缴", exact=True).click()
    expect(page.get_by_text(f"{code} 可以缴到")).to_be_visible()
    payer = people.citizen("li", size=SMALL)
    find_bill(payer, code, "林演示")
    expect(payer.locator("main")).to_contain_text("减免 60.00 元")
    for told in (
        "少缴 60.00 元",
        "批准文号 厦财减〔2026〕1号",
        f"可以缴到 {long(second)}",
        "批准文号 厦财缓〔2026〕2号",
    ):
        expect(payer.locator("dl")).to_contain_text(told)
    assert violations(payer) == []
    payer.screenshot(path=shots / "bill-reduced.png", full_page=True)


def test_money_that_does_not_fit_is_decided_by_two(people: Payers, shots: Path) -> None:
    """The channel says that another sum came: the bill stays open, two of finance give the money back."""
    code = people.bill("张测试")
    page = people.citizen("zhang", WECHAT)
    find_bill(page, code, "张测试")
    people.sandbox("PUT", "/wechat-pay/operator", {"money": {"came": 10_000}})
    page.get_by_role("button", name="微信支付").tap()
    page.wait_for_url(re.compile("/result$"))
    people.sandbox("PUT", "/wechat-pay/operator", {"money": {"came": None}})
    expect(page.get_by_text("正在核对").first).to_be_visible()
    page.screenshot(path=shots / "bill-checking.png", full_page=True)
    first, second = (people.staff(name, "/staff/suspense") for name in ("finance.one", "finance.two"))
    case = first.locator("li.card").filter(has_text=re.sub(r"(.{4})(?=.)", r"\1 ", code))
    expect(case).to_contain_text("100.00")
    look(first, shots, "suspense-open")
    case.get_by_role("button", name="提出：退回").click()
    expect(first.get_by_role("alert")).to_be_visible()
    case.get_by_label("原因").fill("对方少付了 20 元")
    case.get_by_role("button", name="提出：退回").click()
    first.get_by_role("alertdialog").get_by_role("button", name="确定").click()
    expect(case.get_by_text("对方少付了 20 元")).to_be_visible()
    case.get_by_role("button", name="同意：退回").click()
    first.get_by_role("alertdialog").get_by_role("button", name="确定").click()
    expect(first.get_by_role("alert")).to_contain_text("要由另一个人来定")
    second.reload()
    case = second.locator("li.card").filter(has_text="对方少付了 20 元")
    expect(case).to_be_visible()
    look(second, shots, "suspense-second")
    case.get_by_role("button", name="同意：退回").click()
    second.get_by_role("alertdialog").get_by_role("button", name="确定").click()
    expect(case).to_have_count(0)
    page.reload()
    expect(page.get_by_text(re.compile("退回")).first).to_be_visible()
    page.screenshot(path=shots / "bill-given-back.png", full_page=True)


def test_a_window_takes_the_payers_code_and_prints_a_slip(people: Payers, shots: Path) -> None:
    code = people.bill("陈测试", "hk-macao-permit")
    page = people.staff("window.xm", "/staff/collect")
    page.get_by_label("缴款码").fill(f"{people.morning.product.url}/bills/find?code={code}")
    page.keyboard.press("Enter")
    people.sandbox("PUT", "/nontax-operator", {"typing": 1})
    page.locator("#payers-code").press_sequentially("134567890123456789")
    expect(page.get_by_text(re.compile("正在扣款|正在输密码"))).to_be_visible()
    page.screenshot(path=shots / "staff-collect-typing.png")
    (order,) = people.sandbox("PUT", "/nontax-operator", {})["orders"]
    paid = requests.post(
        f"{people.morning.product.sandbox}/nontax-pay/{order['order_id']}", data={"decision": "pay"}, timeout=5
    )
    assert paid.ok
    expect(page.get_by_text("收到了")).to_be_visible(timeout=30_000)
    page.screenshot(path=shots / "staff-collect-paid.png")
    page.emulate_media(media="print")
    slip = page.locator(".slip-paper")
    expect(slip).to_be_visible()
    expect(slip).to_contain_text("60.00")
    expect(slip).to_contain_text("小票不是收据")


def test_finance_decides_about_the_differences_and_closes_the_day(people: Payers, shots: Path) -> None:
    page = people.staff("finance.one", f"/staff/reconciliation?day={yesterday(people)}")
    found = page.locator("li.card").filter(has_text=STRANGER)
    expect(found).to_have_count(2, timeout=90_000)
    expect(page.locator("li.card")).to_have_count(2)
    expect(page.get_by_text("我方 没有，对方 ¥42.00")).to_be_visible()
    expect(page.get_by_text("我方 没有，对方 ¥31.00")).to_be_visible()
    expect(page.get_by_role("cell", name="等结账")).to_be_visible(timeout=90_000)
    page.screenshot(path=shots / "staff-reconciliation.png", full_page=True)
    on_the_day(page, "结账")
    expect(page.get_by_role("alert")).to_be_visible()
    for place, button in enumerate(("处理完了", "结转")):
        found.nth(place).get_by_label("原因").fill("渠道说是测试款")
        found.nth(place).get_by_role("button", name=button).click()
        expect(found.nth(place).get_by_text("说明：渠道说是测试款")).to_be_visible()
    on_the_day(page, "结账")
    expect(page.get_by_role("cell", name="已结账")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="下载表格（CSV）").click()
    table = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert table.count(STRANGER) == 2
    assert [state for state in ("已处理", "结转", "待处理") if state in table] == ["已处理", "结转"]


def test_staff_s_money_pages_are_accessible_and_fit(people: Payers, shots: Path) -> None:
    for username, names in (("lead.xm", ["collect", "bills", "refunds"]), ("finance.one", FINANCE_PAGES)):
        page = people.staff(username, "/staff/password")
        for name in names:
            page.goto(f"/staff/{name}")
            page.wait_for_load_state("networkidle")
            expect(page.locator("main .bone")).to_have_count(0)
            look(page, shots, name)

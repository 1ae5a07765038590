"""Scenarios 3, 7, 8 and 11 of docs/scenarios.md: an afternoon without a visit, and what goes wrong on one."""

import re
from collections.abc import Iterator
from datetime import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import NewPlace
from tests.e2e.journeys import find_bill
from tests.e2e.morning import Morning, ask, open_at
from tests.e2e.people import SMALL, WECHAT
from tests.e2e.story import CITY, PATIENCE_MS, Story, decide, file_at_counter, mail_home, telling, travels, view
from tests.e2e.test_applications import begin, case_id, give, next_, photo
from tests.e2e.test_casework import signed
from tests.e2e.test_express import choose, paste_address

pytestmark = pytest.mark.slow

START = time(14)
COMPANY = "company-registration"
PERMIT, PERMIT_NAME = "transport-permit-renewal", "道路运输证换发"
WISH = {"phone": "13999990002", "address": "测试路 2 号", "matter": "旧证到期，换新证", "truthful": True}
AWAY_CASE = "XM2026-AWAY-11"
ALWAYS = 1_000_000
STATE = "SELECT state FROM service_case WHERE id = :case"
SHIPMENT = "SELECT {} FROM shipment WHERE subject_id = :case ORDER BY created_at DESC LIMIT 1"


@pytest.fixture(scope="module")
def morning(new_place: NewPlace) -> Iterator[Morning]:
    """A product whose clock says two in the afternoon of a workday."""
    with open_at(START, new_place()) as begun:
        yield begun


@pytest.fixture
def story(browser: Browser, morning: Morning, shots: Path) -> Iterator[Story]:
    with telling(browser, morning, shots) as begun:
        yield begun


def fill_in_a_company(page: Page, draft: str) -> None:
    """Every page of the form, as a founder fills it in on a phone."""

    def turn(to: str) -> None:
        next_(page)
        page.wait_for_url(f"**{draft}/{to}")

    page.goto(f"{draft}/form/name")
    page.get_by_label("公司名称").fill("厦门测试演示科技有限公司")
    page.get_by_label("一人有限责任公司").check()
    turn("form/business")
    page.get_by_label("经营范围").fill("软件开发；信息技术咨询服务")
    page.get_by_label("住所", exact=True).fill("厦门市湖里区测试路 3 号 301")
    page.get_by_label("自有").check()
    turn("form/capital")
    page.get_by_label("注册资本（万元）").fill("50")
    page.get_by_label("否", exact=True).check()
    turn("form/people")
    page.get_by_label("姓名或单位名称").fill("张测试")
    page.get_by_label("持股比例（%）").fill("100")
    turn("form/representative")
    page.get_by_label("法定代表人姓名").fill("张测试")
    page.get_by_label("法定代表人身份证号").fill("350299199001010010")
    page.get_by_label("法定代表人手机").fill("13999990001")
    turn("form/contact")
    page.get_by_label("联系手机").fill("13999990001")
    turn("materials")


def sign_the_letter(page: Page, draft: str) -> None:
    """信用承诺书: read, then signed with the real name."""
    page.goto(f"{draft}/commitment")
    page.get_by_label("我读完了，写的我都同意").check()
    page.get_by_role("button", name="签名", exact=True).tap()
    page.wait_for_url(re.compile(f"{draft}(/(?!commitment).*)?$"))


def hand_in(page: Page, draft: str) -> str:
    """How the result comes, a last look, and the case that follows."""
    page.goto(f"{draft}/delivery")
    page.get_by_role("radio", name=re.compile("邮政 EMS")).check()
    next_(page)
    page.wait_for_url("**/check")
    page.get_by_role("button", name="提交", exact=True).tap()
    page.wait_for_url("**/done")
    return case_id(page)


def test_scenario_3_a_company_is_set_up_online_and_its_licence_mailed_at_no_cost(story: Story) -> None:
    phone = story.citizen("zhang", WECHAT, SMALL)
    draft = begin(phone, COMPANY)
    fill_in_a_company(phone, draft)
    story.look(phone, "3-materials")
    asked = view(phone, draft)["materials"]
    wanted = [one["id"] for one in asked if one["how"] == "upload" and one["required"]]
    assert wanted
    for seed, material in enumerate(wanted):
        give(phone, draft, material, photo(800, 600, seed))
    sign_the_letter(phone, draft)
    case = hand_in(phone, draft)
    story.look(phone, "3-handed-in")

    ask(story.staff("window.xm", "/staff/cases"), "POST", f"/staff/cases/{case}/accept", {})
    decide(story, case, "（厦）登字〔2026〕第 3 号")
    story.told("zhang", "打开看结果")
    order = mail_home(phone, case)
    assert order.startswith("/shipments/"), "nothing to pay"
    expect(phone.get_by_text("政府付，不用你出")).to_be_visible()
    story.look(phone, "3-mailed")
    story.becomes("ordered", SHIPMENT.format("state"), case=case)
    phone.goto(f"/cases/{case}")
    expect(phone.get_by_role("link", name="看快递到哪了")).to_have_attribute("href", order)
    expect(phone.get_by_role("link", name="填地址，寄给我")).to_have_count(0)
    story.look(phone, "3-case-under-way")
    travels(story, story.fact(SHIPMENT.format("waybill"), case=case), "in_person")
    story.becomes("delivered", STATE, case=case)
    phone.goto(f"/cases/{case}")
    expect(phone.locator(".headline")).to_have_text("已送达")
    story.look(phone, "3-delivered")

    assert story.fact(SHIPMENT.format("payer"), case=case) == "gov"
    me = "SELECT count(*) FROM {} WHERE person_id = (SELECT person_id FROM service_case WHERE id = :case)"
    assert story.fact(me.format("appointment"), case=case) == 0
    assert story.fact(me.format("ticket"), case=case) == 0
    assert story.fact("SELECT count(*) FROM bill WHERE subject_id = :case", case=case) == 0
    story.holds()


def sign_for(story: Story, desk: Page, shipment: str, name: str, tail: str) -> None:
    """Who fetches it shows the card, is compared with it and signs."""
    desk.goto(f"/staff/shipments?shipment={shipment}")
    desk.get_by_role("button", name="窗口领取").click()
    desk.get_by_label("来领的人姓名").fill(name)
    desk.get_by_label("证件号码后 4 位").fill(tail)
    desk.get_by_label("证件和人核对过了").check()
    signed(desk)
    story.look(desk, "8-signing")
    desk.get_by_role("button", name="确认交给本人或代领人").click()
    expect(desk.get_by_text("已交给来领的人")).to_be_visible()


def test_scenario_8_a_certificate_comes_back_and_is_fetched_at_the_window(story: Story) -> None:
    desk = story.staff("window.xm", "/staff/cases")
    case = file_at_counter(desk, PERMIT, "li", WISH)
    decide(story, case, "厦交运〔2026〕8号")
    phone = story.citizen("li", WECHAT, SMALL)
    order = mail_home(phone, case)
    story.becomes("ordered", SHIPMENT.format("state"), case=case)
    waybill = story.fact(SHIPMENT.format("waybill"), case=case)

    travels(story, waybill, "refused_and_returned")
    story.becomes("returned", SHIPMENT.format("state"), case=case)
    phone.goto(f"/cases/{case}")
    phone.get_by_role("link", name="看快递到哪了").tap()
    expect(phone.locator(".headline")).to_have_text("已退回")
    story.look(phone, "8-returned")
    desk.goto("/staff/exceptions")
    back = desk.locator("li.card").filter(has_text=waybill).filter(has_text="退回大厅了")
    story.look(desk, "8-exception")
    back.get_by_role("button", name="已放进证件柜").click()
    desk.get_by_role("alertdialog").get_by_role("button", name="就这样").click()
    expect(back).to_have_count(0)
    story.told("li", "到大厅领，或重新邮寄")
    phone.reload()
    expect(phone.locator(".headline")).to_have_text("在大厅等你取")
    story.look(phone, "8-in-the-cabinet")
    phone.goto(f"/cases/{case}")
    story.look(phone, "8-case-in-the-cabinet")

    sign_for(story, desk, order.rpartition("/")[2], "李测试", "0029")
    story.becomes("delivered", STATE, case=case)
    phone.goto(f"/cases/{case}")
    expect(phone.locator(".headline")).to_have_text("已送达")
    assert story.fact(SHIPMENT.format("state || ' ' || proof"), case=case) == "closed window"
    waiting = "SELECT count(*) FROM shipment_task WHERE state = 'open' AND shipment_id = (SELECT id FROM shipment WHERE"
    assert story.fact(f"{waiting} subject_id = :case)", case=case) == 0
    story.holds()


def owed(story: Story, payer: str) -> tuple[str, str]:
    """A passport's bill for this payer, which finance has heard of: payment code and id."""
    lead = story.staff("lead.xm", "/staff/password")
    body = {
        "lines": [{"item": "passport"}],
        "accepted_on": story.morning.now().date().isoformat(),
        "payer": {"name": payer},
        "subject_type": "counter",
        "subject_id": payer,
    }
    bill = ask(lead, "POST", "/staff/bills", body)
    story.becomes(1, "SELECT registered_version FROM bill_at_finance WHERE bill_id = :bill", bill=bill["id"])
    return bill["pay_code"], bill["id"]


def wechat_pay_fails(story: Story, *calls: str) -> None:
    """These calls to WeChat Pay fail from now on, `*` for all; none of them when none is named."""
    faults = [{"endpoint": call, "kind": "error", "times": ALWAYS} for call in calls]
    story.sandbox("PUT", "/wechat-pay/operator", {"faults": faults})


def test_scenario_7_what_was_paid_twice_goes_back_by_itself(story: Story) -> None:
    code, bill = owed(story, "黄演示")
    phone = story.citizen("huang", size=SMALL)
    find_bill(phone, code, "黄演示")
    phone.get_by_role("button", name="微信支付").tap()
    phone.wait_for_url(re.compile("/checkmweb"))

    wechat_pay_fails(story, "query", "close")  # nobody can end the order that the phone shows
    story.sandbox("POST", "/finance/desk/api/counter", {"pay_code": code, "channel": "bank"})
    desk = story.staff("window.xm", f"/staff/collect?code={code}")
    desk.get_by_role("button", name="收了现金或刷卡？查一下").click()
    expect(desk.get_by_text("收到了")).to_be_visible(timeout=PATIENCE_MS)
    story.look(desk, "7-bank")

    phone.get_by_role("button", name="立即支付").click()
    phone.wait_for_url(re.compile("/result$"))
    story.look(phone, "7-paid-again")
    wechat_pay_fails(story)
    expect(phone.get_by_text("这笔钱已经退回")).to_be_visible(timeout=90_000)
    expect(phone.get_by_text("多付或晚到的钱，会自动原路退回。")).to_be_visible()
    story.look(phone, "7-given-back")
    story.told("huang", "退")

    story.becomes("ebill_issued", "SELECT state FROM bill WHERE id = :bill", bill=bill)
    assert story.fact("SELECT paid_via FROM bill WHERE id = :bill", bill=bill) == "other"
    back = "SELECT string_agg(origin || ' ' || state || ' ' || amount_fen, ',') FROM refund WHERE bill_id = :bill"
    assert story.fact(back, bill=bill) == "automatic success 12000"
    kept = next(one for one in story.sandbox("GET", "/finance/desk/api/state")["bills"] if one["pay_code"] == code)
    assert (kept["channel"], [one["red"] for one in kept["ebills"]]) == ("bank", [None])
    story.holds()


def log_in_by_phone(story: Story, page: Page, number: str, person: str) -> None:
    """The code comes by SMS."""
    page.get_by_label("手机号").fill(number)
    page.get_by_role("button", name="发验证码").tap()
    found = re.search(r"\d{6}", story.told(person, "验证码")["text"])
    assert found
    page.get_by_label("验证码").fill(found[0])
    page.get_by_role("button", name="登录", exact=True).tap()
    page.wait_for_url(re.compile("/me$"))


def test_scenario_11_channel_courier_and_i_xiamen_are_away_and_come_back(story: Story) -> None:
    code, bill = owed(story, "林演示")
    phone = story.citizen("lin", WECHAT, SMALL)
    choose(phone, AWAY_CASE, "个体工商户设立登记", CITY, "把结果寄给我")
    paste_address(phone)
    phone.get_by_role("button", name="确认下单").tap()
    phone.wait_for_url(re.compile(r"/shipments/[0-9a-f-]{36}$"))
    order = phone.url

    wechat_pay_fails(story, "*")
    story.sandbox("PUT", "/ems/operator", {"faults": [{"endpoint": "*", "kind": "drop_before", "times": ALWAYS}]})
    story.sandbox("PUT", "/operator/api/faults", {"ixiamen": "outage"})
    desk = story.staff("window.xm", "/staff/shipments")
    desk.get_by_label("查找").fill(AWAY_CASE)
    desk.get_by_label("查找").press("Enter")
    desk.locator("tbody").get_by_role("button", name=re.compile("个体工商户")).first.click()
    desk.get_by_role("button", name="材料备好了，寄出").click()
    expect(desk.get_by_text("已通知快递公司")).to_be_visible()
    phone.reload()
    expect(phone.locator(".headline")).to_have_text(re.compile("正在下单|正在核对"))
    story.look(phone, "11-no-courier")
    find_bill(phone, code, "林演示")
    phone.get_by_role("button", name="微信支付").tap()
    expect(phone.get_by_text("支付通道繁忙，没有扣款")).to_be_visible(timeout=PATIENCE_MS)
    story.look(phone, "11-no-channel")
    other = story.visitor(size=SMALL)
    other.goto("/login?return_to=/me")
    other.get_by_role("link", name=re.compile("i厦门")).tap()
    expect(other.get_by_text("Bad Gateway")).to_be_visible()
    other.go_back()
    log_in_by_phone(story, other, "13999990007", "wu")
    story.look(other, "11-no-i-xiamen")

    wechat_pay_fails(story)
    story.sandbox("PUT", "/ems/operator", {"faults": []})
    story.sandbox("PUT", "/operator/api/faults", {"ixiamen": "normal"})
    shipment = "SELECT state FROM shipment WHERE subject_id = :case"
    story.becomes("ordered", shipment, case=AWAY_CASE)
    parcels = [one["number"] for one in story.sandbox("GET", "/ems/operator")["shipments"]]
    ours = story.fact("SELECT number FROM shipment WHERE subject_id = :case", case=AWAY_CASE)
    assert parcels.count(ours) == 1
    phone.get_by_role("button", name="微信支付").tap()
    phone.wait_for_url(re.compile("/result$"))
    expect(phone.get_by_text("缴费成功")).to_be_visible(timeout=PATIENCE_MS)
    paid = "SELECT count(*) FROM payment_attempt WHERE bill_id = :bill AND state = 'paid'"
    assert story.fact(paid, bill=bill) == 1
    phone.goto(order)
    expect(phone.locator(".headline")).to_have_text("已下单")
    other.goto("/api/v1/auth/ixiamen?return_to=/me")
    other.locator("input[name=person][value=wu]").check(force=True)
    other.locator("button[value=allow]").click()
    other.wait_for_url(re.compile("/me$"))
    assert view(other, "/session")["me"]["level"] >= 2
    story.holds()

"""The rarer steps of a case at the desks: special step, extension, opinions, refusal, another hall; and its receipt."""

import re
from collections.abc import Iterator
from datetime import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import NewPlace, violations
from tests.e2e.journeys import show
from tests.e2e.morning import Morning, ask, open_at
from tests.e2e.people import DESKTOP, SMALL
from tests.e2e.story import Story, file_at_counter, hand_in_at_counter, telling
from tests.e2e.test_casework import stepped

START = time(10)
ABOUT = {"phone": "13999990002", "address": "测试路 2 号", "truthful": True}
PERMIT, JOINT, ENROL = "transport-permit-renewal", "joint-acceptance", "social-insurance-enrol"
PRINTER, PRINTED = "window.print = () => { document.documentElement.dataset.printed = '' }", "html[data-printed]"
COLLEAGUE = "approve.colleague"


@pytest.fixture(scope="module")
def morning(new_place: NewPlace) -> Iterator[Morning]:
    """A product whose clock says ten in the morning of a workday."""
    with open_at(START, new_place()) as begun:
        yield begun


@pytest.fixture
def story(browser: Browser, morning: Morning, shots: Path) -> Iterator[Story]:
    with telling(browser, morning, shots) as begun:
        yield begun


def opened(story: Story, username: str, case: str) -> Page:
    """The case on this person's desk."""
    desk = story.staff(username, f"/staff/cases?case={case}")
    expect(desk.locator("#thread")).to_be_visible()
    return desk


def press(desk: Page, step: str) -> None:
    desk.get_by_role("button", name=step, exact=True).click()


def confirm(desk: Page, step: str) -> None:
    desk.get_by_role("button", name=f"确定{step}", exact=True).click()


def done(desk: Page, step: str) -> None:
    expect(desk.get_by_text(f"{step}，办好了")).to_be_visible()


def cannot(desk: Page, *steps: str) -> None:
    for step in steps:
        expect(desk.get_by_role("button", name=step, exact=True)).to_have_count(0)


def test_a_special_step_stops_the_clock_and_the_lead_extends_once(story: Story) -> None:
    case = file_at_counter(story.staff("window.xm", "/staff/cases"), PERMIT, "li", {**ABOUT, "matter": "换证"})
    phone = story.citizen("li", size=SMALL, path="/cases")
    desk = opened(story, "approve.xm", case)
    stepped(desk, "开始审核")
    press(desk, "特别程序")
    confirm(desk, "特别程序")
    expect(desk.get_by_role("link", name="选一项")).to_be_visible()
    desk.get_by_label("哪一项").select_option(label="检验检测（最多 10 个工作日）")
    desk.get_by_label("文号").fill("厦交特〔2026〕1号")
    desk.get_by_label("几个工作日").fill("11")
    confirm(desk, "特别程序")
    expect(desk.get_by_role("alert").get_by_text("最多 10 个工作日")).to_be_visible()
    story.look(desk, "steps-pause-refused")
    desk.get_by_label("几个工作日").fill("5")
    confirm(desk, "特别程序")
    done(desk, "特别程序")
    cannot(desk, "准予", "不予")
    expect(desk.get_by_text(re.compile("最多 5 个工作日，告知书 厦交特〔2026〕1号"))).to_be_visible()
    story.look(desk, "steps-paused")
    phone.goto(f"/cases/{case}")
    expect(phone.get_by_text("特别程序中")).to_be_visible()
    expect(phone.get_by_text("这一步的时间不算在期限里")).to_be_visible()
    story.told("li", "检验检测")
    story.look(phone, "steps-paused-phone")
    stepped(desk, "结束特别程序")
    expect(desk.get_by_role("button", name="准予", exact=True)).to_be_visible()
    cannot(desk, "特别程序", "延长期限")

    lead = opened(story, "lead.xm", case)
    press(lead, "延长期限")
    lead.get_by_label("文号").fill("厦交延〔2026〕1号")
    lead.get_by_label("几个工作日").fill("11")
    lead.get_by_label("原因").fill("要向外地核实车辆情况")
    confirm(lead, "延长期限")
    expect(lead.get_by_role("alert").get_by_text("最多 10 个工作日")).to_be_visible()
    story.look(lead, "steps-extend-refused")
    lead.get_by_label("几个工作日").fill("10")
    confirm(lead, "延长期限")
    done(lead, "延长期限")
    expect(lead.get_by_text("（承诺 11，法定 30）")).to_be_visible()
    cannot(lead, "延长期限")
    story.told("li", "延长期限")
    story.holds()


def test_each_department_answers_before_the_decision(story: Story) -> None:
    answers = {**ABOUT, "matter": "厂房竣工，申请联合验收"}
    case = file_at_counter(story.staff("window.xm", "/staff/cases"), JOINT, "li", answers)
    appoint(story)
    desk = opened(story, "approve.xm", case)
    stepped(desk, "开始审核")
    press(desk, "准予")
    desk.get_by_label("文号").fill("厦建验〔2026〕1号")
    confirm(desk, "准予")
    expect(desk.get_by_role("alert")).to_be_visible()
    story.look(desk, "steps-opinion-missing")
    desk.keyboard.press("Escape")
    press(desk, "给出意见")
    desk.get_by_label("意见", exact=True).fill("现场看过，符合要求")
    confirm(desk, "给出意见")
    expect(desk.get_by_role("link", name="选一个部门")).to_be_visible()
    desk.get_by_label("代表哪个部门").select_option(index=1)
    confirm(desk, "给出意见")
    done(desk, "给出意见")
    press(desk, "给出意见")
    desk.get_by_label("意见", exact=True).fill("也同意")
    confirm(desk, "给出意见")
    expect(desk.get_by_role("alert").get_by_text("一个人只能代表一个部门")).to_be_visible()

    other = story.staff(COLLEAGUE, "/staff/cases?box=joint")
    other.locator("tbody .pick").first.click()
    press(other, "给出意见")
    other.get_by_label("不同意").check()
    other.get_by_label("意见", exact=True).fill("绿地面积不够")
    confirm(other, "给出意见")
    done(other, "给出意见")
    expect(other.get_by_text("绿地面积不够")).to_be_visible()
    cannot(other, "给出意见")
    story.look(other, "steps-opinions")
    desk.reload()
    press(desk, "准予")
    desk.get_by_label("文号").fill("厦建验〔2026〕1号")
    confirm(desk, "准予")
    expect(desk.get_by_role("alert").get_by_text("有部门不同意，不能准予")).to_be_visible()


def appoint(story: Story) -> None:
    """Another approver of the city's hall, made by its lead."""
    lead = story.staff("lead.xm", "/staff/team")
    body = {"username": COLLEAGUE, "display_name": "另一位审批", "roles": ["approver"], "reason": "新入职"}
    made = ask(lead, "POST", "/staff/accounts", body)
    story.morning.appointed[COLLEAGUE] = made["password"], made["totp_secret"]


def test_a_refusal_to_accept_says_why(story: Story) -> None:
    phone = story.citizen("zhang", size=SMALL, path="/cases")
    case = hand_in_at_counter(story.staff("window.xm", "/staff/cases"), PERMIT, "zhang", {**ABOUT, "matter": "换证"})
    desk = opened(story, "window.xm", case)
    cannot(desk, "打印受理回执")
    press(desk, "不予受理")
    desk.get_by_role("button", name="这件事不归我们管，请到写明的部门办").click()
    confirm(desk, "不予受理")
    expect(desk.get_by_role("link", name="填文号")).to_be_visible()
    desk.get_by_label("文号").fill("厦交不受〔2026〕1号")
    desk.get_by_label("原因").fill("这辆车在泉州登记，请到泉州办")
    confirm(desk, "不予受理")
    done(desk, "不予受理")
    expect(desk.get_by_text("现在不用你办")).to_be_visible()
    story.look(desk, "steps-not-accepted")
    for language, elder in (("zh", False), ("en", False), ("zh", True)):
        phone.goto(f"/cases/{case}")
        show(phone, language=language, elder=elder)
        expect(phone.get_by_text("这辆车在泉州登记，请到泉州办")).to_be_visible()
        assert violations(phone) == []
    show(phone, language="zh", elder=False)
    expect(phone.get_by_text("不予受理").first).to_be_visible()
    expect(phone.get_by_text("书面通知 厦交不受〔2026〕1号")).to_be_visible()
    expect(phone.get_by_text("不同意，可以在 60 天内申请行政复议")).to_be_visible()
    story.look(phone, "steps-not-accepted-phone")
    expect(phone.get_by_role("link", name="受理回执")).to_have_count(0)
    phone.goto(f"/cases/{case}/receipt")
    expect(phone.get_by_text("还没有受理，受理后才有回执", exact=True)).to_be_visible()
    story.told("zhang", "不予受理")


def test_papers_go_to_another_hall_and_are_signed_for(story: Story) -> None:
    window = story.staff("window.xm", "/staff/cases")
    case = hand_in_at_counter(window, ENROL, "li", {**ABOUT, "matter": "公司开户参保"})
    desk = opened(story, "window.xm", case)
    press(desk, "转给别的大厅")
    halls = desk.get_by_label("哪个大厅").locator("option")
    expect(halls.filter(has_text="思明区政务服务中心")).to_have_count(1)
    expect(halls.filter(has_text="出入境")).to_have_count(0)
    desk.get_by_label("哪个大厅").select_option(label="思明区政务服务中心")
    desk.get_by_label("原因").fill("办事人住在思明，要在思明领")
    confirm(desk, "转给别的大厅")
    done(desk, "转给别的大厅")
    expect(desk.get_by_text("材料从厦门市行政服务中心转到思明区政务服务中心，还没签收")).to_be_visible()
    cannot(desk, "受理", "要求补正", "转给别的大厅")
    story.look(desk, "steps-sent-on")
    press(desk, "不转了")
    desk.get_by_label("原因").fill("先在这里核对原件")
    confirm(desk, "不转了")
    done(desk, "不转了")
    press(desk, "转给别的大厅")
    desk.get_by_label("哪个大厅").select_option(label="思明区政务服务中心")
    desk.get_by_label("原因").fill("核对好了，转到思明")
    confirm(desk, "转给别的大厅")
    done(desk, "转给别的大厅")

    there = story.staff("window.sm", "/staff/cases?box=incoming")
    there.locator("tbody .pick").first.click()
    story.look(there, "steps-incoming")
    stepped(there, "签收")
    stepped(there, "受理")
    desk.reload()
    expect(desk.get_by_text("没有找到这个办件", exact=True)).to_be_visible()
    phone = story.citizen("li", size=SMALL, path="/cases")
    phone.goto(f"/cases/{case}")
    expect(phone.get_by_text("材料转到思明区政务服务中心了")).to_be_visible()
    story.holds()


def test_an_accepted_case_has_a_receipt_for_paper_and_phone(story: Story) -> None:
    case = file_at_counter(story.staff("window.xm", "/staff/cases"), PERMIT, "zhang", {**ABOUT, "matter": "换证"})
    desk = story.staff("window.xm", "/staff/password", DESKTOP)
    desk.add_init_script(PRINTER)
    desk.goto(f"/staff/cases?case={case}")
    press(desk, "打印受理回执")
    expect(desk.locator(PRINTED)).to_have_count(1)
    desk.emulate_media(media="print")
    paper = desk.locator(".sheet-paper")
    expect(paper.get_by_text("原道路运输证：原件 1 份")).to_be_visible()
    expect(paper.get_by_text("张* 350***********0010")).to_be_visible()
    expect(paper.get_by_text("受理专用章：")).to_be_visible()
    expect(desk.locator("main")).to_be_hidden()
    desk.screenshot(path=story.shots / "steps-receipt-paper.png")

    phone = story.citizen("zhang", size=SMALL, path="/cases")
    phone.add_init_script(PRINTER)
    for language, elder in (("en", False), ("zh", True), ("zh", False)):
        phone.goto(f"/cases/{case}/receipt")
        show(phone, language=language, elder=elder)
        expect(phone.locator("svg.qr")).to_be_visible()
        assert violations(phone) == []
        story.look(phone, f"steps-receipt-{language}{'-elder' if elder else ''}")
    phone.goto(f"/cases/{case}")
    phone.get_by_role("link", name="受理回执").tap()
    expect(phone.get_by_text("没有，材料齐了")).to_be_visible()
    phone.get_by_role("button", name="打印").tap()
    expect(phone.locator(PRINTED)).to_have_count(1)
    phone.emulate_media(media="print")
    expect(phone.get_by_role("button", name="打印")).to_be_hidden()
    expect(phone.get_by_role("link", name="返回")).to_be_hidden()

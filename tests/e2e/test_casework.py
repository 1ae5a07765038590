"""A case at the desks: corrected once, accepted, decided and handed out by three people; no other hall sees it."""

import re
from collections.abc import Iterator
from datetime import time
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import NewPlace, violations
from tests.e2e.journeys import show
from tests.e2e.morning import Morning, ask, open_at
from tests.e2e.people import DESKTOP, SMALL, People

START = time(10)
ITEM, ITEM_NAME = "medical-reimbursement", "医疗费用手工报销"
COUNTER, COUNTER_NAME = "property-query", "不动产登记信息查询"
ANSWERS = {"phone": "13800000001", "address": "测试路 1 号", "matter": "上个月住院的费用", "truthful": True}
UPLOAD = """async ([application, materials]) => {
  const { csrf_token } = await (await fetch('/api/v1/session')).json()
  const say = async (method, path, body, type, more) => {
    const headers = { 'Content-Type': type, 'X-CSRF-Token': csrf_token, ...more }
    return (await fetch('/api/v1' + path, { method, headers, body })).json()
  }
  const picture = async (words) => {
    const canvas = document.createElement('canvas')
    Object.assign(canvas, { width: 900, height: 1200 })
    const pen = canvas.getContext('2d')
    pen.fillStyle = '#fff'
    pen.fillRect(0, 0, 900, 1200)
    pen.fillStyle = '#234'
    pen.font = '64px sans-serif'
    pen.fillText(words, 60, 200)
    return new Promise((done) => canvas.toBlob(done, 'image/png'))
  }
  return Promise.all(materials.map(async (material) => {
    const blob = await picture(material)
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()))
    const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
    const about = { subject_type: 'application', subject_id: application, material, name: '材料.png' }
    const told = JSON.stringify({ ...about, media_type: 'image/png', size: blob.size, sha256 })
    const file = await say('POST', '/files', told, 'application/json', { 'Idempotency-Key': crypto.randomUUID() })
    await say('PATCH', '/files/' + file.id, blob, 'application/octet-stream', { 'Upload-Offset': '0' })
    let now = await say('POST', '/files/' + file.id + '/finish', '{}', 'application/json', {})
    while (now.state === 'checking' || now.state === 'receiving') {
      await new Promise((done) => setTimeout(done, 500))
      now = await (await fetch('/api/v1/files/' + file.id)).json()
    }
    return now.state
  }))
}"""
SLOW_MS = 40_000
"""Files are checked by the worker, on a busy machine."""


@pytest.fixture(scope="module")
def morning(new_place: NewPlace) -> Iterator[Morning]:
    """A product whose clock says ten in the morning of a workday."""
    with open_at(START, new_place()) as begun:
        yield begun


@pytest.fixture
def people(browser: Browser, morning: Morning) -> Iterator[People]:
    found = People(browser, morning)
    yield found
    found.leave()


def filed(page: Page) -> tuple[dict[str, Any], str]:
    """An application with one picture, handed in by this citizen; with its case's number."""
    begun = ask(page, "POST", "/applications", {"item": ITEM})
    path = f"/applications/{begun['id']}"
    told = {"revision": begun["revision"], "answers": ANSWERS, "delivery": "window"}
    kept = ask(page, "PATCH", path, told)
    materials = [one["id"] for one in kept["materials"] if one["required"]]
    assert set(page.evaluate(UPLOAD, [begun["id"], materials])) == {"ready"}
    case = ask(page, "POST", f"{path}/submit", {})
    return begun, str(case["number"])


def opened(desk: Page, number: str) -> None:
    """The case of this number, typed as from a slip."""
    desk.goto("/staff/cases")
    desk.get_by_label("办件编号").fill(number)
    desk.get_by_label("办件编号").press("Enter")
    expect(desk.locator("h1")).to_have_text(ITEM_NAME)


def stepped(desk: Page, step: str) -> None:
    """Press the step, then its confirmation."""
    desk.get_by_role("button", name=step, exact=True).click()
    desk.get_by_role("button", name=f"确定{step}", exact=True).click()
    expect(desk.get_by_text(f"{step}，办好了")).to_be_visible()


def signed(desk: Page) -> None:
    """A line drawn on the pad."""
    pad = desk.locator("canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    desk.mouse.move(box["x"] + 30, box["y"] + 40)
    desk.mouse.down()
    desk.mouse.move(box["x"] + 180, box["y"] + 90, steps=5)
    desk.mouse.up()


def test_three_desks_carry_a_case_to_its_end(people: People) -> None:
    citizen = people.citizen("zhang")
    begun, number = filed(citizen)
    front = people.staff("window.xm", "/staff/cases")
    opened(front, number)
    picture = front.locator(".paper img")
    expect(picture).to_be_visible()
    before = picture.bounding_box()
    front.keyboard.press("+")
    front.keyboard.press("r")
    expect(picture).to_have_attribute("style", re.compile(r"rotate\(90deg\)"))
    after = picture.bounding_box()
    assert before
    assert after
    assert after["width"] > before["width"]
    stepped(front, "收件")

    front.get_by_role("button", name="要求补正", exact=True).click()
    front.get_by_text(re.compile("^填的内容有问题")).click()
    front.locator("#f-field-matter").fill("写清楚哪家医院")
    front.reload()
    front.get_by_role("button", name="要求补正", exact=True).click()
    expect(front.locator("#f-field-matter")).to_have_value("写清楚哪家医院")
    front.get_by_role("button", name="一次告知（1 处）").click()
    expect(front.get_by_text("要求补正，办好了")).to_be_visible()
    reopened = ask_view(citizen, f"/applications/{begun['id']}")
    answers = {"matter": "上个月在测试医院住院的费用"}
    ask(citizen, "PATCH", f"/applications/{begun['id']}", {"revision": reopened["revision"], "answers": answers})
    ask(citizen, "POST", f"/applications/{begun['id']}/submit", {})
    opened(front, number)
    expect(front.get_by_text("上个月在测试医院住院的费用")).to_be_visible()
    expect(front.get_by_role("button", name="要求补正", exact=True)).to_have_count(0)
    stepped(front, "受理")

    approver = people.staff("approve.xm", "/staff/cases")
    opened(approver, number)
    expect(approver.get_by_role("button", name="受理", exact=True)).to_have_count(0)
    stepped(approver, "开始审核")
    approver.get_by_role("button", name="准予", exact=True).click()
    approver.get_by_role("button", name="确定准予").click()
    expect(approver.get_by_role("link", name="填文号")).to_be_visible()
    approver.get_by_label("文号").fill("厦资查〔2026〕7号")
    approver.get_by_role("button", name="确定准予").click()
    expect(approver.get_by_text("准予，办好了")).to_be_visible()
    expect(approver.get_by_text("厦资查〔2026〕7号").first).to_be_visible()

    issuer = people.staff("issue.xm", "/staff/cases")
    opened(issuer, number)
    stepped(issuer, "办结")
    stepped(issuer, "放到窗口待领")
    issuer.get_by_role("button", name="当面交给办事人", exact=True).click()
    issuer.get_by_role("button", name="确定当面交给办事人").click()
    expect(issuer.get_by_role("link", name="请来领的人签名")).to_be_visible()
    issuer.locator("#f-compared").check()
    signed(issuer)
    issuer.get_by_role("button", name="确定当面交给办事人").click()
    expect(issuer.get_by_text("当面交给办事人，办好了")).to_be_visible(timeout=SLOW_MS)

    other = people.staff("window.sm", "/staff/cases")
    other.get_by_label("办件编号").fill(number)
    other.get_by_label("办件编号").press("Enter")
    expect(other.get_by_role("alert").get_by_text("没有找到这个办件")).to_be_visible()


def ask_view(page: Page, path: str) -> Any:
    """What the API shows to the person who is signed in on this page."""
    return page.evaluate("async (path) => (await fetch('/api/v1' + path)).json()", path)


def test_questions_are_answered_and_cases_go_in_batches(people: People) -> None:
    citizen = people.citizen("li")
    numbers = [filed(citizen)[1] for _ in range(2)]
    front = people.staff("window.xm", "/staff/cases")
    for number in numbers:
        front.get_by_label(f"选中 {number}").check()
    front.get_by_role("button", name="收件 2 件").click()
    front.get_by_role("alertdialog").get_by_role("button", name="确定收件").click()
    expect(front.get_by_text("收件完成 2 件")).to_be_visible()

    opened(front, numbers[0])
    front.get_by_label("写给办事人").fill("材料收到了，三天内告诉你结果。")
    front.get_by_role("button", name="发送").click()
    expect(front.locator("#thread").get_by_text("三天内告诉你结果")).to_be_visible()
    front.get_by_role("button", name="转给别的大厅").click()
    front.get_by_role("button", name="确定转给别的大厅").click()
    expect(front.get_by_role("link", name="选一个大厅")).to_be_visible()
    front.keyboard.press("Escape")
    expect(front.get_by_role("button", name="转给别的大厅")).to_be_visible()
    front.keyboard.press("Escape")
    expect(front.locator("h1")).to_have_text("办件收件箱")


def test_a_window_files_for_who_stands_there(people: People) -> None:
    desk = people.staff("window.xm", "/staff/case-filing")
    desk.get_by_label("办的是什么事").fill(COUNTER_NAME)
    desk.get_by_role("button", name="找", exact=True).click()
    expect(desk.locator("#f-item")).to_have_value(COUNTER)
    desk.get_by_label("证件上的姓名").fill("张测试")
    desk.get_by_label("证件号码").fill("350299199001010010")
    desk.get_by_role("button", name="开始填").click()
    desk.locator("#f-matter").fill("查一下名下的房子")
    expect(desk.get_by_text("填的都存好了")).to_be_visible()
    desk.reload()
    expect(desk.locator("#f-matter")).to_have_value("查一下名下的房子")
    desk.get_by_role("button", name="提交", exact=True).click()
    expect(desk.get_by_role("alert")).to_be_visible()
    desk.locator("#f-phone").fill("13900000001")
    desk.locator("#f-truthful").check()
    desk.get_by_role("button", name="提交", exact=True).click()
    expect(desk.get_by_text(re.compile("交好了，办件编号"))).to_be_visible()


def test_a_partner_point_files_with_the_citizens_code(people: People) -> None:
    citizen = people.citizen("zhang")
    desk = people.staff("bank.xm", "/staff/case-filing")
    desk.get_by_label("办的是什么事").fill(COUNTER_NAME)
    desk.get_by_role("button", name="找", exact=True).click()
    expect(desk.locator("#f-item")).to_have_value(COUNTER)
    desk.get_by_label("证件上的姓名").fill("张测试")
    desk.get_by_label("证件号码").fill("350299199001010010")
    desk.get_by_role("button", name="开始填").click()
    for field, words in (("phone", "13900000001"), ("address", "测试路 1 号"), ("matter", "查一下名下的房子")):
        desk.locator(f"#f-{field}").fill(words)
    desk.locator("#f-truthful").check()
    desk.get_by_role("button", name="提交", exact=True).click()
    expect(desk.get_by_role("alert").get_by_text("要先输入办事人的确认码")).to_be_visible()
    desk.locator("#f-code").fill(ask(citizen, "POST", "/me/filing-code", {})["code"])
    desk.get_by_role("button", name="核对确认码").click()
    expect(desk.get_by_text("办事人确认过了")).to_be_visible()
    desk.get_by_role("button", name="提交", exact=True).click()
    expect(desk.get_by_text(re.compile("交好了，办件编号"))).to_be_visible()


def test_a_result_is_a_file_that_was_checked(people: People) -> None:
    desk = people.staff("issue.xm", "/staff/cases")
    desk.locator("tbody tr").filter(has_text="准予").first.locator(".pick").click()
    desk.get_by_role("button", name="办结", exact=True).click()
    desk.get_by_text("电子文件").click()
    desk.get_by_role("button", name="确定办结").click()
    expect(desk.get_by_role("link", name="先放上结果文件")).to_be_visible()
    image = desk.screenshot(clip={"x": 0, "y": 0, "width": 400, "height": 300})
    desk.locator("#f-result").set_input_files({"name": "结果.png", "mimeType": "image/png", "buffer": image})
    expect(desk.get_by_text("结果.png 检查过了，可以用")).to_be_visible(timeout=SLOW_MS)
    desk.get_by_role("button", name="确定办结").click()
    expect(desk.get_by_text("办结，办好了")).to_be_visible()
    expect(desk.get_by_text("结果文件校验值")).to_be_visible()


@pytest.mark.parametrize(("size", "language"), [(SMALL, "zh"), (DESKTOP, "en")])
def test_pages_fit_and_can_be_used_by_everybody(people: People, size: tuple[int, int], language: str) -> None:
    desk = people.staff("window.xm", "/staff/cases", size)
    show(desk, language=language, elder=False)
    for path in ("/staff/cases", "/staff/case-filing"):
        desk.goto(path)
        fits(desk, size, path)
    desk.goto("/staff/cases")
    desk.locator("tbody .pick").first.click()
    expect(desk.locator("#thread")).to_be_visible()
    fits(desk, size, "case")
    desk.get_by_role("group").locator("button").first.click()
    fits(desk, size, "step")


def fits(page: Page, size: tuple[int, int], name: str) -> None:
    expect(page.locator("h1")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert violations(page) == [], name
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0], name

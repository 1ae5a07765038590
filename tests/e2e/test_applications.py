"""An item filed on a phone from search to result: a cut upload, two phones, corrections, messages, a rating."""

import io
import random
import re
from collections.abc import Iterator
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import NewPlace
from tests.e2e.journeys import show
from tests.e2e.morning import Morning, ask, open_at
from tests.e2e.people import SMALL, People
from tests.e2e.test_budgets import Inspector

pytestmark = pytest.mark.slow

START = time(9, 30)
ITEM = "remote-medical-filing"
"""异地就医备案: depth 5, no visit, two documents of one's own and one that is looked up."""
FORM, PROMISE = f"{ITEM}.form", f"{ITEM}.residence"
LOOKS = [("wang", "zh", False), ("huang", "zh", True), ("lin", "en", False)]
DRAFT_PAGES = [
    *("", "/form/who", "/form/matter", "/form/promise", "/materials", f"/materials/{FORM}", "/delivery", "/check"),
]
CHECKED_MS = 30_000
"""The worker looks at a file within seconds; a busy machine takes longer."""


@pytest.fixture(scope="module")
def morning(new_place: NewPlace) -> Iterator[Morning]:
    """A product whose clock says half past nine on a workday."""
    with open_at(START, new_place()) as begun:
        yield begun


@pytest.fixture(scope="module")
def people(browser: Browser, morning: Morning) -> Iterator[People]:
    everybody = People(browser, morning)
    yield everybody
    everybody.leave()


def photo(width: int, height: int, seed: int = 1) -> dict[str, Any]:
    """A photograph as a phone takes it: noise, so that it stays large."""
    noise = Image.frombytes("RGB", (width // 8, height // 8), random.Random(seed).randbytes(width * height // 64 * 3))
    content = io.BytesIO()
    noise.resize((width, height)).save(content, "JPEG", quality=96)
    return {"name": "IMG_0301.jpg", "mimeType": "image/jpeg", "buffer": content.getvalue()}


def album(page: Page, *files: dict[str, Any]) -> None:
    page.locator("#file-album").set_input_files(list(files))


def next_(page: Page) -> None:
    page.get_by_role("button", name="下一步", exact=True).or_(
        page.get_by_role("link", name="下一步", exact=True)
    ).first.click()


def begin(page: Page, item: str = ITEM) -> str:
    """From the item's page to the task list; the application's address."""
    page.goto(f"/items/{item}")
    page.get_by_role("link", name="网上办").click()
    page.wait_for_url(f"**/items/{item}/file")
    page.get_by_role("button", name="开始填").click()
    page.wait_for_url(re.compile("/applications/[^/]+$"))
    return re.sub(r"^https?://[^/]+", "", page.url)


def answer_all(page: Page, draft: str) -> None:
    page.goto(f"{draft}/form/who")
    page.get_by_label("联系手机").fill("13900001111")
    page.get_by_label("联系地址").fill("莲前西路 1 号")
    next_(page)
    page.wait_for_url("**/form/matter")
    page.get_by_label("写清楚要办什么").fill("长期住在深圳，要在深圳看病")
    next_(page)
    page.wait_for_url("**/form/promise")
    page.get_by_role("checkbox").check()
    next_(page)
    page.wait_for_url("**/materials")


def give(page: Page, draft: str, material: str, file: dict[str, Any]) -> None:
    page.goto(f"{draft}/materials/{material}")
    album(page, file)
    expect(page.get_by_text("可以用")).to_be_visible(timeout=CHECKED_MS)


def step(people: People, username: str, case: str, what: str, **body: Any) -> dict[str, Any]:
    """What this member of staff does with the case."""
    page = people.staff(username, "/staff/login")
    done: dict[str, Any] = ask(page, "POST", f"/staff/cases/{case}/{what}", body)
    page.context.close()
    return done


def pdf() -> bytes:
    """A decision as the issuing desk uploads it."""
    content = io.BytesIO()
    Image.new("RGB", (400, 200), "white").save(content, "PDF")
    return content.getvalue()


SEND_FILE = """async ([path, subject, bytes]) => {
  const { csrf_token } = await (await fetch('/api/v1/session')).json()
  const content = new Uint8Array(bytes)
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', content))
  const sha256 = [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  const send = async (method, at, body, more) => (await fetch('/api/v1' + path + at, {
    method, body,
    headers: {
      'X-CSRF-Token': csrf_token, 'Idempotency-Key': crypto.randomUUID(), 'Content-Type': 'application/json', ...more,
    },
  })).json()
  const file = { ...subject, name: 'result.pdf', media_type: 'application/pdf', size: content.length, sha256 }
  const { id } = await send('POST', '', JSON.stringify(file))
  await send('PATCH', `/${id}`, content, { 'Upload-Offset': '0', 'Content-Type': 'application/octet-stream' })
  let state = (await send('POST', `/${id}/finish`, '{}')).state
  for (let turn = 0; turn < 60 && state === 'checking'; turn += 1) {
    await new Promise((done) => setTimeout(done, 500))
    state = (await (await fetch(`/api/v1${path}/${id}`)).json()).state
  }
  return { id, state }
}"""


def decide(people: People, case: str) -> None:
    """Accepted, approved and issued by three people; the result is a file."""
    step(people, "window.xm", case, "accept")
    step(people, "approve.xm", case, "review")
    step(people, "approve.xm", case, "decision", grant=True, document="厦医备〔2026〕1号")
    page = people.staff("issue.xm", "/staff/login")
    subject = {"subject_type": "case_result", "subject_id": case}
    file = page.evaluate(SEND_FILE, ["/staff/files", subject, list(pdf())])
    assert file["state"] == "ready", file
    ask(page, "POST", f"/staff/cases/{case}/result", {"file_id": file["id"]})
    page.context.close()


def case_id(page: Page) -> str:
    found = re.search("/cases/([0-9a-f-]{36})", page.url)
    assert found
    return found[1]


def say_wrong_answers(page: Page, draft: str) -> None:
    """An error stands beside its field and in the summary, which has the focus."""
    page.goto(f"{draft}/form/who")
    expect(page.get_by_text("这些我们知道，不用填")).to_be_visible()
    page.get_by_label("联系手机").fill("1390000")
    next_(page)
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.locator("#f-phone-error")).to_have_text("手机号不对，是 11 位数字")
    page.get_by_role("link", name="手机号不对，是 11 位数字").click()
    expect(page.locator("#f-phone")).to_be_focused()


def cut_an_upload(page: Page, draft: str, shots: Path) -> None:
    """An upload that is cut off stays where it was, and goes on by itself."""
    page.goto(f"{draft}/materials/{FORM}")
    parts: list[str] = []

    def fail_after_one(route: Any) -> None:
        if route.request.method == "PATCH":
            parts.append(route.request.url)
        if len(parts) == 2:
            route.abort("connectionreset")
            page.context.set_offline(True)
        else:
            route.continue_()

    page.route("**/api/v1/files/*", fail_after_one)
    album(page, photo(2400, 1800))
    waiting = page.get_by_text(re.compile("断网了，停在 [1-9]"))
    expect(waiting).to_be_visible()
    page.screenshot(path=shots / "filing-cut.png")
    page.unroute("**/api/v1/files/*")
    offsets: list[str] = []
    page.on("request", lambda sent: offsets.append(sent.headers.get("upload-offset", "")))
    page.context.set_offline(False)
    expect(page.get_by_text("可以用")).to_be_visible(timeout=CHECKED_MS)
    assert any(offsets)
    assert "0" not in offsets, "bytes that had arrived were sent again"
    page.screenshot(path=shots / "filing-file.png")


def answer_without_a_network(page: Page, draft: str, shots: Path) -> None:
    """The answers stay on the phone and are sent later."""
    page.goto(f"{draft}/form/matter")
    page.context.set_offline(True)
    page.get_by_label("写清楚要办什么").fill("长期住在深圳，要在深圳定点医院看病")
    expect(page.get_by_text("没有网，先存在这台手机上")).to_be_visible()
    page.screenshot(path=shots / "filing-offline.png")
    page.reload()
    expect(page.get_by_label("写清楚要办什么")).to_have_value("长期住在深圳，要在深圳定点医院看病")
    page.context.set_offline(False)
    expect(page.get_by_text(re.compile(r"^\d\d:\d\d 已保存$"))).to_be_visible()


def go_on_with_two_phones(page: Page, second: Page, draft: str, shots: Path) -> None:
    """The same person's second phone goes on; both answer, and neither answer is lost."""
    second.get_by_role("link", name=re.compile("异地就医备案 草稿")).click()
    second.wait_for_url(f"**{draft}")
    second.goto(f"{draft}/form/matter")
    expect(second.get_by_label("写清楚要办什么")).to_have_value("长期住在深圳，要在深圳定点医院看病")
    second.goto(f"{draft}/form/who")
    second.get_by_label("联系地址").fill("莲前西路 2 号")
    expect(second.get_by_text(re.compile("已保存$"))).to_be_visible()
    second.get_by_label("联系地址").blur()
    page.get_by_label("写清楚要办什么").fill("长期住深圳")
    next_(page)
    page.wait_for_url("**/form/promise")
    give(second, draft, PROMISE, photo(800, 600, 2))
    second.get_by_role("link", name="好了").click()
    next_(second)
    second.wait_for_url("**/delivery")
    second.get_by_role("radio", name=re.compile("网上下载")).check()
    next_(second)
    expect(second.get_by_role("alert")).to_contain_text("要先同意电子送达")
    second.get_by_role("checkbox").check()
    next_(second)
    second.wait_for_url("**/check")
    expect(second.get_by_text("长期住深圳")).to_be_visible()
    expect(second.get_by_text("莲前西路 2 号")).to_be_visible()
    second.screenshot(path=shots / "filing-check.png", full_page=True)


def hand_in_once(second: Page, shots: Path) -> str:
    """However often the answer is lost, there is one case: its id."""
    lost = {"left": 1}

    def lose(route: Any) -> None:
        if lost["left"]:
            lost["left"] -= 1
            route.fetch(max_retries=3)
            route.abort("connectionreset")
        else:
            route.continue_()

    second.route("**/submit", lose)
    second.get_by_role("button", name="提交", exact=True).click()
    second.wait_for_url("**/done")
    assert lost["left"] == 0
    expect(second.locator(".number")).to_have_text(re.compile(r"\d"))
    second.screenshot(path=shots / "filing-done.png", full_page=True)
    case = case_id(second)
    second.goto("/cases")
    expect(second.locator("main a[href^='/cases/']")).to_have_count(1)
    expect(second.get_by_role("heading", name="没填完的")).to_have_count(0)
    return case


def correct(people: People, second: Page, case: str, shots: Path) -> None:
    """Staff ask for everything that is wrong, once."""
    asked = {
        "words": "地址和承诺书要改",
        "fields": [{"name": "address", "words": "写到门牌号"}],
        "materials": [{"name": PROMISE, "words": "看不清，请重新拍"}],
    }
    step(people, "window.xm", case, "correct", **asked)
    second.goto(f"/cases/{case}")
    second.get_by_role("link", name="去补正").click()
    second.wait_for_url("**/correction")
    expect(second.get_by_text("看不清，请重新拍")).to_be_visible()
    expect(second.get_by_text("要改", exact=True)).to_have_count(2)
    second.screenshot(path=shots / "case-correction.png", full_page=True)
    second.get_by_role("link", name=re.compile("写到门牌号")).click()
    second.get_by_label("联系地址").fill("莲前西路 2 号 301 室")
    next_(second)
    second.wait_for_url("**/correction")
    second.get_by_role("link", name=re.compile("看不清")).click()
    second.get_by_role("button", name=re.compile("^删掉")).first.click()
    expect(second.get_by_text("可以用")).to_have_count(0)
    album(second, photo(800, 600, 3))
    expect(second.get_by_text("可以用")).to_be_visible(timeout=CHECKED_MS)
    second.get_by_role("link", name="好了").click()
    expect(second.get_by_text("已改", exact=True)).to_have_count(2, timeout=CHECKED_MS)
    second.get_by_role("button", name="改好了，再提交").click()
    second.wait_for_url(f"**/cases/{case}")
    expect(second.locator(".headline")).not_to_have_text("等你补正")


def talk(people: People, second: Page, case: str, shots: Path) -> None:
    """A question with a photograph, its answer, and the mark that it was not read."""
    second.get_by_role("link", name="问工作人员").click()
    second.get_by_label("写给工作人员").fill("这样可以了吗？")
    second.get_by_role("button", name="加照片或文件").click()
    second.locator("#attach-album").set_input_files([photo(400, 300, 4)])
    expect(second.get_by_text("可以用")).to_be_visible(timeout=CHECKED_MS)
    second.get_by_role("button", name="发送").click()
    expect(second.locator("li.citizen")).to_have_count(1)
    expect(second.locator("li.citizen .name")).to_be_visible()
    second.screenshot(path=shots / "case-messages.png", full_page=True)
    step(people, "window.xm", case, "messages", words="可以了，已经在办")
    second.goto(f"/cases/{case}")
    expect(second.locator(".badge").first).to_contain_text("1")
    second.get_by_role("link", name=re.compile("问工作人员")).click()
    expect(second.get_by_text("可以了，已经在办")).to_be_visible()
    second.goto(f"/cases/{case}")
    expect(second.get_by_role("link", name=re.compile("^问工作人员$"))).to_be_visible()
    second.screenshot(path=shots / "case-running.png", full_page=True)


def take_the_result(second: Page, case: str, shots: Path) -> None:
    """A download with its check sum, and a rating."""
    second.reload()
    second.get_by_role("button", name="下载结果").click()
    link = second.get_by_role("link", name=re.compile("^打开 "))
    expect(link).to_be_visible()
    second.get_by_text("文件校验码").click()
    expect(second.locator(".hash")).to_have_text(re.compile("^[0-9a-f]{64}$"))
    second.screenshot(path=shots / "case-result.png", full_page=True)
    answer = second.request.get(link.get_attribute("href") or "")
    assert answer.body().startswith(b"%PDF")
    second.goto(f"/cases/{case}")
    expect(second.locator(".headline")).to_have_text("已送达")
    second.get_by_role("link", name="评价").click()
    second.get_by_role("radio", name="非常满意", exact=True).check()
    second.get_by_role("button", name="提交评价").click()
    expect(second.get_by_text("谢谢你的评价")).to_be_visible()
    second.goto(f"/cases/{case}")
    expect(second.get_by_role("link", name="评价")).to_have_count(0)


def test_from_search_to_result_on_a_small_phone(people: People, shots: Path) -> None:
    page = people.citizen("zhang", size=SMALL)
    page.goto("/")
    page.get_by_role("searchbox").fill("yidijiuyi")
    page.get_by_role("button", name="搜").click()
    page.get_by_role("link", name=re.compile("^异地就医备案")).first.click()
    page.get_by_role("link", name="网上办").click()
    page.get_by_role("button", name="开始填").click()
    page.wait_for_url(re.compile("/applications/[^/]+$"))
    draft = re.sub(r"^https?://[^/]+", "", page.url)
    expect(page.get_by_text("还不能开始")).to_be_visible()
    say_wrong_answers(page, draft)
    answer_all(page, draft)
    cut_an_upload(page, draft, shots)
    answer_without_a_network(page, draft, shots)
    second = people.citizen("zhang", size=SMALL, path="/cases")
    go_on_with_two_phones(page, second, draft, shots)
    case = hand_in_once(second, shots)
    correct(people, second, case, shots)
    talk(people, second, case, shots)
    decide(people, case)
    take_the_result(second, case, shots)


@pytest.mark.parametrize(("person", "language", "elder"), LOOKS)
def test_every_page_is_accessible_steady_and_fits_a_small_phone(
    people: People, shots: Path, person: str, language: str, elder: bool
) -> None:
    page = people.citizen(person, size=SMALL, path="/cases")
    show(page, language=language, elder=elder)
    inspector = Inspector(page, shots, f"filing-{language}{'-elder' if elder else ''}", elder)
    for item in ("marriage-registration", "passport-renewal", ITEM):
        page.goto(f"/items/{item}/file")
        inspector.look(f"start {item}")
    made = ask(page, "POST", "/applications", {"item": ITEM})
    draft = f"/applications/{made['id']}"
    for what in DRAFT_PAGES:
        page.goto(draft + what)
        inspector.look(f"draft {what}")
    page.goto(f"{draft}/form/matter")
    page.locator("form button[type=submit]").click()
    expect(page.get_by_role("alert")).to_be_focused()
    inspector.look("draft error")
    for material in (FORM, PROMISE):
        page.goto(f"{draft}/materials/{material}")
        album(page, photo(400, 300))
        expect(page.locator("li.tile .success")).to_be_visible(timeout=CHECKED_MS)
    inspector.look("draft file")
    answers = {"phone": "13900001111", "address": "莲前西路 1 号", "matter": "备案", "truthful": True}
    ask(page, "PATCH", draft, {"revision": made["revision"], "answers": answers, "delivery": "window"})
    page.goto(f"{draft}/check")
    inspector.look("draft ready")
    page.locator("main .button.primary").click()
    page.wait_for_url("**/done")
    inspector.look("done")
    case = f"/cases/{case_id(page)}"
    for what in ("", "/delivery", "/messages", "/withdraw", "/rate"):
        page.goto(case + what)
        inspector.look(f"case {what}")
    asked = {"words": "材料要改", "fields": [{"name": "address", "words": "写到门牌号"}], "materials": []}
    step(people, "window.xm", case_id(page), "correct", **asked)
    for what in ("", "/correction"):
        page.goto(case + what)
        inspector.look(f"correcting {what}")
    page.goto(f"{case}/withdraw")
    page.locator("main .button.danger").click()
    inspector.look("withdraw sure")
    page.get_by_role("alertdialog").get_by_role("button").first.click()
    page.wait_for_url(f"**{case}")
    page.goto("/cases")
    inspector.look("cases")
    assert inspector.wrong == {}, inspector.wrong

"""The kiosk of a hall: enrolled by its lead; a number, a booking, a check-in and a look by id card; switched off."""

import re
from collections.abc import Iterator
from datetime import time, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.conftest import NewPlace, violations
from tests.e2e.machines import enrol, new_device, open_until_the_start, press, title, type_digits
from tests.e2e.morning import Morning, open_at

START = time(10, 0)
PORTRAIT, LANDSCAPE = (1080, 1920), (1920, 1080)
QUEUE, ITEM = "出入境", "普通护照首次申请"


@pytest.fixture(scope="module")
def morning(new_place: NewPlace) -> Iterator[Morning]:
    """A product whose clock says ten on a workday, while the kiosk's own clock says today."""
    with open_at(START, new_place()) as begun:
        yield begun


@pytest.fixture
def machine(browser: Browser, morning: Morning) -> Iterator[Page]:
    """A kiosk's browser with nothing remembered. Script errors fail the test."""
    crashes: list[str] = []
    width, height = PORTRAIT
    context = browser.new_context(
        base_url=morning.product.url, viewport={"width": width, "height": height}, locale="zh-CN", has_touch=True
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.on("pageerror", lambda error: crashes.append(str(error)))
    yield page
    context.close()
    assert crashes == []


def look(page: Page, shots: Path, name: str) -> None:
    """Accessible, no wider than the screen, and large enough for a finger, in both directions of the screen."""
    for size in (PORTRAIT, LANDSCAPE):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.screenshot(path=shots / f"kiosk-{name}-{size[0]}.png")
        assert violations(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
        small = page.evaluate(
            "[...document.querySelectorAll('button')].map(one => one.getBoundingClientRect())"
            ".filter(box => box.width && (box.height < 60 || box.width < 60)).length"
        )
        assert small == 0, name
    page.set_viewport_size({"width": PORTRAIT[0], "height": PORTRAIT[1]})


def slip_lines(page: Page) -> list[str]:
    return page.locator(".slip p").all_inner_texts()


def test_a_day_at_the_kiosk(browser: Browser, morning: Morning, machine: Page, shots: Path) -> None:
    lead = morning.staff(browser, "lead.xm")
    open_until_the_start(lead)
    code = new_device(lead, "东门一号机")
    lead.screenshot(path=shots / "kiosk-devices.png")
    assert violations(lead) == []
    register(machine, shots, code)
    number = take_tickets(machine, shots)
    book_and_check_in(machine, shots)
    call_off_a_booking_and_come_at_once(machine, shots)
    ask_by_number(machine, number)
    switch_off(lead, machine, shots)


def register(machine: Page, shots: Path, code: str) -> None:
    machine.goto("/kiosk/XM")
    title(machine, "登记这台自助机")
    look(machine, shots, "enrol")
    type_digits(machine, "0000000000")
    machine.get_by_role("button", name="登记", exact=True).click()
    expect(machine.get_by_role("alert")).to_contain_text("登记码不对或过期了")
    enrol(machine, code)
    look(machine, shots, "start")
    machine.reload()
    title(machine, "你要办什么")


def take_tickets(machine: Page, shots: Path) -> str:
    """One with an id card, whose number it gives, and one without."""
    press(machine, "取号")
    look(machine, shots, "queues")
    press(machine, QUEUE)
    look(machine, shots, "card")
    press(machine, "王长者")
    title(machine, "取好了")
    look(machine, shots, "slip")
    lines = slip_lines(machine)
    number = lines[1]
    assert lines[0] == "厦门市行政服务中心"
    assert "前面 0 人" in lines
    press(machine, "办好了")

    press(machine, "取号")
    press(machine, QUEUE)
    press(machine, "没带身份证")
    title(machine, "取好了")
    assert slip_lines(machine)[1] != number
    press(machine, "办好了")
    return number


def book_and_check_in(machine: Page, shots: Path) -> None:
    """A booking for another day is checked in by its digits, with the card of who made it, and found again."""
    press(machine, "预约改天来")
    press(machine, QUEUE)
    look(machine, shots, "items")
    press(machine, ITEM)
    title(machine, "选哪天来")
    look(machine, shots, "days")
    machine.locator(".choices button").first.click()
    title(machine, "选几点来")
    look(machine, shots, "times")
    machine.locator(".choices button").first.click()
    press(machine, "林演示")
    title(machine, "约好了")
    look(machine, shots, "booked")
    digits = re.sub(r"\s", "", slip_lines(machine)[-1])
    assert re.fullmatch(r"\d{8}", digits)
    press(machine, "办好了")

    press(machine, "预约签到")
    look(machine, shots, "check-in")
    type_digits(machine, digits)
    machine.get_by_role("button", name="签到", exact=True).click()
    press(machine, "吴样例")
    expect(machine.get_by_role("alert")).to_contain_text("身份证和预约的人对不上")
    press(machine, "林演示")
    title(machine, "签到好了")
    arrived = slip_lines(machine)[1]
    press(machine, "办好了")

    press(machine, "查排队和预约")
    look(machine, shots, "look-up")
    press(machine, "林演示")
    expect(machine.get_by_role("heading", level=2).first).to_contain_text(arrived)
    look(machine, shots, "found")
    press(machine, "补打小票")
    assert slip_lines(machine)[1] == arrived
    press(machine, "办好了")


def call_off_a_booking_and_come_at_once(machine: Page, shots: Path) -> None:
    press(machine, "预约改天来")
    press(machine, QUEUE)
    press(machine, ITEM)
    machine.locator(".choices button").first.click()
    machine.locator(".choices button").first.click()
    press(machine, "黄演示")
    title(machine, "约好了")
    press(machine, "办好了")
    press(machine, "查排队和预约")
    press(machine, "黄演示")
    look(machine, shots, "own-booking")
    press(machine, "取消预约")
    title(machine, "确定取消")
    press(machine, "返回")
    machine.get_by_role("button", name="签到", exact=True).click()
    title(machine, "签到好了")
    press(machine, "办好了")


def ask_by_number(machine: Page, number: str) -> None:
    press(machine, "查排队和预约")
    machine.locator(".letters").get_by_role("button", name=number[0], exact=True).click()
    type_digits(machine, number[1:])
    press(machine, "查一下")
    expect(machine.get_by_text(re.compile("前面还有 . 人"))).to_be_visible()
    press(machine, "回首页")


def switch_off(lead: Page, machine: Page, shots: Path) -> None:
    lead.goto("/staff/devices")
    expect(lead.locator(".card").filter(has_text="东门一号机")).to_contain_text("在用")
    card_of = lead.locator(".card").filter(has_text="东门一号机")
    card_of.get_by_role("button", name="停用").click()
    card_of.get_by_label("为什么停用").fill("搬走了")
    lead.screenshot(path=shots / "kiosk-revoke.png")
    card_of.get_by_role("button", name="停用").click()
    expect(card_of).to_contain_text("已停用")
    press(machine, "取号")
    title(machine, "这台自助机已停用")
    look(machine, shots, "off")
    machine.reload()
    title(machine, "这台自助机已停用")


def test_english_and_a_kiosk_left_alone(browser: Browser, morning: Morning, machine: Page, shots: Path) -> None:
    """After a minute without a touch it warns, and goes back to its start in Chinese with nothing kept."""
    enrol(machine, new_device(morning.staff(browser, "lead.xm"), "西门二号机"))
    press(machine, "English")
    title(machine, "What would you like to do")
    look(machine, shots, "en-start")
    for way, named in (
        ("Take a number", "Choose what it is about"),
        ("Check in", "Enter your code"),
        ("Book another day", "Choose what it is about"),
        ("Find my number", "Read your id card"),
        ("Pay a fee", "Enter the payment code"),
    ):
        press(machine, way)
        title(machine, named)
        expect(machine.locator("main button").first).to_be_enabled()
        look(machine, shots, f"en-{way.split()[0].lower()}")
        press(machine, "Home")
        press(machine, "English")
    press(machine, "Check in")
    type_digits(machine, "1234")
    machine.clock.install()
    machine.reload()
    title(machine, "What would you like to do")
    press(machine, "Check in")
    type_digits(machine, "1234")
    machine.clock.fast_forward(timedelta(seconds=40).seconds * 1000)
    expect(machine.get_by_role("alertdialog")).to_have_count(0)
    machine.clock.fast_forward(6_000)
    expect(machine.get_by_role("alertdialog")).to_contain_text("Are you still there?")
    look(machine, shots, "idle")
    press(machine, "Yes, go on")
    expect(machine.locator("#typed")).to_have_value("1234")
    machine.clock.fast_forward(46_000)
    expect(machine.get_by_role("alertdialog")).to_be_visible()
    machine.clock.fast_forward(15_000)
    title(machine, "你要办什么")
    press(machine, "预约签到")
    expect(machine.locator("#typed")).to_have_value("")


def test_a_terminal_outside_the_halls_books_at_a_hall_of_one_s_choice(
    morning: Morning, machine: Page, shots: Path
) -> None:
    enrol(machine, morning.command("device", "T-XM", "社区终端").strip())
    expect(machine.get_by_role("button", name="取号")).to_have_count(0)
    expect(machine.locator("footer")).to_contain_text("12345")
    look(machine, shots, "site-start")
    press(machine, "预约改天来")
    press(machine, QUEUE)
    press(machine, ITEM)
    title(machine, "选去哪个大厅")
    look(machine, shots, "site-halls")
    press(machine, "镇海路")
    title(machine, "选哪天来")
    press(machine, "返回")
    title(machine, "选去哪个大厅")
    press(machine, "^厦门市行政服务中心")
    machine.locator(".choices button").first.click()
    title(machine, "选几点来")
    machine.locator(".choices button").first.click()
    expect(machine.locator("main")).to_contain_text("厦门市行政服务中心")
    press(machine, "张测试")
    title(machine, "约好了")
    assert "厦门市行政服务中心" in " ".join(slip_lines(machine))
    press(machine, "办好了")
    press(machine, "查排队和预约")
    press(machine, "张测试")
    expect(machine.get_by_text(ITEM)).to_be_visible()
    expect(machine.get_by_role("button", name="签到", exact=True)).to_have_count(0)


def test_a_browser_without_the_signature_is_told_so(machine: Page, shots: Path) -> None:
    """WebCrypto knows Ed25519 from Chromium 137 on, and nothing at all on a page without https."""
    machine.add_init_script(
        "crypto.subtle.generateKey = () => Promise.reject(new DOMException('', 'NotSupportedError'))"
    )
    machine.goto("/kiosk/XM")
    title(machine, "这台机器的浏览器太旧")
    expect(machine.locator("main")).to_contain_text("Chromium 137")
    look(machine, shots, "old-browser")
    machine.add_init_script("Object.defineProperty(crypto, 'subtle', { value: undefined })")
    machine.reload()
    title(machine, "这台机器的浏览器太旧")


def test_a_bill_is_paid_at_the_kiosk(browser: Browser, morning: Morning, machine: Page, shots: Path) -> None:
    """By the notice's code and its payer's name; the phone that scans the code stays somebody else's affair."""
    enrol(machine, new_device(morning.staff(browser, "lead.xm"), "缴费一号机"))
    bills = [morning.product.bill(number) for number in range(3)]
    code = next(code for code, payer in bills if payer == "李测试")
    press(machine, "缴费")
    title(machine, "输入缴款码")
    look(machine, shots, "pay-code")
    type_digits(machine, code)
    press(machine, "下一步")
    title(machine, "缴款人是谁")
    look(machine, shots, "pay-who")
    machine.get_by_label("缴费单上的姓名或单位").fill("张测试")
    press(machine, "查缴费单")
    expect(machine.get_by_role("alert")).to_contain_text("没有找到，请核对缴款码和缴款人姓名")
    press(machine, "李测试")
    title(machine, "核对一下")
    expect(machine.locator(".bill")).to_contain_text("李*")
    look(machine, shots, "pay-bill")
    press(machine, "在手机上付")
    title(machine, "请用手机扫码")
    look(machine, shots, "pay-phone")
    with machine.expect_response(re.compile("/device/bills/pay")) as answer:
        press(machine, "微信扫码付")
    title(machine, "请用微信扫码付款")
    look(machine, shots, "pay-scan")
    shown = answer.value.json()["scan"]["qr"]
    payer = machine.context.browser.new_page()  # type: ignore[union-attr]
    payer.goto(f"{morning.product.sandbox}/wechat-pay/scan?pr={quote(shown)}")
    payer.get_by_role("button", name="立即支付").click()
    payer.close()
    title(machine, "缴费成功")
    look(machine, shots, "pay-slip")
    assert {"缴费小票", "往来港澳通行证", "¥60.00"} <= set(slip_lines(machine))
    press(machine, "办好了")
    press(machine, "缴费")
    machine.locator("#typed").fill(f"{morning.product.url}/bills/find?code={code}")
    machine.keyboard.press("Enter")
    press(machine, "李测试")
    title(machine, "已经缴过了")
    press(machine, "办好了")
    title(machine, "你要办什么")


def test_a_slip_prints_alone_on_its_paper(browser: Browser, morning: Morning, machine: Page, shots: Path) -> None:
    machine.add_init_script("window.printed = 0; window.print = () => { window.printed += 1 }")
    enrol(machine, new_device(morning.staff(browser, "lead.xm"), "北门三号机"))
    press(machine, "取号")
    press(machine, QUEUE)
    press(machine, "没带身份证")
    title(machine, "取好了")
    assert machine.evaluate("window.printed") == 0, "a window on a desk asks first"
    press(machine, "打印小票")
    assert machine.evaluate("window.printed") == 1
    number = slip_lines(machine)[1]
    machine.emulate_media(media="print")
    paper = machine.locator(".slip-paper")
    expect(paper).to_contain_text(number)
    expect(machine.locator(".kiosk")).to_be_hidden()
    machine.screenshot(path=shots / "kiosk-paper.png")
    printed = machine.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    [(width, height)] = re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", printed)
    assert abs(float(width) - 80 / 25.4 * 72) < 1
    assert float(height) < 160 / 25.4 * 72
    machine.emulate_media(media="screen")
    press(machine, "办好了")
    expect(paper).to_have_count(0)
    machine.goto("/kiosk/XM?print")
    title(machine, "你要办什么")
    press(machine, "取号")
    press(machine, QUEUE)
    press(machine, "没带身份证")
    title(machine, "取好了")
    assert machine.evaluate("window.printed") == 1, "a kiosk with a printer prints at once"


KEPT = """async () => {
    const kept = await new Promise((done) => {
        const opening = indexedDB.open('kiosk', 1)
        opening.onsuccess = () => {
            const asked = opening.result.transaction('device').objectStore('device').get('me')
            asked.onsuccess = () => { opening.result.close(); done(asked.result) }
        }
    })
    const bytes = async (key) => Array.from(new Uint8Array(await crypto.subtle.exportKey('raw', key)))
    const raw = async (keys) => keys ? await bytes(keys.publicKey) : null
    return { now: await raw(kept.keys), next: await raw(kept.next) }
}"""


def test_the_key_changes_and_a_lost_answer_loses_nothing(browser: Browser, morning: Morning, machine: Page) -> None:
    """Ninety days pass by telling the kiosk so; the change itself is the server's."""
    enrol(machine, new_device(morning.staff(browser, "lead.xm"), "南门四号机"))
    answers: list[int] = []

    def is_due(route: Route) -> None:
        answer = route.fetch(max_retries=3)
        body = {**answer.json(), "change_key_from": "2020-01-01T00:00:00Z"}
        route.fulfill(response=answer, json=body)

    def changed(route: Route) -> None:
        answer = route.fetch(max_retries=3)
        answers.append(answer.status)
        if len(answers) == 1:
            route.abort()
        else:
            route.fulfill(response=answer)

    machine.route(re.compile(r"/api/v1/device\?"), is_due)
    machine.route("**/api/v1/device/keys*", changed)
    machine.reload()
    title(machine, "你要办什么")
    first = machine.evaluate(KEPT)
    press(machine, "取号")
    with machine.expect_event("requestfailed"):
        press(machine, "回首页")
    lost = machine.evaluate(KEPT)
    assert (lost["now"], answers) == (first["now"], [200])
    assert lost["next"] not in (None, first["now"]), "kept before it was sent"
    machine.unroute(re.compile(r"/api/v1/device\?"))
    machine.reload()
    title(machine, "你要办什么")
    assert answers == [200, 401, 200], "its clock is set first"
    assert machine.evaluate(KEPT) == {"now": lost["next"], "next": None}
    press(machine, "取号")
    press(machine, QUEUE)
    press(machine, "没带身份证")
    title(machine, "取好了")

"""Booking beyond the plain case: several matters and people, places typed by hand, refusals, notices, arrival."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import Phone, Product
from tests.e2e.journeys import ITEM, choose_time, log_in_through_wechat, show

WECHAT = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36 MicroMessenger/8.0.50"


def answer(body: object, status: int = 200) -> Callable[[Route], None]:
    """A handler that answers with this instead of the server."""
    kind = "application/json" if status < 400 else "application/problem+json"
    return lambda route: route.fulfill(status=status, content_type=kind, body=json.dumps(body))


def test_two_matters_for_two_people_are_one_booking(phone: Phone) -> None:
    page = phone()
    log_in_through_wechat(page, "lin", "/me")
    show(page, language="zh", elder=False)
    page.goto(f"/book/{ITEM}/hall")
    page.get_by_role("link", name="再加一件事").click()
    page.locator("label").filter(has=page.get_by_role("checkbox")).nth(1).click()
    page.get_by_role("button", name="下一步").click()
    page.wait_for_url("**/hall")
    expect(page.get_by_text(re.compile("^再办："))).to_have_count(1)
    page.get_by_role("link", name="改人数").click()
    page.locator("label").filter(has_text="2 个人").click()
    page.get_by_role("button", name="下一步").click()
    page.wait_for_url("**/hall")
    words = page.get_by_text(re.compile(r"共 2 人，大约 \d+ 分钟")).inner_text()
    length = re.search(r"大约 (\d+) 分钟", words)
    assert length
    with page.expect_request(re.compile(r"/api/v1/slots\?.*people=2.*days=30|days=30.*people=2")) as slots:
        page.locator("button.hall").first.click()
    assert "items=passport-first%2C" in slots.value.url
    page.locator(".days button:enabled").nth(3).click()
    page.locator(".half button:enabled").first.click()
    page.get_by_role("button", name="下一步").click()
    page.wait_for_url("**/check")
    rows = page.locator("dl.summary")
    expect(rows).to_contain_text(f"大约 {length[1]} 分钟")
    expect(rows).to_contain_text("2 个人")
    page.get_by_role("button", name="确认预约").click()
    page.wait_for_url("**/done")
    page.get_by_role("link", name="出示入场码").click()
    expect(page.locator("dl.summary")).to_contain_text("、")
    page.get_by_role("link", name="取消预约").click()
    page.get_by_role("button", name="取消预约").click()
    page.get_by_role("alertdialog").get_by_role("button", name="取消预约").click()
    expect(page.get_by_text("预约已取消，号已放回。")).to_be_visible()


def test_a_matter_can_be_removed_again(phone: Phone) -> None:
    page = phone()
    page.goto(f"/book/{ITEM}/items")
    page.locator("label").filter(has=page.get_by_role("checkbox")).first.click()
    page.get_by_role("button", name="下一步").click()
    page.get_by_role("button", name=re.compile("^不办了")).click()
    expect(page.get_by_text(re.compile("^再办："))).to_have_count(0)
    page.goto(f"/book/{ITEM}/items")
    for number in range(4):
        page.get_by_role("checkbox").nth(number).check(force=True)
    page.get_by_role("button", name="下一步").click()
    expect(page.get_by_role("alert")).to_contain_text("一次最多办 3 件")


def test_a_place_typed_by_hand_is_understood_or_said_to_be_unknown(phone: Phone) -> None:
    page = phone()
    page.goto(f"/book/{ITEM}/hall")
    page.get_by_text("按距离排序").click()
    page.get_by_role("button", name="用我现在的位置").click()
    expect(page.get_by_text("没拿到位置。在下面写个地方，或者直接选大厅。")).to_be_visible()
    for typed, words in (("莲坂", "离“.*莲坂.*”近的排在前面"), ("zzzz", "不认得“zzzz”，先按最早有空的排")):
        page.get_by_label("从哪里出发").fill(typed)
        page.get_by_role("button", name="找近的大厅").click()
        expect(page.get_by_text(re.compile(words))).to_be_visible()
    page.get_by_label("从哪里出发").fill("莲坂")
    page.get_by_role("button", name="找近的大厅").click()
    distances = page.locator("button.hall .km")
    expect(distances.first).to_be_visible()
    km = [float(text.split()[0]) for text in distances.all_inner_texts()]
    assert km == sorted(km)


BLOCKED = {
    "title": "你暂时不能在网上预约，可以直接到大厅取号",
    "status": 403,
    "code": "online_booking_blocked",
    "until": "2030-01-02T01:30:00Z",
}
VISIT = {
    "id": "0192f0c0-0000-7000-8000-000000000001",
    "items": [{"slug": ITEM, "name": "普通护照首次申请"}],
    "hall": {"code": "XM", "name": "厦门市行政服务中心"},
    "start": "2026-11-20T01:30:00Z",
}
MARK = {
    "id": "0192f0c0-0000-7000-8000-000000000002",
    "kind": "no_show",
    "points": 1,
    "at": "2026-11-20T02:00:00Z",
    "expires_at": "2029-12-20T02:00:00Z",
    "counts": True,
    "cleared": None,
    "appointment": VISIT,
    "appeal": None,
    "can_appeal": True,
}
CONDUCT = {
    "blocked_until": "2030-01-02T01:30:00Z",
    "points": 2,
    "block_at_points": 2,
    "block_days": 30,
    "long_block_at_points": 3,
    "long_block_days": 90,
    "window_days": 30,
    "server_time": "2026-11-25T01:00:00Z",
    "marks": [MARK],
}


@pytest.fixture
def blocked(phone: Phone) -> Page:
    """Somebody who has missed two visits, as the server would say it."""
    page = phone(360, 640)
    page.context.add_init_script("navigator.serviceWorker.register = () => new Promise(() => undefined)")
    log_in_through_wechat(page, "chen", "/me")
    return page


def test_a_blocked_person_is_told_until_when_and_that_the_hall_stays_open(blocked: Page) -> None:
    blocked.route("**/api/v1/holds", answer(BLOCKED, 403))
    blocked.goto(f"/book/{ITEM}/hall")
    choose_time(blocked, day=1)
    blocked.get_by_role("button", name="下一步").click()
    expect(blocked.get_by_text("2030年1月2日 周三 09:30 之后又能在网上约")).to_be_visible()
    expect(blocked.get_by_text("直接到大厅取号，不受影响")).to_be_visible()
    blocked.go_back()
    blocked.go_back()
    expect(blocked.locator(".half button[aria-pressed=true]")).to_have_count(1)
    blocked.go_forward()
    blocked.go_forward()
    blocked.get_by_role("link", name="看为什么，或者申诉").click()
    blocked.wait_for_url("**/me/conduct")
    expect(blocked.get_by_text("没有失约记录")).to_be_visible()


def test_a_mark_is_explained_and_can_be_appealed_once(blocked: Page) -> None:
    sent: list[dict[str, object]] = []
    appeal = {"state": "open", "reason": "停电", "answer": None, "made_at": "2026-11-25T01:00:00Z", "decided_at": None}
    after = {**MARK, "appeal": appeal, "can_appeal": False}

    def conduct(route: Route) -> None:
        answer({**CONDUCT, "marks": [after if sent else MARK]})(route)

    def take(route: Route) -> None:
        assert route.request.headers["idempotency-key"]
        sent.append(route.request.post_data_json)
        answer(after, 201)(route)

    blocked.route("**/api/v1/me/conduct", conduct)
    blocked.route("**/appeal", take)
    blocked.get_by_role("link", name="守约记录").click()
    expect(blocked.get_by_text("2030年1月2日 周三 09:30 前不能在网上预约")).to_be_visible()
    expect(blocked.get_by_text("可以直接到大厅取号")).to_be_visible()
    expect(blocked.get_by_text("这次记到 2029年12月20日 周四，之后自动消掉。")).to_be_visible()
    blocked.get_by_role("button", name="不是我的原因，申诉").click()
    blocked.get_by_role("button", name="交申诉").click()
    blocked.get_by_role("alert").get_by_role("link", name="写清楚原因，至少 4 个字").click()
    expect(blocked.get_by_label("说说原因")).to_be_focused()
    blocked.get_by_label("说说原因").fill("大厅停电没办成")
    blocked.get_by_role("button", name="交申诉").click()
    expect(blocked.get_by_text("申诉已收到，等大厅回复。")).to_be_visible()
    expect(blocked.get_by_role("button", name="不是我的原因，申诉")).to_have_count(0)
    assert sent == [{"reason": "大厅停电没办成"}]


STUB = """
window.asked = []
window.wx = {
  config: (options) => { window.asked.push(options); setTimeout(() => window.told(), 0) },
  ready: (done) => { window.told = done },
  error: () => undefined,
}
"""


def test_wechat_offers_its_subscription_and_nothing_else_does(phone: Phone, product: Product) -> None:
    page = phone()
    log_in_through_wechat(page, "huang", "/me")
    show(page, language="zh", elder=False)
    page.goto(f"/book/{ITEM}/hall")
    choose_time(page, day=4)
    page.locator("form button[type=submit]").click()
    page.get_by_role("button", name="确认预约").click()
    page.wait_for_url("**/done")
    expect(page.locator("wx-open-subscribe")).to_have_count(0)
    inside = page.context.browser.new_context(  # type: ignore[union-attr]
        base_url=product.url, user_agent=WECHAT, storage_state=page.context.storage_state()
    )
    try:
        inside.add_init_script(STUB)
        wechat = inside.new_page()
        wechat.goto(page.url)
        button = wechat.locator("wx-open-subscribe")
        expect(button).to_have_attribute("template", "sandbox-subscribe")
        (options,) = wechat.evaluate("() => window.asked")
        assert options["openTagList"] == ["wx-open-subscribe"]
        assert re.fullmatch("[0-9a-f]{40}", options["signature"])
        button.dispatch_event("success")
        expect(wechat.get_by_text("好了，预约有变化会在微信里提醒你。")).to_be_visible()
    finally:
        inside.close()


def test_wechats_mark_leaves_the_address_and_anchors_stay(phone: Phone) -> None:
    page = phone()
    page.goto("/help#wechat_redirect")
    page.get_by_role("heading", level=1).wait_for()
    assert page.url.endswith("/help")
    page.goto("/halls#main")
    page.get_by_role("heading", level=1).wait_for()
    assert page.url.endswith("/halls#main")

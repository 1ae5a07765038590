"""Scenarios 9, 10 and 6 of docs/scenarios.md: the days around 国庆 of 2026. They play in this order: time goes on."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from backend.core.clock import SHANGHAI
from tests.e2e.conftest import NewPlace, Place, running_product
from tests.e2e.journeys import find_bill
from tests.e2e.morning import Morning, ask
from tests.e2e.people import SMALL, WECHAT
from tests.e2e.story import PATIENCE_MS, Story, at_window, begin, book, call, finish, telling, view

pytestmark = pytest.mark.slow

BEFORE = datetime(2026, 9, 28, 10, tzinfo=SHANGHAI)
"""A Monday. 国庆 is from Thursday 1 to Wednesday 7 October; Saturday 10 October is worked."""
TYPHOON = date(2026, 9, 29)
ANSWER_BY = date(2026, 10, 23)
"""Fifteen working days after BEFORE: 29, 30 September, 8 to 10, 12 to 16, and 19 to 23 October."""
AFTER = datetime(2026, 10, 26, 10, tzinfo=SHANGHAI)
DECISION = "厦公交罚〔2026〕6号"
LATE_DAYS = (AFTER.date() - date(2026, 10, 13)).days
"""A fine is due on the fifteenth day after its notice (行政处罚法 67)."""


class Autumn:
    """One product on one database, whose clock can be moved on while it is stopped."""

    def __init__(self, place: Place) -> None:
        self._place, self._running = place, ExitStack()
        self.move_on(BEFORE)

    def move_on(self, to: datetime) -> None:
        self._running.close()
        offset = timedelta(seconds=int((to - datetime.now(UTC)).total_seconds()))
        settings = {"CLOCK_OFFSET_S": str(int(offset.total_seconds()))}
        product = self._running.enter_context(running_product(self._place, **settings))
        self.morning = Morning(product, offset)

    def stop(self) -> None:
        self._running.close()


@pytest.fixture(scope="module")
def autumn(new_place: NewPlace, template: str) -> Iterator[Autumn]:
    """It begins before the slots of `seeded`, so it makes its own."""
    begun = Autumn(new_place(template))
    yield begun
    begun.stop()


@pytest.fixture
def story(browser: Browser, autumn: Autumn, shots: Path) -> Iterator[Story]:
    with telling(browser, autumn.morning, shots) as begun:
        yield begun


def served(story: Story, phone: Page) -> None:
    """A walk-in with a number on the phone, called and served at once."""
    lead = story.staff("lead.xm", "/staff/password")
    phone.goto(f"/halls/XM/take?place={view(lead, '/staff/place-code')['code']}&queue=exit-entry")
    phone.get_by_role("button", name="取号", exact=True).tap()
    expect(phone.locator(".slip.waiting")).to_be_visible()
    window = at_window(story.staff("window.xm", "/staff/password"), 0, "exit-entry")
    call(window, phone.locator(".slip .number").inner_text())
    begin(window)
    finish(window)
    expect(phone.locator(".slip.done")).to_be_visible()


def test_scenario_9_a_bad_rating_is_answered_within_fifteen_working_days_over_the_holidays(story: Story) -> None:
    phone = story.citizen("huang", size=SMALL)
    served(story, phone)
    phone.get_by_label("不满意", exact=True).check()
    phone.get_by_label(re.compile("^想说的话")).fill("排了很久，窗口少")
    phone.get_by_role("button", name="提交评价").tap()
    expect(phone.get_by_text("谢谢你的评价")).to_be_visible()
    story.look(phone, "9-rated")

    lead = story.staff("lead.xm", "/staff/ratings")
    bad = lead.locator("li.card").filter(has_text="排了很久，窗口少")
    expect(bad).to_contain_text(f"{ANSWER_BY.month}月{ANSWER_BY.day}日")
    story.look(lead, "9-due")
    assert story.fact("SELECT due_on FROM follow_up") == ANSWER_BY
    bad.get_by_label("你的回复").fill("明天起加开一个窗口")
    bad.get_by_role("button", name="发送回复").click()
    lead.get_by_role("alertdialog").get_by_role("button", name="发送回复").click()
    expect(bad).to_have_count(0)
    story.told("huang", "明天起加开一个窗口")
    assert story.fact("SELECT state FROM follow_up") == "answered"
    assert view(phone, "/halls/XM/ratings")["satisfied_percent"] == 0
    story.holds()


def close_every_hall(story: Story, day: date) -> None:
    """The operator closes the afternoon of every hall, after a look at how many visits that cancels."""
    page = story.staff("operator", "/staff/days")
    page.get_by_label("日期").fill(day.isoformat())
    page.get_by_label("下午", exact=True).check()
    page.get_by_label("原因", exact=True).fill("台风")
    page.get_by_role("button", name="先看影响").click()
    expect(page.get_by_text("取消 2 个预约")).to_be_visible()
    story.look(page, "10-preview")
    page.locator(".ways").get_by_role("button", name="不开门").click()
    page.get_by_role("alertdialog").get_by_role("button", name="不开门").click()
    expect(page.locator(".notice.success")).to_contain_text("正在通知 2 个")


def test_scenario_10_a_typhoon_closes_every_hall_and_everybody_books_anew_for_free(story: Story) -> None:
    phones = {person: story.citizen(person, WECHAT, SMALL) for person in ("zhang", "lin")}
    at_city, _ = book(phones["zhang"], "passport-first", day=1, at="14:00")
    in_district, _ = book(phones["lin"], "mortgage-registration", "思明区政务服务中心", day=1, at="14:00")
    close_every_hall(story, TYPHOON)
    for person, visit in (("zhang", at_city), ("lin", in_district)):
        story.told(person, "台风")
        phones[person].goto(visit)
        expect(phones[person].get_by_text("大厅取消了这次办理，不算你失约。")).to_be_visible()
    phone = phones["zhang"]
    story.look(phone, "10-cancelled")

    phone.get_by_role("link", name="重新预约").tap()
    phone.wait_for_url("**/hall")
    story.look(phone, "10-again")
    anew, _ = book(phone, "passport-first", day=1)
    assert anew != at_city
    story.look(phone, "10-new-pass")
    assert view(phone, "/me/conduct")["marks"] == []
    off = "SELECT count(*) FROM appointment WHERE state = 'hall_cancelled' AND day = :day"
    assert story.fact(off, day=TYPHOON) == 2
    afternoon = "SELECT count(*) FROM slot WHERE day = :day AND open AND start >= :noon"
    assert story.fact(afternoon, day=TYPHOON, noon=datetime(2026, 9, 29, 13, tzinfo=SHANGHAI)) == 0
    story.holds()


def fined(story: Story) -> tuple[str, str]:
    """A fine of 200 yuan, as its decision says: payment code and id of its bill."""
    body = {
        "lines": [{"item": "penalty", "decided_fen": 20_000}],
        "accepted_on": BEFORE.date().isoformat(),
        "payer": {"name": "吴样例"},
        "subject_type": "decision",
        "subject_id": DECISION,
    }
    bill = ask(story.staff("lead.xm", "/staff/password"), "POST", "/staff/bills", body)
    return bill["pay_code"], bill["id"]


def test_scenario_6_a_fine_is_paid_after_its_due_date_with_what_was_added(
    browser: Browser, autumn: Autumn, shots: Path
) -> None:
    with telling(browser, autumn.morning, shots) as story:
        code, bill = fined(story)
    autumn.move_on(AFTER)
    added = 200 * 3 * LATE_DAYS // 100
    with telling(browser, autumn.morning, shots) as story:
        phone = story.citizen("wu", WECHAT, SMALL)
        story.becomes(100 * (200 + added), "SELECT total_fen FROM bill WHERE id = :bill", bill=bill)
        find_bill(phone, code, "吴样例")
        expect(phone.locator(".sum .yuan")).to_contain_text(f"{200 + added}.00")
        expect(phone.get_by_text("10月13日 周二 已经过了，每天会多加。这是今天要付的。")).to_be_visible()
        expect(phone.get_by_text(f"逾期加罚 {added}.00 元")).to_be_visible()
        story.look(phone, "6-late")
        phone.get_by_role("button", name="微信支付").tap()
        phone.wait_for_url(re.compile("/result$"))
        expect(phone.get_by_text("缴费成功")).to_be_visible(timeout=PATIENCE_MS)
        story.becomes("ebill_issued", "SELECT state FROM bill WHERE id = :bill", bill=bill)
        phone.reload()
        story.look(phone, "6-paid")
        finance = story.sandbox("GET", "/finance/desk/api/state")["bills"]
        heard = next(one for one in finance if one["pay_code"] == code)
        assert (heard["total_fen"], heard["channel"]) == (100 * (200 + added), "wechat_pay")
        story.holds()

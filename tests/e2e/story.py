"""What the played scenarios share: phones and desks on the product's clock, steps told again and again, the truth."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine, create_engine, text

from backend.sandbox.people import BY_KEY
from tests.e2e.conftest import ROOT
from tests.e2e.morning import Morning, ask
from tests.e2e.people import People
from tests.e2e.test_express import paste_address

CITY = "厦门市行政服务中心"
ON_PAPER = {"upload", "fetch", "window"}
"""How materials are given that a window takes on paper."""
WORDS = json.loads((ROOT / "pwa" / "shared" / "manage.zh.json").read_text())
PATIENCE_MS = 40_000
"""A page; and workers, providers and their notices, on a busy machine."""
CLOCK = """{
  const Real = Date
  window.Date = class extends Real {
    constructor(...given) { given.length ? super(...given) : super(Real.now() + %d) }
    static now() { return Real.now() + %d }
  }
}"""


class Story(People):
    """People whose phones and desks keep the product's time, and the truth to hold their screens against."""

    def __init__(self, browser: Browser, morning: Morning, shots: Path, database: Engine) -> None:
        super().__init__(browser, morning)
        self.shots, self.database = shots, database

    def look(self, page: Page, name: str) -> None:
        """A picture of a key step, to be looked at; nothing is wider than the screen."""
        expect(page.locator("main .bone")).to_have_count(0)
        page.screenshot(path=self.shots / f"scenario-{name}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name

    def told(self, person: str, words: str) -> dict[str, Any]:
        """This person's phone hears these words."""
        return self.morning.product.told(person, words)

    def fact(self, query: str, **values: Any) -> Any:
        """One value of the product's own database."""
        with self.database.connect() as connection:
            return connection.execute(text(query), values).scalar_one_or_none()

    def becomes(self, wanted: Any, query: str, **values: Any) -> None:
        """The database says so, as soon as the workers are through."""
        page, found = self.contexts[0].pages[0], None
        for _ in range(PATIENCE_MS // 250):
            found = self.fact(query, **values)
            if found == wanted:
                return
            page.wait_for_timeout(250)
        raise AssertionError(f"{query}: {found}, not {wanted}")

    def holds(self) -> None:
        """Every invariant, by the product's own doctor; and what was done in a hall has words on its lead's page."""
        assert self.morning.command("doctor") == "all invariants hold\n"
        actions = text("SELECT DISTINCT action FROM audit_event WHERE hall_code IS NOT NULL")
        with self.database.connect() as connection:
            done = {re.sub(r"^(person\.revealed).*", r"\1", action) for action in connection.scalars(actions)}
        assert {action for action in done if f"manage.action.{action}" not in WORDS} == set()

    def _ready(self, page: Page) -> Page:
        ahead = int(self.morning.offset.total_seconds() * 1000)
        page.add_init_script(CLOCK % (ahead, ahead))
        return super()._ready(page)


@contextmanager
def telling(browser: Browser, morning: Morning, shots: Path) -> Iterator[Story]:
    """A story on this product; in the end every page is closed and none had a script error."""
    engine = create_engine(morning.database)
    story = Story(browser, morning, shots, engine)
    try:
        yield story
    finally:
        engine.dispose()
    story.leave()


def view(page: Page, path: str) -> Any:
    """What the API shows to the person who is signed in on this page."""
    return page.evaluate("async (path) => (await fetch('/api/v1' + path)).json()", path)


def book(page: Page, item: str, hall: str = CITY, day: int = 0, at: str = "") -> tuple[str, str]:
    """From the item's guide to the entrance code, on the nth day and its first time: the visit and its eight digits."""
    page.goto(f"/items/{item}")
    page.get_by_role("link", name="预约去大厅").tap()
    page.wait_for_url("**/hall")
    page.get_by_role("button", name=re.compile(f"^{hall}")).tap()
    page.wait_for_url("**/date")
    page.locator(".days button:enabled").nth(day).tap()
    page.wait_for_url("**/time")
    page.locator(".half button:enabled").filter(has_text=at).first.tap()
    page.wait_for_url("**/who")
    page.get_by_role("button", name="下一步").tap()
    page.wait_for_url("**/check")
    page.get_by_role("button", name="确认预约").tap()
    page.wait_for_url("**/done")
    page.get_by_role("link", name="出示入场码").tap()
    page.wait_for_url(re.compile("/appointments/[^/]+$"))
    shown = page.locator(".ticket .code")
    expect(shown).to_have_text(re.compile(r"\d{4} \d{4}"))
    return re.sub(r"^https?://[^/]+", "", page.url), shown.inner_text().replace(" ", "")


def at_window(page: Page, place: int, queue: str) -> Page:
    """The clerk sits down at one of the hall's windows, for one queue."""
    number = view(page, "/staff/window")["seats"][place]["window"]
    ask(page, "PUT", "/staff/window", {"window": number, "categories": [queue]})
    page.goto("/staff/window")
    expect(page.get_by_text("窗口空着")).to_be_visible()
    return page


def call(window: Page, number: str) -> None:
    """Call the next one, who is this number."""
    window.keyboard.press("n")
    expect(window.locator(".now .number")).to_have_text(number)


def begin(window: Page) -> None:
    """They came."""
    window.keyboard.press("a")
    expect(window.get_by_text("正在办")).to_be_visible()


def finish(window: Page) -> None:
    window.keyboard.press("f")
    window.get_by_role("button", name="确认办结").click()
    expect(window.get_by_text("窗口空着")).to_be_visible()


def hand_in_at_counter(desk: Page, item: str, person: str, answers: dict[str, Any]) -> str:
    """A clerk files for the person of this card, whose papers are all on the counter: the case."""
    who = BY_KEY[person]
    card = {"name": who.name, "id_number": who.id_number}
    begun = ask(desk, "POST", "/staff/applications", {"item": item, "citizen": card})
    path = f"/staff/applications/{begun['id']}"
    kept = ask(desk, "PATCH", path, {"revision": begun["revision"], "answers": answers})
    papers = [one["id"] for one in kept["materials"] if not one["exempt"] and one["how"] in ON_PAPER]
    ask(desk, "PUT", f"{path}/papers", {"papers": papers})
    case: str = ask(desk, "POST", f"{path}/submit", {})["id"]
    return case


def file_at_counter(desk: Page, item: str, person: str, answers: dict[str, Any]) -> str:
    """The same, and the clerk accepts it."""
    case = hand_in_at_counter(desk, item, person, answers)
    ask(desk, "POST", f"/staff/cases/{case}/accept", {})
    return case


def decide(story: Story, case: str, document: str) -> None:
    """Reviewed and granted by the approver; the result on paper is made by the issuing desk."""
    approver = story.staff("approve.xm", "/staff/password")
    ask(approver, "POST", f"/staff/cases/{case}/review", {})
    ask(approver, "POST", f"/staff/cases/{case}/decision", {"grant": True, "document": document})
    issuer = story.staff("issue.xm", "/staff/password")
    ask(issuer, "POST", f"/staff/cases/{case}/result", {"paper": True})


def travels(story: Story, waybill: str, journey: str) -> None:
    """The courier's whole journey."""
    story.sandbox("POST", f"/ems/operator/shipments/{waybill}/play", {"journey": journey})


def mail_home(page: Page, case: str) -> str:
    """The applicant has the result mailed home, from the case's page to the order: its address."""
    page.goto(f"/cases/{case}/delivery")
    page.get_by_role("radio", name=re.compile("邮政 EMS")).check()
    page.get_by_role("button", name="保存").tap()
    page.wait_for_url(f"**/cases/{case}")
    page.get_by_role("link", name="填地址，寄给我").tap()
    page.get_by_text("把结果寄给我", exact=True).tap()
    page.get_by_role("button", name="下一步").tap()
    page.wait_for_url("**/shipments/new/address")
    paste_address(page)
    page.get_by_role("button", name="确认下单").tap()
    page.wait_for_url(re.compile(r"/(bills|shipments)/[0-9a-f-]{36}$"))
    return re.sub(r"^https?://[^/]+", "", page.url)

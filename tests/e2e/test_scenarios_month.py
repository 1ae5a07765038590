"""Scenario 12 of docs/scenarios.md: the month's report for 管委会, read by somebody who may see nothing else."""

import re
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Product, violations
from tests.e2e.morning import Morning
from tests.e2e.people import DESKTOP

PEOPLE = re.compile("吴样例|黄演示|吴\\*|黄\\*")
"""Whose the demo cases are, whole and masked."""
SHARE = re.compile(r"(\d+) / (\d+)")
WRITTEN_MS = 30_000


@pytest.fixture
def evaluator(browser: Browser, product: Product) -> Page:
    page = Morning(product, timedelta()).staff(browser, "eval.xm", *DESKTOP)
    page.goto("/staff/")
    expect(page.get_by_role("heading", name="统计报表")).to_be_visible()
    return page


def test_scenario_12_the_month_is_read_by_exact_shares_down_to_its_cases(
    evaluator: Page, tmp_path: Path, shots: Path
) -> None:
    city_targets(evaluator)
    a_department_that_missed(evaluator)
    evaluator.screenshot(path=shots / "scenario-12-departments.png", full_page=True)
    assert violations(evaluator) == []
    all_counted(evaluator)
    cases_without_people(evaluator)
    evaluator.screenshot(path=shots / "scenario-12-cases.png", full_page=True)
    assert PEOPLE.search(exported(evaluator, tmp_path)) is None


def city_targets(page: Page) -> None:
    """20 % of the items without a visit, 93 % with one at most: both are shown with the counts they come from."""
    for name, target in (("一趟不用跑的事项", 20), ("最多跑一趟和一趟不用跑的事项", 93)):
        card = page.get_by_role("button", name=re.compile(f"^{name}"))
        found = SHARE.search(card.inner_text())
        assert found
        counted, all_ = map(int, found.groups())
        reached = counted * 100 >= target * all_
        expect(card).to_contain_text(f"{'达到' if reached else '没到'} {target} %")


def a_department_that_missed(page: Page) -> None:
    """85 % in every department: 2 of 3 is not; the one item that asks for more visits is named."""
    row = page.get_by_role("region", name="最多跑一趟和一趟不用跑的事项").get_by_role("row", name="厦门市民政局")
    expect(row).to_contain_text("2 / 3")
    expect(row).to_contain_text("未达标")
    row.get_by_role("button", name=re.compile("看厦门市民政局的明细")).click()
    page.get_by_role("button", name="没计入的", exact=True).click()
    expect(page.get_by_text("共 1 个事项")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("离婚登记")


def all_counted(page: Page) -> None:
    """What has changed a moment ago is counted by the worker; the page says how much is still to come."""
    for _ in range(WRITTEN_MS // 1000):
        page.reload()
        expect(page.get_by_text("统计到")).to_be_visible()
        if not page.get_by_text("正在计入").count():
            return
        page.wait_for_timeout(1000)
    raise AssertionError("the ledger is not written")


def cases_without_people(page: Page) -> None:
    """Behind a figure stand its cases: what, where and how long, never whose."""
    page.get_by_role("button", name=re.compile("^网上申报率")).click()
    page.get_by_role("button", name="看计入的").click()
    expect(page.get_by_role("region", name="办件").get_by_role("row").nth(1)).to_be_visible()
    assert PEOPLE.search(page.get_by_role("main").inner_text()) is None


def exported(page: Page, folder: Path) -> str:
    """All of them as a workbook, made in the background: its text."""
    page.get_by_role("button", name="导出全部明细").click()
    page.goto("/staff/report-lists")
    ready = page.get_by_role("link", name=re.compile("^下载（")).first
    expect(ready).to_be_visible(timeout=WRITTEN_MS)
    with page.expect_download() as download:
        ready.click()
    download.value.save_as(folder / "cases.xlsx")
    with zipfile.ZipFile(folder / "cases.xlsx") as book:
        words = "".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))
    assert "不动产登记信息查询" in words
    return words

"""A product that plays a working morning, and the staff who work in it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from typing import Any

from playwright.sync_api import Browser, Page

from backend import development
from backend.core.clock import SHANGHAI
from backend.identity.staff import STEP_S, totp
from tests.e2e.conftest import ROOT, Place, Product, running_product
from tests.e2e.journeys import until_next_workday


class Morning:
    """The running product, its time, and the staff who have signed in once (a one-time code works once)."""

    def __init__(self, product: Product, offset: timedelta) -> None:
        self.product = product
        self.offset = offset
        self.appointed: dict[str, tuple[str, str]] = {}
        """Password and one-time code secret of accounts made during the day."""
        self._signed_in: dict[str, Any] = {}
        self._steps: dict[str, int] = {}

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    @property
    def database(self) -> str:
        """The address of the product's own database."""
        assert self.product.place.database
        return self.product.place.database

    def command(self, *arguments: str) -> str:
        """What a command says that is run beside the product, on its clock."""
        environ = development.environment(self.product.place.folder, self.database, 8000, 8001)
        finished = subprocess.run(
            [sys.executable, "-m", "backend.cli", *arguments],
            cwd=ROOT,
            env={**os.environ, **environ, "CLOCK_OFFSET_S": str(int(self.offset.total_seconds()))},
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout

    def wait_until(self, page: Page, at: time) -> None:
        while self.now().astimezone(SHANGHAI).time() < at:
            page.wait_for_timeout(500)

    def fill_sign_in(self, page: Page, username: str) -> None:
        """Sign in with the first code that this account has not used; the next one is good half a minute early."""
        password, secret = self.appointed.get(username) or self.product.login(username)
        step = max(self._step(), self._steps.get(username, 0) + 1)
        while self._step() < step - 1:
            page.wait_for_timeout(500)
        self._steps[username] = step
        page.get_by_label("账号").fill(username)
        page.get_by_label("密码").fill(password)
        page.get_by_label("动态码").fill(totp(secret, step))
        page.get_by_role("button", name="登录").click()

    def _step(self) -> int:
        return int(self.now().timestamp()) // STEP_S

    def staff(self, browser: Browser, username: str, width: int = 1366, height: int = 768, **more: Any) -> Page:
        """A page of this member of staff."""
        if username not in self._signed_in:
            context = browser.new_context(base_url=self.product.url, service_workers="block")
            page = context.new_page()
            page.goto("/staff/login")
            self.fill_sign_in(page, username)
            page.wait_for_url(re.compile(r"/staff/(?!login)"))
            self._signed_in[username] = context.storage_state()
            context.close()
        context = browser.new_context(
            base_url=self.product.url,
            storage_state=self._signed_in[username],
            viewport={"width": width, "height": height},
            locale="zh-CN",
            service_workers="block",  # tests answer requests in the server's place, which a worker may let pass
            **more,
        )
        context.set_default_timeout(20_000)
        return context.new_page()


@contextmanager
def open_at(start: time, place: Place) -> Iterator[Morning]:
    """A product of its own whose clock begins at this time, in Xiamen, of the next day that halls work."""
    offset = until_next_workday(start)
    with running_product(place, CLOCK_OFFSET_S=str(int(offset.total_seconds()))) as product:
        yield Morning(product, offset)


def ask(page: Page, method: str, path: str, body: dict[str, Any]) -> Any:
    """What the API answers to the person who is signed in on this page."""
    answer = page.evaluate(
        """async ([method, path, body]) => {
            const { csrf_token } = await (await fetch('/api/v1/session')).json()
            const key = crypto.randomUUID()
            const headers = { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf_token, 'Idempotency-Key': key }
            const answer = await fetch('/api/v1' + path, { method, headers, body: JSON.stringify(body) })
            return { ok: answer.ok, body: await answer.json().catch(() => null) }
        }""",
        [method, path, body],
    )
    assert answer["ok"], answer
    return answer["body"]

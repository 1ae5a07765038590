"""A product that plays a working morning, and the staff who work in it."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

from playwright.sync_api import Browser, Page

from backend.core.clock import SHANGHAI
from backend.identity.staff import STEP_S, totp
from tests.e2e.conftest import Product


class Morning:
    """The running product, its time, and the staff who have signed in once (a one-time code works once)."""

    def __init__(self, product: Product, offset: timedelta) -> None:
        self.product = product
        self.offset = offset
        self._signed_in: dict[str, Any] = {}
        self._steps: dict[str, int] = {}

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def wait_until(self, page: Page, at: time) -> None:
        while self.now().astimezone(SHANGHAI).time() < at:
            page.wait_for_timeout(500)

    def fill_sign_in(self, page: Page, username: str) -> None:
        """Sign in with the first code that this account has not used; the next one is good half a minute early."""
        password, secret = self.product.login(username)
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
            context = browser.new_context(base_url=self.product.url)
            page = context.new_page()
            page.goto("/staff/login")
            self.fill_sign_in(page, username)
            page.wait_for_url(re.compile(r"/staff/$"))
            self._signed_in[username] = context.storage_state()
            context.close()
        context = browser.new_context(
            base_url=self.product.url,
            storage_state=self._signed_in[username],
            viewport={"width": width, "height": height},
            locale="zh-CN",
            **more,
        )
        context.set_default_timeout(20_000)
        return context.new_page()

"""Citizens on their phones and staff at their desks, as a browser test needs them."""

from typing import Any

import requests
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.journeys import log_in_through_wechat
from tests.e2e.morning import Morning

BROWSER = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36"
WECHAT = f"{BROWSER} MicroMessenger/8.0.49"
BRIDGE = """window.WeixinJSBridge = { invoke: async (name, parameters, done) => {
  const body = JSON.stringify({ parameters, decision: sessionStorage.decision || 'pay' })
  const headers = { 'Content-Type': 'application/json' }
  done(await (await fetch('%s/wechat-pay/pay', { method: 'POST', headers, body })).json())
} }"""
"""WeChat's bridge as far as paying goes. The sandbox checks the merchant's signature, as WeChat does."""
DESKTOP, SMALL = (1366, 768), (360, 640)


class People:
    """Opens pages of citizens and staff; script errors are collected."""

    def __init__(self, browser: Browser, morning: Morning) -> None:
        self.browser, self.morning = browser, morning
        self.contexts: list[BrowserContext] = []
        self.crashes: list[str] = []

    def citizen(self, person: str, agent: str = BROWSER, size: tuple[int, int] = (390, 844), path: str = "/me") -> Page:
        """A phone of this person, logged in through WeChat."""
        page = self.visitor(agent, size)
        log_in_through_wechat(page, person, path)
        return page

    def visitor(self, agent: str = BROWSER, size: tuple[int, int] = (390, 844)) -> Page:
        """A phone of somebody who is not logged in."""
        context = self.browser.new_context(
            base_url=self.morning.product.url,
            viewport={"width": size[0], "height": size[1]},
            device_scale_factor=2,
            is_mobile=True,
            has_touch=True,
            locale="zh-CN",
            user_agent=agent,
            bypass_csp=True,  # the bridge is WeChat's, not a request of our page
        )
        page = self._ready(context.new_page())
        if agent == WECHAT:
            page.add_init_script(BRIDGE % self.morning.product.sandbox)
        return page

    def staff(self, username: str, path: str, size: tuple[int, int] = DESKTOP) -> Page:
        page = self._ready(self.morning.staff(self.browser, username, *size))
        page.goto(path)
        return page

    def sandbox(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return self._ask(method, path, body).json()

    def file(self, path: str) -> bytes:
        """What the sandbox lets one download."""
        return self._ask("GET", path).content

    def leave(self) -> None:
        """Close every page; none may have had a script error."""
        for context in self.contexts:
            context.close()
        assert self.crashes == []

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        answer = requests.request(method, self.morning.product.sandbox + path, json=body, timeout=5)
        answer.raise_for_status()
        return answer

    def _ready(self, page: Page) -> Page:
        self.contexts.append(page.context)
        page.context.set_default_timeout(20_000)
        page.on("pageerror", lambda error: self.crashes.append(str(error)))
        return page

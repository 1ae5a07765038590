"""The simulated Alipay on a port of its own, and our adapter that talks to it."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import urlencode

import requests
from flask import Flask
from werkzeug.serving import make_server

from backend.core import clock
from backend.core.config import Settings
from backend.sandbox.people import PEOPLE
from payments.gateways import alipay
from payments.gateways.base import PayOrder, RefundOrder, Scene
from payments.sandbox.alipay.gateway import AlipaySandbox, create_blueprint, from_settings
from tests.conftest import make_settings
from tests.sandbox_server import _Quiet, alipay_app

SHOP = "https://zw.example.cn"
SELLER = alipay_app()["alipay_seller_id"]


@dataclass
class Site:
    """Both sides. `answers` are what our callback says to the next deliveries; the last one stays."""

    url: str
    sandbox: AlipaySandbox
    gateway: alipay.Alipay
    settings: Settings
    delivered: list[dict[str, str]] = field(default_factory=list)
    answers: list[str | None] = field(default_factory=lambda: ["success"])

    def forget(self) -> None:
        """Start again with an empty Alipay on a good day."""
        self.sandbox.book.trades.clear()
        self.sandbox.notifier.notices.clear()
        self.sandbox.bills.differences.clear()
        requests.post(f"{self.url}/operator/api/reset", timeout=5).raise_for_status()
        self.delivered.clear()
        self.answers[:] = ["success"]

    def order(self, number: str = "A20261124000001", fen: int = 12_345, **changes: object) -> PayOrder:
        made = PayOrder(
            number=number,
            amount_fen=fen,
            description="不动产登记费",
            expires_at=clock.now() + timedelta(minutes=30),
            scene=Scene.WAP,
            app_id="sandbox-alipay",
            client_ip="192.0.2.1",
            return_url=f"{SHOP}/bills/1",
        )
        return replace(made, **changes)

    def refund(self, number: str, fen: int, pay_number: str = "A20261124000001") -> RefundOrder:
        return RefundOrder(number, pay_number, fen, 12_345, "重复缴费")

    def arrive(self, order: PayOrder) -> str:
        """Open the cashier in a browser; gives its address."""
        launch = self.gateway.open(order)
        page = requests.get(str(launch.url), timeout=5)
        assert page.status_code == 200, page.text
        return page.url

    def pay(self, order: PayOrder, **choices: str) -> str:
        """Pay at the cashier; gives the address that the browser is sent back to."""
        return self.decide(self.arrive(order), "pay", **choices)

    def decide(self, cashier: str, decision: str, **choices: str) -> str:
        body = {"decision": decision, "person": "zhang", **choices}
        answer = requests.post(cashier, data=body, allow_redirects=False, timeout=5)
        assert answer.status_code in {200, 302}, answer.text
        return answer.headers.get("Location", "")

    def notice(self, index: int = -1) -> bytes:
        """The raw form of one event as it would be sent now."""
        return urlencode(self.sandbox.notifier.form(self.sandbox.notifier.notices[index])).encode()


@contextmanager
def running_alipay() -> Iterator[Site]:
    """Serve Alipay on the product's clock until the block ends."""
    delivered: list[dict[str, str]] = []
    answers: list[str | None] = ["success"]

    def post(_: str, form: Mapping[str, str]) -> str | None:
        delivered.append(dict(form))
        return answers.pop(0) if len(answers) > 1 else answers[0]

    plain = make_settings("postgresql://x/x", public_url=SHOP)
    values = {"public_url": SHOP, **alipay_app()}
    sandbox = from_settings(values, PEOPLE, lambda: clock.now().timestamp(), post)
    assert sandbox is not None
    app = Flask(__name__)
    app.register_blueprint(create_blueprint(sandbox))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.port}/alipay"
    ours = {name: value for name, value in alipay_app().items() if not name.startswith("sandbox_")}
    settings = replace(plain, alipay_gateway=f"{url}/gateway.do", alipay_login_base=url, **ours)
    gateway = alipay.from_settings(settings)
    assert gateway is not None
    try:
        yield Site(url, sandbox, gateway, settings, delivered, answers)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

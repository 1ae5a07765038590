"""The sandbox on a port of its own, for tests whose adapters need a real provider on the wire."""

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from werkzeug.serving import WSGIRequestHandler, make_server

from backend.core.config import Settings
from backend.sandbox.app import create_sandbox
from backend.sandbox.wechat_templates import MINI_TEMPLATE_IDS, TEMPLATE_IDS
from backend.sandbox.world import OFFICES
from payments.sandbox.alipay.gateway import public_half


@dataclass(frozen=True)
class RunningSandbox:
    """A served sandbox, and the operator's and the phones' APIs."""

    url: str

    def settings(self, settings: Settings) -> Settings:
        """The same settings with every provider pointing here."""
        return replace(
            settings,
            sandbox_url=self.url,
            wechat_api_base=self.url,
            wechat_open_base=self.url,
            wechat_templates=json.dumps(TEMPLATE_IDS),
            wechat_mini_templates=json.dumps(MINI_TEMPLATE_IDS),
            ixiamen_base=f"{self.url}/ixiamen",
            sms_base=f"{self.url}/sms",
            finance_base=f"{self.url}/finance",
            **{f"{name}_base": f"{self.url}/{name}" for name in OFFICES},
            ems_base=f"{self.url}/amp-prod-api/f/amp/api/open",
            alipay_gateway=f"{self.url}/alipay/gateway.do",
            alipay_login_base=f"{self.url}/alipay",
            **{name: value for name, value in alipay_app().items() if not name.startswith("sandbox_")},
        )

    def faults(self, **changes: Any) -> None:
        requests.put(f"{self.url}/operator/api/faults", json=changes, timeout=5).raise_for_status()

    def spoil_tokens(self, verdict: str) -> None:
        requests.post(f"{self.url}/operator/api/tokens/{verdict}", json={}, timeout=5).raise_for_status()

    def advance(self, seconds: float) -> None:
        requests.post(f"{self.url}/operator/api/clock", json={"advance_s": seconds}, timeout=5).raise_for_status()

    def reset(self) -> None:
        requests.post(f"{self.url}/operator/api/reset", json={}, timeout=5).raise_for_status()

    def state(self) -> dict[str, Any]:
        return self._get("/operator/api/state")

    def calls(self, path: str) -> int:
        return int(self.state()["calls"].get(path, 0))

    def messages(self, person: str, limit: int = 5000) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._get(f"/phone/api/messages?person={person}&limit={limit}")["messages"]
        return found

    def person(self, key: str) -> dict[str, Any]:
        known: dict[str, Any] = self._get(f"/phone/api/messages?person={key}")["person"]
        return known

    def follow(self, person: str, following: bool) -> None:
        body = {"person": person, "following": following}
        requests.put(f"{self.url}/phone/api/follow", json=body, timeout=5).raise_for_status()

    def subscribe(self, person: str, template: str, action: str = "accept", *, long_term: bool = False) -> None:
        """Answer the mini-program's question about a subscribe message."""
        body = {"person": person, "template_id": template, "action": action, "long_term": long_term}
        requests.post(f"{self.url}/phone/api/subscriptions", json=body, timeout=5).raise_for_status()

    def login_code(self, person: str) -> str:
        """What `wx.login` gives the mini program."""
        return self._code("wx-login", person)

    def phone_code(self, person: str) -> str:
        """What the getPhoneNumber button gives the mini program."""
        return self._code("wx-phone-number", person)

    def agree(self, authorize_url: str, person: str) -> str:
        """Agree on an authorisation page as `person`; gives the address the browser is sent back to."""
        answer = requests.post(
            authorize_url.partition("#")[0],
            data={"person": person, "decision": "allow"},
            allow_redirects=False,
            timeout=5,
        )
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def _code(self, kind: str, person: str) -> str:
        answer = requests.post(f"{self.url}/phone/api/{kind}", json={"person": person}, timeout=5)
        return str(answer.json()["code"])

    def _get(self, path: str) -> dict[str, Any]:
        body: dict[str, Any] = requests.get(self.url + path, timeout=5).json()
        return body


@cache
def alipay_app() -> dict[str, str]:
    """An app at the simulated Alipay: its settings, and the key that only Alipay has."""
    ours, theirs = rsa_key(), rsa_key()
    return {
        "alipay_app_id": "sandbox-alipay",
        "alipay_app_private_key": ours,
        "alipay_public_key": public_half(theirs),
        "alipay_seller_id": "2088000000000000",
        "sandbox_alipay_private_key": theirs,
    }


def rsa_key() -> str:
    """A fresh private key, PKCS#8, as bare base64."""
    key = rsa.generate_private_key(65_537, 2048)
    form = serialization.PrivateFormat.PKCS8
    return b64encode(key.private_bytes(serialization.Encoding.DER, form, serialization.NoEncryption())).decode()


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@contextmanager
def running_sandbox(settings: Settings) -> Iterator[RunningSandbox]:
    """Serve the sandbox with these settings' credentials until the block ends."""
    values = asdict(settings) | alipay_app()
    server = make_server("127.0.0.1", 0, create_sandbox(values), threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield RunningSandbox(f"http://127.0.0.1:{server.port}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

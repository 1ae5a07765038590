"""WeChat Pay on a port of its own with keys made here, and the adapter that talks to it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from flask import Flask
from werkzeug.serving import make_server

from backend.core import clock
from backend.core.config import Settings
from backend.sandbox.people import BY_KEY, PEOPLE
from payments.gateways import wechat_pay
from payments.gateways.base import PayOrder, Scene
from payments.sandbox.wechat_pay.app import create_app
from payments.sandbox.wechat_pay.notices import Notice
from payments.sandbox.wechat_pay.seals import Merchant
from payments.sandbox.wechat_pay.simulator import Simulator, World
from tests.conftest import make_settings
from tests.sandbox_server import _Quiet

APP_ID = "sandbox-official"
OLD, NEW = "PUB_KEY_ID_0100000000000000000000000000000001", "PUB_KEY_ID_0100000000000000000000000000000002"
OUR_SERIAL = "3775B6A45ACD588826D15E583A95F5DD0A0B0C0D"
API_KEY = "0123456789abcdef0123456789ABCDEF"
NOTICE_URL = "http://127.0.0.1:8000/callbacks/wechat-pay"


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """A key that is the same for the whole run."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


def private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@cache
def platform_certificate() -> tuple[str, str]:
    """Serial and PEM of a platform certificate, as older merchants have."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sandbox platform certificate")])
    key, now = rsa_key("certificate"), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(0x5157F09EFDC096DE15EBE81A47057A7232F1B8E1)
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=400))
        .sign(key, hashes.SHA256())
    )
    return f"{made.serial_number:040X}", made.public_bytes(serialization.Encoding.PEM).decode()


def merchant(*serials: str) -> Merchant:
    """The provider's side: which of its keys exist."""
    serial, pem = platform_certificate()
    keys = {OLD: rsa_key("old"), NEW: rsa_key("new"), serial: rsa_key("certificate")}
    return Merchant(
        mchid="sandbox-merchant",
        api_key=API_KEY,
        certificate_keys={OUR_SERIAL: rsa_key("ours").public_key()},
        provider_keys={name: keys[name] for name in serials},
        certificates={serial: pem} if serial in serials else {},
    )


def pay_settings(base: str, *serials: str, **changes: Any) -> Settings:
    """Our side: the same merchant with these keys of the provider."""
    serial, pem = platform_certificate()
    known = {OLD: public_pem(rsa_key("old")), NEW: public_pem(rsa_key("new")), serial: pem}
    values = {
        "wechat_pay_base": base,
        "wechat_pay_mchid": "sandbox-merchant",
        "wechat_pay_serial": OUR_SERIAL,
        "wechat_pay_private_key": private_pem(rsa_key("ours")),
        "wechat_pay_api_key": API_KEY,
        "wechat_pay_public_keys": json.dumps({name: known[name] for name in serials}),
    }
    return make_settings("postgresql://nobody@127.0.0.1/none", **{**values, **changes})


@dataclass
class Bank:
    """A served account and an adapter for it."""

    url: str
    simulator: Simulator
    gateway: wechat_pay.WeChatPay

    def order(self, number: str = "B20261124-000001", **changes: Any) -> PayOrder:
        """An order of 128.50 yuan by 张测试."""
        order = PayOrder(
            number=number,
            amount_fen=12_850,
            description="城市道路占用费",
            expires_at=clock.now() + timedelta(minutes=30),
            scene=Scene.JSAPI,
            app_id=APP_ID,
            client_ip="203.0.113.7",
            openid=BY_KEY["zhang"].openid(APP_ID),
        )
        return replace(order, **changes)

    def paid(self, number: str = "B20261124-000001", *, coupon: int = 0, **changes: Any) -> PayOrder:
        """An order that the payer has paid."""
        order = self.order(number, **changes)
        self.gateway.open(order)
        self.pay(number, coupon=coupon)
        return order

    def pay(self, number: str, *, coupon: int = 0) -> None:
        found = self.simulator.accounts.orders[number]
        assert self.simulator.accounts.pay(found, BY_KEY["zhang"].openid(APP_ID), coupon=coupon) == ""

    def fault(self, endpoint: str, kind: str, **more: Any) -> None:
        self.simulator.faults.plant([{"endpoint": endpoint, "kind": kind, **more}])

    def sealed(self, *, probe: bool = False) -> tuple[dict[str, str], bytes]:
        """The newest notice as it goes over the wire."""
        self.simulator.accounts.tick()
        newest: Notice = self.simulator.notices.kept[-1]
        return self.simulator.notices.sealed(newest, probe=probe)

    def calls(self) -> int:
        return sum(self.simulator.faults.calls.values())


class Undated(_Quiet):
    """Leaves the Date header to the application, which has a clock of its own."""

    def send_response(self, code: int, message: str | None = None) -> None:
        self.send_response_only(code, message)


class Switch:
    """A WSGI application that is whichever bank is open."""

    def __init__(self) -> None:
        self.app: Flask | None = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        assert self.app is not None
        return self.app(environ, start_response)


SWITCH = Switch()


@cache
def address() -> str:
    """One server for the whole run; it ends with the process."""
    server = make_server("127.0.0.1", 0, SWITCH, threaded=True, request_handler=Undated)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.port}"


@cache
def gateway_knowing(*serials: str) -> wechat_pay.WeChatPay:
    """An adapter with these keys of the provider; loading RSA keys takes a while, so it is kept."""
    gateway = wechat_pay.from_settings(pay_settings(address(), *serials))
    assert gateway is not None
    return gateway


@contextmanager
def running_bank(*serials: str, known: tuple[str, ...] | None = None) -> Iterator[Bank]:
    """An account that signs with the first of these keys; the adapter knows the same ones, or those `known`."""
    world = World(("sandbox-mini", APP_ID), PEOPLE, lambda: clock.now().timestamp())
    simulator = Simulator(merchant(*serials), world)
    SWITCH.app = create_app(simulator)
    yield Bank(address(), simulator, gateway_knowing(*(known or serials)))


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """An application on a free port, for a moment."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""The unmodified official client against the simulated Alipay: each understands what the other signs."""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from alipay.aop.api.AlipayClientConfig import AlipayClientConfig
from alipay.aop.api.DefaultAlipayClient import DefaultAlipayClient
from alipay.aop.api.domain.AlipayTradeCloseModel import AlipayTradeCloseModel
from alipay.aop.api.domain.AlipayTradeFastpayRefundQueryModel import AlipayTradeFastpayRefundQueryModel
from alipay.aop.api.domain.AlipayTradeQueryModel import AlipayTradeQueryModel
from alipay.aop.api.domain.AlipayTradeRefundModel import AlipayTradeRefundModel
from alipay.aop.api.domain.AlipayTradeWapPayModel import AlipayTradeWapPayModel
from alipay.aop.api.request.AlipaySystemOauthTokenRequest import AlipaySystemOauthTokenRequest
from alipay.aop.api.request.AlipayTradeCloseRequest import AlipayTradeCloseRequest
from alipay.aop.api.request.AlipayTradeFastpayRefundQueryRequest import AlipayTradeFastpayRefundQueryRequest
from alipay.aop.api.request.AlipayTradeQueryRequest import AlipayTradeQueryRequest
from alipay.aop.api.request.AlipayTradeRefundRequest import AlipayTradeRefundRequest
from alipay.aop.api.request.AlipayTradeWapPayRequest import AlipayTradeWapPayRequest
from alipay.aop.api.response.AlipayTradeQueryResponse import AlipayTradeQueryResponse
from alipay.aop.api.util import SignatureUtils
from cryptography.hazmat.primitives import serialization

from backend.core import rsa_keys
from tests.conftest import Clock
from tests.payments.gateways.alipay.alipay_site import Site, running_alipay
from tests.sandbox_server import alipay_app

MESSAGES = 100 * int(os.environ.get("RACE_SCALE", "1"))
SUBJECTS = ["登记费", 'a}b{"c', "x</y", "％%20+", "名\t称"]


@pytest.fixture
def today() -> Iterator[Site]:
    """An Alipay on the system's clock, because the client takes the machine's."""
    with running_alipay() as running:
        yield running


@pytest.fixture
def client(today: Site, monkeypatch: pytest.MonkeyPatch) -> DefaultAlipayClient:
    """The client as it is installed. It ignores ports, so its port 80 leads to where Alipay listens."""
    port, connect = urlsplit(today.url).port, socket.create_connection

    def lead(address: tuple[str, int], *rest: Any, **options: Any) -> socket.socket:
        return connect((address[0], port if address[1] == 80 else address[1]), *rest, **options)

    monkeypatch.setattr(socket, "create_connection", lead)
    key = rsa_keys.private_key(alipay_app()["alipay_app_private_key"])
    config = AlipayClientConfig()
    config.server_url = "http://127.0.0.1/alipay/gateway.do"
    config.app_id = "sandbox-alipay"
    config.app_private_key = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()
    config.alipay_public_key = alipay_app()["alipay_public_key"]
    return DefaultAlipayClient(config)


@pytest.fixture(autouse=True)
def beijing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The client writes the machine's wall clock as if it were Beijing's."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.delenv("TZ")
    time.tzset()


def of(model: Any, **values: str) -> Any:
    for name, value in values.items():
        setattr(model, name, value)
    return model


def test_the_official_client_pays_asks_and_refunds(today: Site, client: DefaultAlipayClient) -> None:
    """Every kind of message, with awkward subjects; the client verifies each answer, Alipay each request."""
    calls = 0

    def ask(request: Any) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        answer: dict[str, Any] = json.loads(client.execute(request))
        return answer

    kinds: list[Callable[[str], dict[str, Any]]] = [
        lambda number: ask(AlipayTradeQueryRequest(of(AlipayTradeQueryModel(), out_trade_no=number))),
        lambda number: ask(
            AlipayTradeRefundRequest(
                of(AlipayTradeRefundModel(), out_trade_no=number, refund_amount="0.01", out_request_no=f"R{number}")
            )
        ),
        lambda number: ask(
            AlipayTradeFastpayRefundQueryRequest(
                of(AlipayTradeFastpayRefundQueryModel(), out_trade_no=number, out_request_no=f"R{number}")
            )
        ),
        lambda number: ask(AlipayTradeCloseRequest(of(AlipayTradeCloseModel(), out_trade_no=number))),
        lambda number: ask(AlipayTradeQueryRequest(of(AlipayTradeQueryModel(), out_trade_no=f"{number}x"))),
    ]
    for index in range(MESSAGES // len(kinds)):
        number = f"SDK{index:05d}"
        model = of(
            AlipayTradeWapPayModel(),
            out_trade_no=number,
            total_amount=f"{index + 1}.99",
            subject=SUBJECTS[index % len(SUBJECTS)].replace("/", "／"),
            product_code="QUICK_WAP_WAY",
        )
        address = client.page_execute(AlipayTradeWapPayRequest(model), "GET").replace(
            "http://127.0.0.1/alipay", today.url
        )
        cashier = requests.get(address, timeout=5)
        assert cashier.status_code == 200, cashier.text
        today.decide(cashier.url, "pay")
        answers = [kind(number) for kind in kinds]
        assert [answer["code"] for answer in answers] == ["10000", "10000", "10000", "40004", "40004"]
        assert (answers[0]["trade_status"], answers[0]["subject"]) == ("TRADE_SUCCESS", model.subject)
        assert (answers[1]["fund_change"], answers[2]["refund_status"]) == ("Y", "REFUND_SUCCESS")
        assert answers[4]["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    assert calls == MESSAGES


def test_the_official_client_parses_the_answers_and_logs_in(today: Site, client: DefaultAlipayClient) -> None:
    today.pay(today.order())
    response = AlipayTradeQueryResponse()
    response.parse_response_content(
        client.execute(AlipayTradeQueryRequest(of(AlipayTradeQueryModel(), out_trade_no="A20261124000001")))
    )
    assert response.is_success()
    assert response.total_amount == "123.45"
    request = AlipaySystemOauthTokenRequest()
    request.grant_type, request.code = "authorization_code", today.sandbox.logins.code("zhang", "auth_base")
    answer = json.loads(client.execute(request))
    assert (answer["open_id"], "code" in answer) == (today.sandbox.logins.open_id("zhang"), False)
    again = json.loads(client.execute(request))
    assert (again["code"], again["sub_code"]) == ("40002", "isv.code-invalid")


def test_the_official_client_and_ours_sign_alike(site: Site, clock: Clock) -> None:
    """Our signature is made elsewhere, over the client's text: both are one."""
    key = rsa_keys.private_key(alipay_app()["alipay_app_private_key"])
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()
    for text in ("a=1&b=登记费", "", "x" * 1000):
        theirs = SignatureUtils.sign_with_rsa2(pem, text, "utf-8")
        assert rsa_keys.sign(key, text.encode()) == theirs
        assert rsa_keys.verifies([key.public_key()], text.encode(), theirs)


def test_the_official_client_verifies_the_simulated_notices(site: Site) -> None:
    site.pay(site.order())
    form = dict(site.sandbox.notifier.form(site.sandbox.notifier.notices[-1]))
    sign = form.pop("sign")
    del form["sign_type"]
    text = SignatureUtils.get_sign_content(form).encode()
    assert SignatureUtils.verify_with_rsa(alipay_app()["alipay_public_key"], text, sign)


def test_the_official_clients_faults_that_we_avoid_are_still_there(today: Site, client: DefaultAlipayClient) -> None:
    """When one of these is mended, the way round it may go (the transport in `alipay_client`)."""
    request = AlipayTradeQueryRequest(of(AlipayTradeQueryModel(), out_trade_no="A1"))
    today.sandbox.switch({"gateway": "outage"})
    with pytest.raises(TypeError):
        client.execute(request)
    config = client._DefaultAlipayClient__config
    config.server_url = today.settings.alipay_gateway
    with pytest.raises(TypeError):
        client.execute(request)

"""The SMS port against the operator's gateway."""

import time
from dataclasses import replace

import pytest
import requests

from backend.core.config import Settings
from backend.core.errors import ProviderError, ProviderRejected, ProviderUnavailable
from notify.channels.sms import send_sms, sign
from tests.conftest import make_settings
from tests.sandbox_server import RunningSandbox

CODE = {"code": "482913", "minutes": "5"}


@pytest.fixture
def configured(sandbox: RunningSandbox) -> Settings:
    return sandbox.settings(make_settings("postgresql://nobody@127.0.0.1/none"))


def test_a_login_code_appears_on_the_phone(sandbox: RunningSandbox, configured: Settings) -> None:
    assert send_sms(configured, "13999990003", "login_code", CODE)
    [message] = sandbox.messages("wang")
    assert message["kind"] == "sms"
    assert message["text"].startswith("【微政务】验证码 482913，5 分钟内有效。")


def test_a_repeated_message_is_delivered_once(sandbox: RunningSandbox, configured: Settings) -> None:
    first = send_sms(configured, "13999990003", "login_code", CODE, message_id="m1")
    assert send_sms(configured, "13999990003", "login_code", CODE, message_id="m1") == first
    assert len(sandbox.messages("wang")) == 1


@pytest.mark.parametrize(
    ("phone", "template", "params", "code"),
    [
        ("123", "login_code", CODE, "PHONE_INVALID"),
        ("13999990003", "nonsense", CODE, "TEMPLATE_UNKNOWN"),
        ("13999990003", "login_code", {}, "PARAMS_MISSING"),
    ],
)
def test_refusals_are_final(
    sandbox: RunningSandbox, configured: Settings, phone: str, template: str, params: dict[str, str], code: str
) -> None:
    with pytest.raises(ProviderRejected) as refusal:
        send_sms(configured, phone, template, params)
    assert refusal.value.provider_code == code


@pytest.mark.parametrize("mode", ["busy", "outage"])
def test_trouble_may_be_repeated(sandbox: RunningSandbox, configured: Settings, mode: str) -> None:
    sandbox.faults(sms=mode)
    with pytest.raises(ProviderUnavailable):
        send_sms(configured, "13999990003", "login_code", CODE)


def test_a_changed_body_an_old_and_a_replayed_request_are_refused(
    sandbox: RunningSandbox, configured: Settings
) -> None:
    def post(body: bytes, headers: dict[str, str]) -> str:
        answer = requests.post(f"{configured.sms_base}/v1/messages", data=body, headers=headers, timeout=5)
        return str(answer.json()["code"])

    body = b'{"id": "1", "phone": "13999990003", "template": "login_code", "params": {"code": "1", "minutes": "5"}}'
    now = int(time.time())
    good = sign(configured.sms_key, configured.sms_secret, body, timestamp=now, nonce="n1")
    assert post(body.replace(b"13999990003", b"13999990004"), good) == "SIGNATURE_INVALID"
    assert post(body, good) == "OK"
    assert post(body, good) == "NONCE_REUSED"
    old = sign(configured.sms_key, configured.sms_secret, body, timestamp=now - 400, nonce="n2")
    assert post(body, old) == "TIMESTAMP_EXPIRED"


def test_nobody_listening_is_said_so(configured: Settings) -> None:
    with pytest.raises(ProviderError):
        send_sms(replace(configured, sms_base="http://127.0.0.1:9"), "13999990003", "login_code", CODE)

"""Alipay's settings: off by default, refused when a key is wrong, and never a sandbox in production."""

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from backend.core import rsa_keys
from backend.core.config import OFFICES, ConfigError
from payments.gateways import alipay
from payments.gateways.base import Channel
from tests.conftest import make_settings
from tests.sandbox_server import alipay_app, public_half

GOOD = {name: value for name, value in alipay_app().items() if not name.startswith("sandbox_")}


def settings(**changes: Any) -> Any:
    return make_settings("postgresql://x/x", **{**GOOD, **changes})


def test_alipay_is_off_until_its_app_and_its_account_are_set() -> None:
    assert alipay.from_settings(make_settings("postgresql://x/x")) is None
    assert alipay.from_settings(settings(alipay_seller_id="")) is None
    channel = alipay.from_settings(settings())
    assert channel is not None
    assert (channel.channel, channel.merchant_id) == (Channel.ALIPAY, GOOD["alipay_seller_id"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alipay_app_private_key", ""),
        ("alipay_app_private_key", "not a key"),
        ("alipay_app_private_key", GOOD["alipay_public_key"]),
        ("alipay_public_key", ""),
        ("alipay_public_key", "密钥"),
        ("alipay_public_key", GOOD["alipay_app_private_key"]),
        ("alipay_public_key", public_half(GOOD["alipay_app_private_key"])),
    ],
)
def test_a_wrong_key_is_named_and_never_shown(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name.upper()) as refusal:
        settings(**{name: value})
    assert not value or value not in str(refusal.value)


def test_a_key_that_is_short_or_of_another_kind_is_refused() -> None:
    for key in (rsa.generate_private_key(65_537, 1024), ec.generate_private_key(ec.SECP256R1())):
        form = serialization.PrivateFormat.PKCS8
        private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        with pytest.raises(ConfigError, match="ALIPAY_APP_PRIVATE_KEY is not an RSA key of 2048 bits"):
            settings(alipay_app_private_key=private)
        with pytest.raises(ConfigError, match="ALIPAY_PUBLIC_KEY is not an RSA key of 2048 bits"):
            settings(alipay_public_key=public.decode())


def test_keys_are_taken_in_every_form_that_alipay_hands_out() -> None:
    key = rsa_keys.private_key(GOOD["alipay_app_private_key"])
    public = rsa_keys.public_key(GOOD["alipay_public_key"])
    for form in (serialization.PrivateFormat.TraditionalOpenSSL, serialization.PrivateFormat.PKCS8):
        pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
        bare = "".join(line for line in pem.splitlines() if "-----" not in line)
        for text in (pem, bare, f"\n{pem}\n"):
            assert rsa_keys.private_key(text).private_numbers() == key.private_numbers()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    assert rsa_keys.public_key(pem).public_numbers() == public.public_numbers()
    assert rsa_keys.spki_base64(public) == GOOD["alipay_public_key"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alipay_gateway", "http://127.0.0.1:8001/alipay/gateway.do"),
        ("alipay_gateway", "https://openapi-sandbox.dl.alipaydev.com/gateway.do"),
        ("alipay_login_base", "https://openauth-sandbox.dl.alipaydev.com"),
        ("alipay_app_id", "sandbox-alipay"),
    ],
)
def test_production_refuses_a_simulated_alipay(name: str, value: str) -> None:
    real: dict[str, Any] = {
        "app_env": "production",
        "public_url": "https://zw.example.cn",
        "wechat_mini_appid": "wx1",
        "wechat_official_appid": "wx2",
        "ixiamen_client_id": "ix",
        "sms_base": "https://sms.example.cn",
        "alipay_app_id": "2021000000000000",
        **{f"{office}_app": "xm" for office in OFFICES},
        "ems_sender_no": "1100000000000",
    }
    settings(**real)
    with pytest.raises(ConfigError, match=name.upper()):
        settings(**{**real, name: value})

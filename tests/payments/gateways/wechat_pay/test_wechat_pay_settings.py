"""What the settings of WeChat Pay must be, said at start by name and never by value."""

import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from backend import development
from backend.core.config import OFFICES, ConfigError, Settings
from payments.gateways import wechat_pay
from payments.gateways.base import Channel
from payments.gateways.wechat_pay_account import account
from payments.sandbox.wechat_pay.seals import merchant_from
from tests.conftest import make_settings
from tests.payments.gateways.wechat_pay.bank import (
    NEW,
    OLD,
    OUR_SERIAL,
    pay_settings,
    platform_certificate,
    private_pem,
    public_pem,
    rsa_key,
)

BASE = "https://api.mch.weixin.qq.com"


def settings(**changes: Any) -> Settings:
    return pay_settings(BASE, OLD, **changes)


def test_without_settings_the_channel_is_off() -> None:
    assert wechat_pay.from_settings(make_settings("postgresql://nobody@127.0.0.1/none")) is None


def test_with_settings_it_is_one_merchant() -> None:
    gateway = wechat_pay.from_settings(settings())
    assert gateway is not None
    assert (gateway.channel, gateway.merchant_id) == (Channel.WECHAT_PAY, "sandbox-merchant")
    assert private_pem(rsa_key("ours"))[100:160] not in repr(gateway._account)


def test_keys_may_come_as_pem_or_as_base64_alone() -> None:
    bare = "".join(private_pem(rsa_key("ours")).split("-----")[2].split())
    public = "".join(public_pem(rsa_key("old")).split("-----")[2].split())
    escaped = private_pem(rsa_key("ours")).replace("\n", "\\n")
    usual = account(settings())
    assert account(settings(wechat_pay_private_key=bare)) == usual
    assert account(settings(wechat_pay_private_key=escaped)) == usual
    found = account(settings(wechat_pay_public_keys=json.dumps({OLD: public})))
    assert found is not None
    assert list(found.keys) == [OLD]


def test_certificates_are_listed_by_their_serial() -> None:
    serial, pem = platform_certificate()
    found = account(pay_settings(BASE, NEW, serial))
    assert found is not None
    assert list(found.keys) == [NEW, serial]
    with pytest.raises(ConfigError, match="serial it is listed under"):
        account(settings(wechat_pay_public_keys=json.dumps({"00AA": pem})))


def pkcs1() -> str:
    return (
        rsa_key("ours")
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        .decode()
    )


def other_key(kind: str) -> str:
    key: Any = (
        ec.generate_private_key(ec.SECP256R1()) if kind == "curve" else rsa.generate_private_key(65_537, key_size=1024)
    )
    return private_pem(key)


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "no APIv3 key": ({"wechat_pay_api_key": ""}, "WECHAT_PAY_API_KEY is not set"),
    "no merchant id": ({"wechat_pay_mchid": ""}, "WECHAT_PAY_MCHID is not set"),
    "no serial": ({"wechat_pay_serial": ""}, "WECHAT_PAY_SERIAL is not set"),
    "short APIv3 key": ({"wechat_pay_api_key": "short"}, "WECHAT_PAY_API_KEY must be 32 bytes"),
    "APIv3 key of 96 bytes": ({"wechat_pay_api_key": "钥" * 32}, "WECHAT_PAY_API_KEY must be 32 bytes"),
    "PKCS#1": ({"wechat_pay_private_key": pkcs1()}, "must be PKCS#8"),
    "no key at all": ({"wechat_pay_private_key": "nonsense"}, "is not a PKCS#8 private key"),
    "a curve's key": ({"wechat_pay_private_key": other_key("curve")}, "RSA key of at least 2048"),
    "a short key": ({"wechat_pay_private_key": other_key("small")}, "RSA key of at least 2048"),
    "a list": ({"wechat_pay_public_keys": "[]"}, "JSON object"),
    "no keys": ({"wechat_pay_public_keys": "{}"}, "must hold RSA keys"),
    "no JSON": ({"wechat_pay_public_keys": "{"}, "JSON object"),
    "no public key": ({"wechat_pay_public_keys": json.dumps({OLD: "nonsense"})}, "JSON object"),
    "our own key": ({"wechat_pay_public_keys": json.dumps({OLD: public_pem(rsa_key("ours"))})}, "holds our own key"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_setting_is_named(wrong: str) -> None:
    changes, words = WRONG[wrong]
    with pytest.raises(ConfigError, match=words) as raised:
        wechat_pay.from_settings(settings(**changes))
    for value in changes.values():
        assert not value or value not in str(raised.value)


def test_our_serial_is_not_the_providers() -> None:
    serial, pem = platform_certificate()
    mixed = settings(wechat_pay_serial=serial.lower(), wechat_pay_public_keys=json.dumps({serial: pem}))
    with pytest.raises(ConfigError, match="our certificate's serial"):
        account(mixed)


@pytest.mark.parametrize(
    "changes",
    [
        {"wechat_pay_base": "http://127.0.0.1:8001"},
        {"wechat_pay_mchid": "sandbox-merchant"},
        {"wechat_nontax_mchid": "sandbox-nontax"},
    ],
    ids=str,
)
def test_production_refuses_the_sandbox(changes: dict[str, str]) -> None:
    real = replace(
        make_settings("postgresql://nobody@127.0.0.1/none"),
        app_env="production",
        public_url="https://zw.example.cn",
        sms_base="https://sms.example.cn",
        wechat_mini_appid="wx1",
        wechat_official_appid="wx2",
        ixiamen_client_id="real",
        ems_sender_no="1100000000000",
        **{f"{office}_app": "zw" for office in OFFICES},
    )
    real.validate()
    with pytest.raises(ConfigError, match="sandbox"):
        replace(real, **changes).validate()


def test_a_development_run_has_keys_of_both_ends_and_keeps_them(tmp_path: Any) -> None:
    first, second = (development.environment(tmp_path, "postgresql://x/y", 8000, 8001) for _ in range(2))
    names = [name for name in first if "WECHAT_PAY" in name]
    assert {name: first[name] for name in names} == {name: second[name] for name in names}
    found = account(Settings.from_env(first))
    merchant = merchant_from(first)
    assert found is not None
    assert merchant is not None
    assert found.base == "http://127.0.0.1:8001"
    assert {key: value.public_numbers() for key, value in found.keys.items()} == {
        key: value.public_key().public_numbers() for key, value in merchant.provider_keys.items()
    }
    assert OUR_SERIAL not in merchant.certificate_keys

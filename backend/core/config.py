"""Every setting of the product, read from the environment once and validated at start.

The table in README.md is checked against this class by tests/backend/core/test_config.py.
"""

import base64
import binascii
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from backend.core import rsa_keys

_PROVIDER_ADDRESSES = (
    "wechat_api_base",
    "wechat_open_base",
    "wechat_pay_base",
    "ixiamen_base",
    "sms_base",
    "alipay_gateway",
    "alipay_login_base",
    "finance_base",
    "licence_base",
    "eproof_base",
    "hotline_base",
    "province_base",
    "credit_base",
    "ems_base",
    "tracking_fallback_base",
)
_PROVIDER_ACCOUNTS = (
    "wechat_mini_appid",
    "wechat_official_appid",
    "wechat_pay_mchid",
    "wechat_nontax_mchid",
    "ixiamen_client_id",
    "alipay_app_id",
    "finance_app",
    "licence_app",
    "eproof_app",
    "hotline_app",
    "province_app",
    "credit_app",
    "ems_sender_no",
)
"""Production refuses an address of a sandbox and an account whose name begins with `sandbox`."""
OFFICES = ("finance", "licence", "eproof", "hotline", "province", "credit")
"""Offices with an address, an application id and keys of ours: NAME_BASE, NAME_APP and NAME_KEYS."""


class ConfigError(Exception):
    """A setting is missing or wrong. The message names the variable, never its value."""


def _setting(help_: str, *, default: Any = MISSING, secret: bool = False) -> Any:
    metadata = {"help": help_, "secret": secret}
    if default is MISSING:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One field a variable; the variable's name is the field's in capitals."""

    app_env: str = _setting("`development`, `test` or `production`; production refuses sandbox addresses and demo keys")
    database_url: str = _setting("PostgreSQL address, `postgresql://user@host/name`", secret=True)
    database_pooler: bool = _setting("`true` behind a transaction-mode pooler such as PgBouncer", default=False)
    public_url: str = _setting("Address citizens use, without a path, such as `https://zw.example.cn`")
    secret_key: str = _setting("At least 32 characters; signs CSRF tokens and login states", secret=True)
    field_keys: str = _setting(
        "Keys of encrypted columns, `id:base64 of 32 bytes`, newest first, comma separated", secret=True
    )
    index_key: str = _setting("Base64 of 32 bytes; key of the blind indexes", secret=True)
    pass_keys: str = _setting(
        "Ed25519 private keys of the appointment code, `id:base64 of 32 bytes`, newest first", secret=True
    )

    web_threads: int = _setting("Threads of one web process; also its share of database connections", default=8)
    web_processes: int = _setting("Web processes", default=2)
    host: str = _setting("Address the web server listens on", default="127.0.0.1")
    port: int = _setting("Port the web server listens on", default=8000)
    trusted_proxies: int = _setting("How many reverse proxies stand in front", default=0)
    var_dir: Path = _setting("Folder of everything a run writes", default=Path("var"))
    pwa_dir: Path = _setting("Folder of the built front end", default=Path("pwa/dist"))
    log_level: str = _setting("Lowest level that is logged", default="INFO")
    upload_dir: Path = _setting(
        "Folder of uploaded files, encrypted; outside the web root, shared by all web nodes and workers",
        default=Path("var/uploads"),
    )
    upload_most_bytes: int = _setting("Size of the largest file that can be uploaded", default=10 * 1024 * 1024)
    clamd_address: str = _setting(
        "ClamAV's daemon, `host:port`; while empty, every uploaded file stays in quarantine", default=""
    )
    sandbox_url: str = _setting("Address of the development sandbox; empty in production", default="")
    clock_offset_s: int = _setting(
        "Seconds added to the system clock in a demonstration; refused in production", default=0
    )

    wechat_api_base: str = _setting("WeChat server API", default="https://api.weixin.qq.com")
    wechat_open_base: str = _setting("WeChat login pages", default="https://open.weixin.qq.com")
    wechat_mini_appid: str = _setting("App id of the mini-program", default="")
    wechat_mini_secret: str = _setting("App secret of the mini-program", default="", secret=True)
    wechat_official_appid: str = _setting("App id of the official account", default="")
    wechat_official_secret: str = _setting("App secret of the official account", default="", secret=True)
    wechat_templates: str = _setting("JSON: our template name → WeChat template id", default="{}")
    wechat_mini_templates: str = _setting(
        "JSON: our template name → id of the mini-program's subscribe message", default="{}"
    )
    wechat_daily_quota: int = _setting(
        "Template messages a day that WeChat allows the official account", default=100_000
    )
    wechat_official_token: str = _setting(
        "Token of the official account's message push to `/wechat/official`", default="", secret=True
    )
    wechat_official_aes_keys: str = _setting(
        "EncodingAESKeys of that push, newest first, comma separated; empty takes plain messages",
        default="",
        secret=True,
    )
    wechat_mini_token: str = _setting(
        "Token of the mini-program's message push to `/wechat/mini`", default="", secret=True
    )
    wechat_mini_aes_keys: str = _setting(
        "EncodingAESKeys of that push, newest first, comma separated; empty takes plain messages",
        default="",
        secret=True,
    )
    wechat_subscribe_templates: str = _setting(
        "Template ids of the official account's subscription notices, comma separated; empty offers none", default=""
    )
    wechat_pay_base: str = _setting("WeChat Pay API v3", default="https://api.mch.weixin.qq.com")
    wechat_pay_mchid: str = _setting("WeChat Pay merchant id; empty offers no WeChat Pay", default="")
    wechat_pay_serial: str = _setting("Serial of the merchant's API certificate, hexadecimal", default="")
    wechat_pay_private_key: str = _setting(
        "Private key of that certificate: PKCS#8, PEM or its base64 alone", default="", secret=True
    )
    wechat_pay_api_key: str = _setting("APIv3 key, 32 bytes", default="", secret=True)
    wechat_pay_public_keys: str = _setting(
        "JSON: `PUB_KEY_ID_…` → WeChat Pay's public key, or serial → platform certificate; the first is preferred",
        default="",
    )
    wechat_nontax_mchid: str = _setting("Merchant id of WeChat 非税缴费; empty offers none", default="")
    wechat_nontax_service_id: str = _setting("Service id of WeChat 非税缴费", default="")
    ixiamen_base: str = _setting("i厦门 user centre", default="https://buss.ixiamen.org.cn/pbc/usercenter")
    ixiamen_client_id: str = _setting("i厦门 client id", default="")
    ixiamen_client_secret: str = _setting("i厦门 client secret", default="", secret=True)
    sms_base: str = _setting("SMS gateway", default="")
    sms_key: str = _setting("SMS gateway account", default="")
    sms_secret: str = _setting("SMS gateway signing secret", default="", secret=True)
    finance_base: str = _setting("Finance's non-tax system; empty leaves finance out", default="")
    finance_app: str = _setting("Our application id at finance's gateway", default="")
    finance_keys: str = _setting(
        "Keys shared with finance, `id:base64 of 32 bytes`, newest first, comma separated", default="", secret=True
    )
    licence_base: str = _setting("Licence library 电子证照库; empty looks nothing up there", default="")
    licence_app: str = _setting("Our application id at the licence library", default="")
    licence_keys: str = _setting("Keys shared with it, as FINANCE_KEYS", default="", secret=True)
    eproof_base: str = _setting("e证明; empty looks nothing up there", default="")
    eproof_app: str = _setting("Our application id at e证明", default="")
    eproof_keys: str = _setting("Keys shared with it, as FINANCE_KEYS", default="", secret=True)
    hotline_base: str = _setting("12345 hotline; empty offers no questions to it", default="")
    hotline_app: str = _setting("Our application id at the hotline", default="")
    hotline_keys: str = _setting("Keys shared with it, as FINANCE_KEYS", default="", secret=True)
    province_base: str = _setting("Province's platform; empty sends nothing there", default="")
    province_app: str = _setting("Our application id at the province", default="")
    province_keys: str = _setting("Keys shared with it, as FINANCE_KEYS", default="", secret=True)
    credit_base: str = _setting("厦门市信用信息共享平台; empty asks nothing there", default="")
    credit_app: str = _setting("Our application id at the credit platform", default="")
    credit_keys: str = _setting("Keys shared with it, as FINANCE_KEYS", default="", secret=True)
    alipay_gateway: str = _setting("Alipay's OpenAPI gateway", default="https://openapi.alipay.com/gateway.do")
    alipay_login_base: str = _setting("Alipay login pages", default="https://openauth.alipay.com")
    alipay_app_id: str = _setting("App id at Alipay; empty switches Alipay off", default="")
    alipay_app_private_key: str = _setting(
        "Our RSA private key at Alipay: PEM or its base64, PKCS#1 or PKCS#8", default="", secret=True
    )
    alipay_public_key: str = _setting(
        "Alipay's public key for this app, PEM or its base64; both, comma separated, while Alipay changes it",
        default="",
    )
    alipay_seller_id: str = _setting(
        "Account that collects, `2088…`; empty offers Alipay for logging in only", default=""
    )

    express_retention_days: int = _setting("Days after its end until a shipment's addresses are deleted", default=180)
    ems_base: str = _setting("EMS's interface", default="https://api.ems.com.cn/amp-prod-api/f/amp/api/open")
    ems_sender_no: str = _setting("Customer number of the contract with EMS; empty offers no mailing", default="")
    ems_authorization: str = _setting("Authorisation code of that customer", default="", secret=True)
    ems_sign_key: str = _setting(
        "Signing key of that customer, base64 of 16 bytes as EMS gives it", default="", secret=True
    )
    ems_product: str = _setting("EMS product of an order (bizProductNo), 1 is 特快专递", default="1")
    ems_product_code: str = _setting("EMS product of a price estimate, 15 digits", default="115104300000691")
    ems_label_type: str = _setting("EMS template of labels: 129, 149 or 179", default="129")
    ems_virtual_number: bool = _setting("`true` when the contract lets EMS hide phone numbers", default=False)

    ems_old_push_secret: str = _setting(
        "Secret of the tracking push of EMS's older platform; empty refuses such pushes", default="", secret=True
    )
    tracking_fallback: str = _setting(
        "Whom to ask where a shipment is when EMS does not say: `kuaidi100`, `kdniao` or `fujian`; empty asks nobody",
        default="",
    )
    tracking_fallback_base: str = _setting("Address of that fallback", default="")
    tracking_fallback_account: str = _setting("Our account there: customer, EBusinessID or app key", default="")
    tracking_fallback_key: str = _setting("Key of that account", default="", secret=True)

    payment_routes: str = _setting(
        "JSON: collecting unit, or `*` for every other, → list of its payment channels; empty takes all there are",
        default="{}",
    )
    pay_code_pattern: str = _setting("Pattern of the city's payment codes", default=r"3502\d{16}")
    pay_region: str = _setting("Division code of bills that are issued here", default="350200")
    payment_notice_days: int = _setting(
        "Days after which the text of a channel's notification is forgotten; its digest and outcome stay. At least 90",
        default=400,
    )

    @property
    def production(self) -> bool:
        return self.app_env == "production"

    @property
    def wechat_template_ids(self) -> dict[str, str]:
        return {str(k): str(v) for k, v in json.loads(self.wechat_templates).items()}

    @property
    def wechat_mini_template_ids(self) -> dict[str, str]:
        return {str(k): str(v) for k, v in json.loads(self.wechat_mini_templates).items()}

    @property
    def payment_route_lists(self) -> dict[str, list[str]]:
        return {str(unit): [str(name) for name in names] for unit, names in json.loads(self.payment_routes).items()}

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read and validate. Raises ConfigError naming the first variable that is wrong."""
        values: dict[str, Any] = {}
        for item in fields(cls):
            text = environ.get(item.name.upper())
            if text is None:
                if item.default is MISSING:
                    raise ConfigError(f"{item.name.upper()} is not set: {item.metadata['help']}")
                continue
            try:
                values[item.name] = _PARSERS[str(item.type)](text)
            except ValueError:
                raise ConfigError(f"{item.name.upper()} is not a valid {_KINDS[str(item.type)]}") from None
        settings = cls(**values)
        settings.validate()
        return settings

    def validate(self) -> None:
        """Refuse what cannot work, and in production what must not be used."""
        if self.app_env not in {"development", "test", "production"}:
            raise ConfigError("APP_ENV must be development, test or production")
        if len(self.secret_key) < 32:
            raise ConfigError("SECRET_KEY must have at least 32 characters")
        parse_keys("FIELD_KEYS", self.field_keys)
        parse_keys("PASS_KEYS", self.pass_keys)
        decode_key("INDEX_KEY", self.index_key)
        _check_database(self.database_url)
        parts = urlsplit(self.public_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
            raise ConfigError("PUBLIC_URL must be an address without a path")
        for name in ("wechat_templates", "wechat_mini_templates", "payment_routes"):
            _check_object(name.upper(), getattr(self, name))
        for name in ("wechat_official_aes_keys", "wechat_mini_aes_keys"):
            for key in comma_separated(getattr(self, name)):
                decode_key(name.upper(), key + "=")
        self._validate_offices()
        self._validate_payments()
        _check_alipay(self)
        _check_ems(self)
        _check_fallback(self)
        if self.production:
            self._validate_production()

    def _validate_offices(self) -> None:
        if self.clamd_address and not re.fullmatch(r"\S+:\d{1,5}", self.clamd_address):
            raise ConfigError("CLAMD_ADDRESS must look like host:port")
        for office in (office for office in OFFICES if getattr(self, f"{office}_base")):
            name = office.upper()
            parse_keys(f"{name}_KEYS", getattr(self, f"{office}_keys"))
            if not getattr(self, f"{office}_app"):
                raise ConfigError(f"{name}_APP must be set together with {name}_BASE")

    def _validate_payments(self) -> None:
        if not all(isinstance(names, list) for names in json.loads(self.payment_routes).values()):
            raise ConfigError("PAYMENT_ROUTES must give a list for each unit")
        try:
            re.compile(self.pay_code_pattern)
        except re.error:
            raise ConfigError("PAY_CODE_PATTERN is not a pattern") from None
        if self.payment_notice_days < 90:
            raise ConfigError("PAYMENT_NOTICE_DAYS must be at least 90: a dispute is looked into for that long")

    def _validate_production(self) -> None:
        if not self.public_url.startswith("https://"):
            raise ConfigError("PUBLIC_URL must use https in production")
        if self.sandbox_url:
            raise ConfigError("SANDBOX_URL must be empty in production")
        if self.clock_offset_s:
            raise ConfigError("CLOCK_OFFSET_S must be 0 in production")
        if "demo" in self.secret_key:
            raise ConfigError("SECRET_KEY is the demo key")
        for name in _PROVIDER_ADDRESSES:
            host = urlsplit(getattr(self, name)).hostname or ""
            if host in {"127.0.0.1", "localhost", "::1"} or host.endswith("alipaydev.com"):
                raise ConfigError(f"{name.upper()} points at a sandbox")
        for name in _PROVIDER_ACCOUNTS:
            if getattr(self, name).startswith("sandbox"):
                raise ConfigError(f"{name.upper()} is a sandbox account")


def comma_separated(text: str) -> list[str]:
    """`a, b` → the parts that are not empty."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _check_object(name: str, text: str) -> None:
    try:
        valid = isinstance(json.loads(text), dict)
    except ValueError:
        valid = False
    if not valid:
        raise ConfigError(f"{name} must be a JSON object")


def _check_alipay(settings: Settings) -> None:
    if not settings.alipay_app_id:
        return
    try:
        ours = rsa_keys.private_key(settings.alipay_app_private_key).public_key()
    except ValueError as problem:
        raise ConfigError(f"ALIPAY_APP_PRIVATE_KEY is {problem}") from None
    try:
        theirs = rsa_keys.public_keys(settings.alipay_public_key)
    except ValueError as problem:
        raise ConfigError(f"ALIPAY_PUBLIC_KEY is {problem}") from None
    if ours in theirs:
        raise ConfigError("ALIPAY_PUBLIC_KEY is the app's own public key, not Alipay's")


def _check_ems(settings: Settings) -> None:
    if settings.production and not settings.ems_base.startswith("https://"):
        raise ConfigError("EMS_BASE must use https in production")
    if settings.production and settings.ems_base.endswith("/test"):
        raise ConfigError("EMS_BASE is the address that EMS keeps for tests")
    if not settings.ems_sender_no:
        return
    if not settings.ems_authorization:
        raise ConfigError("EMS_AUTHORIZATION must be set together with EMS_SENDER_NO")
    decode_key("EMS_SIGN_KEY", settings.ems_sign_key, length=16)
    if not re.fullmatch(r"[0-9]{15}", settings.ems_product_code):
        raise ConfigError("EMS_PRODUCT_CODE must be 15 digits")


def _check_fallback(settings: Settings) -> None:
    if not settings.tracking_fallback:
        return
    if settings.tracking_fallback not in {"kuaidi100", "kdniao", "fujian"}:
        raise ConfigError("TRACKING_FALLBACK must be kuaidi100, kdniao or fujian")
    if not settings.tracking_fallback_base.startswith("https://" if settings.production else "http"):
        raise ConfigError("TRACKING_FALLBACK_BASE must be an address, with https in production")
    for name in ("tracking_fallback_account", "tracking_fallback_key"):
        if not getattr(settings, name):
            raise ConfigError(f"{name.upper()} must be set together with TRACKING_FALLBACK")


def _check_database(address: str) -> None:
    try:
        kind = make_url(address).drivername
    except (ArgumentError, ValueError):
        kind = ""
    if kind != "postgresql":
        raise ConfigError("DATABASE_URL must look like postgresql://user:password@host:5432/name")


def decode_key(name: str, text: str, *, length: int = 32) -> bytes:
    """Base64 of exactly `length` bytes."""
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ConfigError(f"{name} is not base64") from None
    if len(key) != length:
        raise ConfigError(f"{name} must be {length} bytes")
    return key


def parse_keys(name: str, text: str) -> dict[int, bytes]:
    """`1:…,2:…` → {id: key}, the first being the one in use. Ids are 1 to 255."""
    keys: dict[int, bytes] = {}
    for part in text.split(","):
        key_id, separator, encoded = part.strip().partition(":")
        if not separator or not key_id.isdigit() or not 1 <= int(key_id) <= 255:
            raise ConfigError(f"{name} must look like `1:base64,2:base64`")
        keys[int(key_id)] = decode_key(name, encoded)
    return keys


def _boolean(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError(text)
    return text.lower() == "true"


_PARSERS: dict[str, Callable[[str], Any]] = {
    "<class 'str'>": str,
    "<class 'int'>": int,
    "<class 'bool'>": _boolean,
    "<class 'pathlib.Path'>": Path,
}
_KINDS = {
    "<class 'int'>": "number",
    "<class 'bool'>": "true or false",
    "<class 'str'>": "text",
    "<class 'pathlib.Path'>": "path",
}

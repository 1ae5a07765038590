"""Signatures and encryption as WeChat Pay does them: the provider's end of the wire."""

from __future__ import annotations

import base64
import binascii
import itertools
import json
import re
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SCHEME = "WECHATPAY2-SHA256-RSA2048"
SKEW_S = 300
PROBE = "WECHATPAY/SIGNTEST/"
PART = re.compile(r'(mchid|nonce_str|signature|timestamp|serial_no)="([^"]*)"')


class Refusal(Exception):
    """An answer that is not 2xx: HTTP status, WeChat Pay's code and its words."""

    def __init__(self, status: int, code: str, message: str, detail: Mapping[str, object] | None = None) -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.detail = status, code, message, detail


@dataclass(frozen=True)
class Merchant:
    """What both sides know of each other. `certificates` are PEM by serial, for keys that have one."""

    mchid: str
    api_key: str
    certificate_keys: Mapping[str, rsa.RSAPublicKey]
    provider_keys: Mapping[str, rsa.RSAPrivateKey]
    certificates: Mapping[str, str] = field(default_factory=dict)


class Seals:
    """Checks the merchant's signatures and makes the provider's.

    `signing` is the id of the key in use, or `mixed` for each in turn, as in the days of a rotation.
    """

    def __init__(self, merchant: Merchant) -> None:
        self.merchant = merchant
        self.signing = next(iter(merchant.provider_keys))
        self._turn = itertools.count()
        self._lock = threading.Lock()
        self._nonces: dict[str, float] = {}

    def authenticate(self, method: str, target: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
        """Refusal 401 unless the merchant signed exactly this request, now, and for the first time."""
        scheme, _, rest = headers.get("Authorization", "").partition(" ")
        given = dict(PART.findall(rest))
        if scheme != SCHEME or len(given) != 5:
            raise self._unsigned("Authorization", "http头Authorization值格式错误")
        key = self.merchant.certificate_keys.get(given["serial_no"])
        if given["mchid"] != self.merchant.mchid or key is None:
            raise self._unsigned("serial_no", "商户证书序列号有误")
        if not given["timestamp"].isdecimal() or abs(int(given["timestamp"]) - now) > SKEW_S:
            raise self._unsigned("timestamp", "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
        text = "\n".join((method, target, given["timestamp"], given["nonce_str"], body.decode(), ""))
        if not _is_genuine(key, given["signature"], text.encode()):
            raise self._unsigned("signature", "签名错误，请检查后再试", issue="sign not match")
        with self._lock:
            self._nonces = {nonce: at for nonce, at in self._nonces.items() if at > now - 2 * SKEW_S}
            if given["nonce_str"] in self._nonces:
                raise self._unsigned("nonce_str", "随机串重复")
            self._nonces[given["nonce_str"]] = now

    def headers(self, body: bytes, now: float, *, wanted: str = "", probe: bool = False) -> dict[str, str]:
        """Signature headers over `body` by the key in use, or by the `wanted` one."""
        serial = wanted or self._key_in_use()
        key = self.merchant.provider_keys.get(serial)
        if key is None:
            raise Refusal(400, "PARAM_ERROR", "Wechatpay-Serial 有误")
        timestamp, nonce = str(int(now)), secrets.token_hex(16)
        text = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
        signature = base64.b64encode(key.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": serial,
            "Wechatpay-Signature": (PROBE + signature)[: len(signature)] if probe else signature,
            "Wechatpay-Signature-Type": SCHEME,
        }

    def encrypt(self, content: bytes, associated_data: str) -> dict[str, str]:
        """A resource under the APIv3 key."""
        nonce = secrets.token_hex(6)
        sealed = AESGCM(self.merchant.api_key.encode()).encrypt(nonce.encode(), content, associated_data.encode())
        return {
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(sealed).decode(),
            "associated_data": associated_data,
            "nonce": nonce,
        }

    def is_bridge_call(self, given: Mapping[str, str]) -> bool:
        """Whether the merchant signed these parameters of the WeChat bridge."""
        text = "".join(f"{given.get(name, '')}\n" for name in ("appId", "timeStamp", "nonceStr", "package"))
        keys = self.merchant.certificate_keys.values()
        return any(_is_genuine(key, given.get("paySign", ""), text.encode()) for key in keys)

    def _key_in_use(self) -> str:
        if self.signing != "mixed":
            return self.signing
        serials = list(self.merchant.provider_keys)
        return serials[next(self._turn) % len(serials)]

    @staticmethod
    def _unsigned(where: str, message: str, issue: str = "") -> Refusal:
        detail = {"location": "authorization", "field": where, "detail": {"issue": issue or message}}
        return Refusal(401, "SIGN_ERROR", message, detail)


def _is_genuine(key: rsa.RSAPublicKey, signature: str, text: bytes) -> bool:
    try:
        key.verify(base64.b64decode(signature, validate=True), text, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error):
        return False
    return True


def merchant_from(values: Mapping[str, str]) -> Merchant | None:
    """The merchant in the application's own settings, with the provider's private keys beside them."""
    lower = {name.lower(): str(value) for name, value in values.items()}
    secret = lower.get("sandbox_wechat_pay_keys", "")
    if not secret or not lower.get("wechat_pay_mchid"):
        return None
    ours = serialization.load_pem_private_key(lower["wechat_pay_private_key"].encode(), None)
    listed: dict[str, str] = json.loads(lower["wechat_pay_public_keys"])
    provider = {
        serial: serialization.load_pem_private_key(pem.encode(), None) for serial, pem in json.loads(secret).items()
    }
    return Merchant(
        mchid=lower["wechat_pay_mchid"],
        api_key=lower["wechat_pay_api_key"],
        certificate_keys={lower["wechat_pay_serial"]: ours.public_key()},  # type: ignore[dict-item]
        provider_keys=provider,  # type: ignore[arg-type]
        certificates={serial: pem for serial, pem in listed.items() if "CERTIFICATE" in pem},
    )

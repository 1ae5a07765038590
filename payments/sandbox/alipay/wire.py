"""Alipay's signatures as the other side makes them: RSA with SHA-256 over sorted parameters or over the raw answer."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

BEIJING = timezone(timedelta(hours=8))
STALE_S = 15 * 60.0


class Refusal(Exception):
    """An answer that is not a success: gateway code and message, sub-code and its words."""

    def __init__(self, code: str, sub_code: str, words: str, *, gateway: bool = False) -> None:
        super().__init__(sub_code)
        self.code = code
        self.sub_code = sub_code
        self.words = words
        self.gateway = gateway

    def inner(self) -> dict[str, str]:
        """The answer's object."""
        message = {
            "20000": "Service Currently Unavailable",
            "40002": "Invalid Arguments",
            "40004": "Business Failed",
            "40005": "Call Limited",
        }[self.code]
        return {"code": self.code, "msg": message, "sub_code": self.sub_code, "sub_msg": self.words}


def business(sub_code: str, words: str) -> Refusal:
    """A refusal by the business behind the gateway."""
    return Refusal("40004", sub_code, words)


class Wire:
    """The keys of both sides, seen from Alipay: the app's public one and Alipay's private one."""

    def __init__(self, *, app_id: str, app_public_key: str, private_key: str) -> None:
        self.app_id = app_id
        public = load_der_public_key(b64decode(app_public_key))
        private = load_der_private_key(b64decode(private_key), None)
        if not isinstance(public, rsa.RSAPublicKey) or not isinstance(private, rsa.RSAPrivateKey):
            raise TypeError("Alipay's keys are RSA")
        self._public, self._private = public, private

    def sign(self, text: bytes) -> str:
        return b64encode(self._private.sign(text, padding.PKCS1v15(), SHA256())).decode()

    def check_request(self, parameters: Mapping[str, str], now: float) -> None:
        """Refusal unless the app is ours, every needed parameter is there and the signature covers all of them."""
        if parameters.get("app_id") != self.app_id:
            raise Refusal("40002", "isv.invalid-app-id", "无效的AppID参数", gateway=True)
        for name in ("method", "charset", "sign_type", "sign", "timestamp", "version"):
            if not parameters.get(name):
                raise Refusal("40002", f"isv.missing-{name.replace('_', '-')}", f"缺少{name}参数", gateway=True)
        if parameters["sign_type"] != "RSA2" or parameters["version"] != "1.0":
            raise Refusal("40002", "isv.invalid-signature-type", "无效签名类型", gateway=True)
        signed = {name: value for name, value in parameters.items() if name != "sign" and value}
        try:
            signature = b64decode(parameters["sign"], validate=True)
            self._public.verify(signature, _joined(signed), padding.PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            raise Refusal(
                "40002",
                "isv.invalid-signature",
                "验签出错，建议检查签名字符串或签名私钥与应用公钥是否匹配",
                gateway=True,
            ) from None
        try:
            at = datetime.strptime(parameters["timestamp"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
        except ValueError:
            raise Refusal("40002", "isv.invalid-timestamp", "非法的时间戳参数", gateway=True) from None
        if abs(at.timestamp() - now) > STALE_S:
            raise Refusal("40002", "isv.invalid-timestamp", "非法的时间戳参数", gateway=True)

    def answer(self, name: str, inner: Mapping[str, object], fault: str = "normal") -> str:
        """The body of an answer. The object is written once, signed as written, and slashes are escaped as Alipay does.

        ``fault``: ``unsigned`` leaves the signature out, ``bad_signature`` gives one over something else.
        """
        raw = json.dumps(inner, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")
        if fault == "unsigned":
            return f'{{"{name}":{raw}}}'
        signature = self.sign((raw + " " if fault == "bad_signature" else raw).encode())
        return f'{{"{name}":{raw},"sign":"{signature}"}}'

    def signed_form(self, fields: Mapping[str, str]) -> dict[str, str]:
        """Fields of a notification or a browser's return; ``sign_type`` travels along unsigned."""
        shown = {name: value for name, value in fields.items() if value}
        return {**shown, "sign_type": "RSA2", "sign": self.sign(_joined(shown))}


def _joined(parameters: Mapping[str, str]) -> bytes:
    return "&".join(f"{name}={parameters[name]}" for name in sorted(parameters)).encode()


def in_beijing(at: float) -> str:
    """Unix seconds as Alipay writes a time."""
    return datetime.fromtimestamp(at, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def beijing_day(at: float) -> str:
    return datetime.fromtimestamp(at, BEIJING).strftime("%Y-%m-%d")


def in_yuan(cents: int) -> str:
    """Cents as yuan with two decimals; may be negative."""
    sign, cents = ("-", -cents) if cents < 0 else ("", cents)
    return f"{sign}{cents // 100}.{cents % 100:02d}"

"""How EMS reads and writes: the SM4 field, the envelope, Beijing's time, yuan."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BEIJING = timezone(timedelta(hours=8))
BLOCK = 16


class PlatformRefusal(Exception):
    """The second layer: `retCode` is not 00000, and nothing was done."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class BusinessRefusal(Exception):
    """The third layer: `retCode` is 00000, and `retBody` says no. `facts` stand beside the words."""

    def __init__(self, code: str, message: str, **facts: str) -> None:
        super().__init__(message)
        self.code, self.message, self.facts = code, message, facts


@dataclass(frozen=True)
class Customer:
    """A contract: customer number, authorisation code, signing key as Base64."""

    sender_no: str
    authorization: str
    sign_key: str

    def __repr__(self) -> str:
        return f"Customer({self.sender_no!r})"


def sealed(customer: Customer, value: object, *, with_key: bool = True) -> str:
    """A sealed field; pushes of the live platform have no key behind the text."""
    plain = (json.dumps(value, ensure_ascii=False) + (customer.sign_key if with_key else "")).encode()
    gap = BLOCK - len(plain) % BLOCK
    encryptor = Cipher(algorithms.SM4(base64.b64decode(customer.sign_key)), modes.ECB()).encryptor()  # noqa: S305
    return "|$4|" + base64.b64encode(encryptor.update(plain + bytes([gap]) * gap) + encryptor.finalize()).decode()


def opened(customer: Customer, field: str) -> Any:
    """What a request says. PlatformRefusal unless it was sealed with the customer's key and ends with it."""
    try:
        if not field.startswith("|$4|"):
            raise ValueError("prefix")
        decryptor = Cipher(algorithms.SM4(base64.b64decode(customer.sign_key)), modes.ECB()).decryptor()  # noqa: S305
        padded = decryptor.update(base64.b64decode(field[4:], validate=True)) + decryptor.finalize()
        gap = padded[-1]
        if not 1 <= gap <= BLOCK or padded[-gap:] != bytes([gap]) * gap:
            raise ValueError("padding")
        text = padded[:-gap].decode()
        if not text.endswith(customer.sign_key):
            raise ValueError("key")
        return json.loads(text.removesuffix(customer.sign_key))
    except (binascii.Error, ValueError, IndexError):
        raise PlatformRefusal("B00003", "报文解密失败") from None


def envelope(at: float, *, code: str = "00000", message: str = "成功", body: object = None) -> dict[str, Any]:
    """An answer: `retBody` is JSON inside a text, or the text itself."""
    return {
        "serialNo": secrets.token_hex(16).upper(),
        "retCode": code,
        "retMsg": message,
        "retBody": body if isinstance(body, str) or body is None else json.dumps(body, ensure_ascii=False),
        "retDate": beijing(at),
        "success": code == "00000",
    }


def refusal_body(refusal: BusinessRefusal) -> dict[str, Any]:
    """`responseItems` with one item that failed."""
    item: Mapping[str, str] = {
        "success": "F",
        "errorCode": refusal.code,
        "errorMsg": refusal.message,
        **refusal.facts,
    }
    return {"responseItems": [item]}


def beijing(at: float) -> str:
    """Unix seconds as EMS writes them."""
    return datetime.fromtimestamp(at, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def yuan(fen: int) -> str:
    """Fen as EMS's text."""
    return f"{fen // 100}.{fen % 100:02d}"

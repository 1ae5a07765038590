"""Which fields a request may have: anything else is refused, as WeChat Pay does."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from .seals import Refusal

Check = Callable[[Any], bool]
Shape = Mapping[str, Any]


def text(least: int, most: int, pattern: str = ".*") -> Check:
    expression = re.compile(pattern, re.DOTALL)
    return lambda value: (
        isinstance(value, str) and least <= len(value) <= most and expression.fullmatch(value) is not None
    )


def one_of(*values: str) -> Check:
    return lambda value: value in values


def _fen(value: Any) -> bool:
    return type(value) is int and 1 <= value <= 100_000_000_00


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _instant(value: Any) -> bool:
    try:
        return isinstance(value, str) and "T" in value and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _address(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(ipaddress.ip_address(value))
    except ValueError:
        return False


def _callback(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > 255:
        return False
    parts = urlsplit(value)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and bool(parts.path) and not parts.query


TRADE_NUMBER = text(6, 32, r"[0-9A-Za-z_\-|*]+")
REFUND_NUMBER = text(1, 64, r"[0-9A-Za-z_\-|*@]+")

ORDER: Shape = {
    "*appid": text(1, 32),
    "*mchid": text(1, 32),
    "*description": text(1, 127),
    "*out_trade_no": TRADE_NUMBER,
    "*notify_url": _callback,
    "*amount": {"*total": _fen, "currency": one_of("CNY")},
    "time_expire": _instant,
    "attach": text(1, 128),
    "goods_tag": text(1, 32),
    "support_fapiao": _flag,
    "settle_info": {"profit_sharing": _flag},
}
SCENE: Shape = {"*payer_client_ip": _address, "device_id": text(1, 32)}
CREATE: dict[str, Shape] = {
    "jsapi": {**ORDER, "*payer": {"*openid": text(1, 128)}, "scene_info": SCENE},
    "native": {**ORDER, "scene_info": SCENE},
    "app": {**ORDER, "scene_info": SCENE},
    "h5": {
        **ORDER,
        "*scene_info": {
            **SCENE,
            "*h5_info": {
                "*type": one_of("Wap", "iOS", "Android"),
                "app_name": text(1, 64),
                "app_url": text(1, 128),
                "bundle_id": text(1, 128),
                "package_name": text(1, 128),
            },
        },
    },
}
CLOSE: Shape = {"*mchid": text(1, 32)}
REFUND: Shape = {
    "transaction_id": text(1, 32),
    "out_trade_no": TRADE_NUMBER,
    "*out_refund_no": REFUND_NUMBER,
    "reason": text(1, 80),
    "notify_url": _callback,
    "funds_account": one_of("AVAILABLE"),
    "*amount": {"*refund": _fen, "*total": _fen, "*currency": one_of("CNY")},
}


def check(shape: Shape, body: Any, path: str = "") -> None:
    """Refusal 400 PARAM_ERROR naming the first field that is unknown, missing or wrong."""
    if not isinstance(body, dict):
        raise Refusal(400, "PARAM_ERROR", f"参数错误 {path or 'body'}")
    known = {name.lstrip("*") for name in shape}
    for name in body:
        if name not in known:
            raise _wrong(path + name, "not in documented fields")
    for name, rule in shape.items():
        bare = name.lstrip("*")
        if bare not in body:
            if name.startswith("*"):
                raise _wrong(path + bare, "required")
        elif isinstance(rule, Mapping):
            check(rule, body[bare], f"{path}{bare}/")
        elif not rule(body[bare]):
            raise _wrong(path + bare, "value")


def _wrong(field: str, issue: str) -> Refusal:
    return Refusal(400, "PARAM_ERROR", f"参数错误：{field}", {"field": f"/{field}", "issue": issue, "location": "body"})

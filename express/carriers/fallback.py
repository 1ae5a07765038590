"""Where a shipment is when EMS itself does not say: two aggregators and the province's gateway, off by default.

Only the waybill's number is sent, never a phone: an aggregator is a private firm, and switching it on needs an
agreement on data processing (PIPL, domain sheet §2.4). Their states become EMS's codes, so that one table reads all.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from urllib.parse import quote

from backend.core import clock
from backend.core.config import Settings
from express.carriers.base import CallFailed, Tracker, TrackEvent
from express.carriers.ems_wire import instant, written
from express.carriers.forms import FormDesk, text

MOVING = "MOVING"
"""No code of EMS: like every unknown one it means that the shipment is on its way."""
KUAIDI100_STATES: Mapping[str, tuple[str, str]] = {
    "1": ("203", ""),
    "2": ("705", "16"),
    "3": ("704", ""),
    "4": ("711", ""),
    "5": ("702", ""),
    "6": ("708", ""),
    "14": ("705", "7"),
}
KDNIAO_STATES: Mapping[str, tuple[str, str]] = {"3": ("704", ""), "4": ("705", "16")}


@lru_cache(maxsize=2)
def from_settings(settings: Settings) -> Tracker | None:
    """The fallback that is set up, None while TRACKING_FALLBACK is empty."""
    if not settings.tracking_fallback:
        return None
    made = TRACKERS[settings.tracking_fallback]
    return made(settings.tracking_fallback_base, settings.tracking_fallback_account, settings.tracking_fallback_key)


class Kuaidi100:
    """快递100: the newest event carries the state of the whole; `account` is its customer number."""

    def __init__(self, base: str, account: str, key: str) -> None:
        self._desk = FormDesk(base)
        self._account, self._key = account, key

    def track(self, waybill: str) -> Sequence[TrackEvent]:
        param = json.dumps({"com": "ems", "num": waybill}, separators=(",", ":"))
        form = {"customer": self._account, "param": param, "sign": kuaidi100_sign(param, self._key, self._account)}
        answer = self._desk.post(form)
        if text(answer, "status") not in {"200", ""} or answer.get("result") is False:
            return _nothing(text(answer, "returnCode") or text(answer, "status"), text(answer, "message"))
        newest = KUAIDI100_STATES.get(text(answer, "state"), (MOVING, ""))
        return _events(waybill, answer.get("data"), ("time", "context"), newest)


class Kdniao:
    """快递鸟, about 500 questions a day without a contract; `account` is its EBusinessID."""

    def __init__(self, base: str, account: str, key: str) -> None:
        self._desk = FormDesk(base)
        self._account, self._key = account, key

    def track(self, waybill: str) -> Sequence[TrackEvent]:
        data = json.dumps({"ShipperCode": "EMS", "LogisticCode": waybill}, separators=(",", ":"))
        parts = {"RequestData": quote(data, safe=""), "EBusinessID": quote(self._account, safe="")}
        parts |= {"RequestType": "1002", "DataSign": kdniao_sign(data, self._key), "DataType": "2"}
        answer = self._desk.post("&".join(f"{name}={value}" for name, value in parts.items()))
        if answer.get("Success") is not True:
            return _nothing("REFUSED", text(answer, "Reason"))
        newest = KDNIAO_STATES.get(text(answer, "State"), (MOVING, ""))
        return _events(waybill, answer.get("Traces"), ("AcceptTime", "AcceptStation"), newest)


class FujianGateway:
    """EMS through the province's gateway; `account` is the app key. Its traces have EMS's own codes."""

    def __init__(self, base: str, account: str, key: str) -> None:
        self._desk = FormDesk(base)
        self._account, self._key = account, key

    def track(self, waybill: str) -> Sequence[TrackEvent]:
        fields = {
            "app_key": self._account,
            "charset": "UTF-8",
            "format": "json",
            "mailNo": waybill,
            "method": "ems.inland.trace.query",
            "timestamp": written(clock.now()),
            "version": "V3.01",
        }
        answer = self._desk.post({**fields, "sign": gateway_sign(fields, self._key)})
        if text(answer, "success") != "T":
            return _nothing(text(answer, "errorCode"), text(answer, "errorMsg"))
        return _events(waybill, answer.get("traces"), ("opTime", "opDesc"), None)


TRACKERS: Mapping[str, Callable[[str, str, str], Tracker]] = {
    "kuaidi100": Kuaidi100,
    "kdniao": Kdniao,
    "fujian": FujianGateway,
}


def kuaidi100_sign(param: str, key: str, customer: str) -> str:
    """MD5 in capitals of the question, the key and the customer."""
    return _md5(param + key + customer).hex().upper()


def kdniao_sign(data: str, key: str) -> str:
    """Base64 of MD5's hexadecimal text, as it stands in a form."""
    return quote(base64.b64encode(_md5(data + key).hex().encode()).decode(), safe="")


def gateway_sign(fields: Mapping[str, str], secret: str) -> str:
    """Base64 of SHA-256 over names and values in the names' order, without separators, and the secret."""
    joined = "".join(f"{name}{fields[name]}" for name in sorted(fields))
    return base64.b64encode(hashlib.sha256((joined + secret).encode()).digest()).decode()


def _md5(plain: str) -> bytes:
    return hashlib.md5(plain.encode(), usedforsecurity=False).digest()


def _nothing(code: str, message: str) -> Sequence[TrackEvent]:
    """No events when the number is not known there (yet). Raises CallFailed for every other refusal."""
    if any(word in message for word in ("无结果", "没有信息", "暂无", "不存在", "查无")):
        return ()
    raise CallFailed(code or "REFUSED", message)


def _events(
    waybill: str, found: object, names: tuple[str, str], newest: tuple[str, str] | None
) -> Sequence[TrackEvent]:
    """The readable items in the order of time; the last one has the code of `newest`, None for codes of their own."""
    made: list[TrackEvent] = []
    for item in found if isinstance(found, list) else ():
        try:
            at = instant(item.get(names[0]))
        except (AttributeError, ValueError):
            continue
        said = text(item, names[1])
        trace = hashlib.sha256(f"{at.isoformat()}|{said}".encode()).hexdigest()[:24]
        code = text(item, "opCode") or MOVING
        made.append(TrackEvent(waybill, trace, at, code, detail_code=text(item, "deliverCode"), text=said))
    made.sort(key=lambda event: event.op_time)
    if made and newest is not None:
        last = made[-1]
        made[-1] = TrackEvent(waybill, last.trace_no, last.op_time, newest[0], detail_code=newest[1], text=last.text)
    return made

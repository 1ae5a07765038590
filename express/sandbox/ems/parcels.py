"""The parcels: ordered once for each order number, moved along step by step, called off before they are collected."""

from __future__ import annotations

import itertools
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .journeys import CANCELLED, COLLECTED, JOURNEYS, Step
from .tariff import postage_fen, zone
from .wire import BusinessRefusal, beijing

PHONE = re.compile(r"1[3-9]\d{9}|0\d{2,3}-?\d{7,8}(-\d{1,5})?")
NUMBER = re.compile(r"[0-9A-Za-z_-]{1,50}")
PRODUCTS = frozenset({"1", "2", "3", "9", "10", "11"})
REQUIRED = ("ecommerceUserId", "logisticsOrderNo", "createdTime", "senderNo", "sender", "receiver", "cargos")
AT_THE_SENDERS_END = frozenset({"203", "954", "989", "987", "801", "711"})
UNSERVED_PROVINCES = frozenset({"香港特别行政区", "澳门特别行政区", "台湾省"})
UNSERVED_CITIES = frozenset({"三沙市"})
UNSERVED_WORD = "超范围测试"
"""An address with this word is out of range, wherever it is."""


@dataclass(frozen=True)
class Event:
    """One thing that happened to a parcel."""

    trace_no: str
    at: float
    step: Step


@dataclass
class Parcel:
    """One order and what became of it. `done` counts the steps of its journey; `weight_g` is what was weighed."""

    number: str
    waybill: str
    body: Mapping[str, Any]
    at: float
    journey: str = "in_person"
    done: int = 0
    events: list[Event] = field(default_factory=list)
    cancelled: bool = False
    heavier_g: int = 0

    @property
    def collected_at(self) -> float | None:
        return next((event.at for event in self.events if event.step is COLLECTED), None)

    @property
    def weight_g(self) -> int:
        return int(self.body["weight"]) + self.heavier_g

    @property
    def postage_fen(self) -> int:
        return postage_fen(zone(self.body["sender"], self.body["receiver"]), self.weight_g)

    @property
    def finished(self) -> bool:
        return self.cancelled or self.done >= len(JOURNEYS[self.journey][1])


class PostOffice:
    """Every parcel of the customer. `listeners` hear of each event."""

    def __init__(self, sender_no: str, now: Callable[[], float]) -> None:
        self.now = now
        self.lock = threading.RLock()
        self.parcels: dict[str, Parcel] = {}
        self.listeners: list[Callable[[Parcel, Event], None]] = []
        self.repeats_refused = False
        self._sender_no = sender_no
        self._serial = itertools.count(1)

    def place(self, body: Mapping[str, Any]) -> Parcel:
        """Take an order, or find it again under its number. BusinessRefusal says why not."""
        check(body, self._sender_no)
        with self.lock:
            number = body["logisticsOrderNo"]
            known = self.parcels.get(number)
            if known is None:
                known = self.parcels[number] = Parcel(number, self._waybill(), body, self.now())
            elif known.cancelled:
                raise BusinessRefusal("B0105", "订单已取消，不能再下单")
            elif known.body != body:
                raise BusinessRefusal("B0104", "订单号已被其他订单使用")
            elif self.repeats_refused:
                raise BusinessRefusal("B0103", "订单号重复", waybillNo=known.waybill, logisticsOrderNo=number)
            return known

    def cancel(self, number: str, waybill: str) -> None:
        """Call the courier off. BusinessRefusal once the parcel is collected, or cancelled already."""
        with self.lock:
            parcel = self.find(number, waybill)
            if parcel.cancelled:
                raise BusinessRefusal("B0202", "订单已取消")
            if parcel.collected_at is not None:
                raise BusinessRefusal("B0201", "邮件已收寄，不能撤单")
            parcel.cancelled = True
            self._happen(parcel, CANCELLED)

    def find(self, number: str, waybill: str) -> Parcel:
        """By either number, both when both are given. BusinessRefusal when there is none."""
        with self.lock:
            for parcel in self.parcels.values():
                if (number or waybill) and number in {"", parcel.number} and waybill in {"", parcel.waybill}:
                    return parcel
        raise BusinessRefusal("B0301", "订单不存在")

    def choose(self, parcel: Parcel, journey: str) -> None:
        """Set where the parcel goes; the steps done stay as they are. ValueError for an unknown journey."""
        if journey not in JOURNEYS:
            raise ValueError(f"journey is one of {', '.join(JOURNEYS)}")
        parcel.journey = journey

    def step(self, parcel: Parcel) -> Event | None:
        """The next event of its journey, None at the end."""
        with self.lock:
            if parcel.finished:
                return None
            step = JOURNEYS[parcel.journey][1][parcel.done]
            parcel.done += 1
            return self._happen(parcel, step)

    def play(self, parcel: Parcel) -> None:
        """All that is left of its journey, a second between events."""
        while self.step(parcel) is not None:
            pass

    def clear(self) -> None:
        with self.lock:
            self.parcels.clear()

    def _happen(self, parcel: Parcel, step: Step) -> Event:
        last = parcel.events[-1].at if parcel.events else parcel.at
        event = Event(f"T{next(self._serial):06d}{secrets.token_hex(3)}", max(self.now(), last + 1), step)
        parcel.events.append(event)
        for listener in self.listeners:
            listener(parcel, event)
        return event

    def _waybill(self) -> str:
        taken = {parcel.waybill for parcel in self.parcels.values()}
        while (waybill := f"1199{secrets.randbelow(10**9):09d}") in taken:
            pass
        return waybill


def described(parcel: Parcel, event: Event) -> dict[str, Any]:
    """An event as tracking tells it, by pull and by push."""
    step = event.step
    end = parcel.body["sender" if step.code in AT_THE_SENDERS_END else "receiver"]
    item = {
        "traceNo": event.trace_no,
        "waybillNo": parcel.waybill,
        "opTime": beijing(event.at),
        "opCode": step.code,
        "opName": step.name,
        "opDesc": f"【{end['city']}】{step.text}",
        "opOrgProvName": end["prov"],
        "opOrgCity": end["city"],
        "opOrgCode": "36100001",
        "opOrgName": f"{end['city']}邮件处理中心" if step.code in {"954", "989"} else f"{end['county']}揽投部",
        "operatorName": "",
        "productName": "特快专递",
    }
    if step.detail:
        item["deliverCode" if step.code == "704" else "attemptDeliveryCode"] = step.detail
    return item


def served(prov: str, city: str, address: str) -> bool:
    """Whether a courier goes there."""
    return prov not in UNSERVED_PROVINCES and city not in UNSERVED_CITIES and UNSERVED_WORD not in address


def check(body: Mapping[str, Any], sender_no: str) -> None:
    """BusinessRefusal naming the first thing in an order that EMS does not take."""
    for name in REQUIRED:
        if not body.get(name):
            raise BusinessRefusal("B0001", f"{name} 不能为空")
    if body["senderNo"] != sender_no or not NUMBER.fullmatch(body["logisticsOrderNo"]):
        raise BusinessRefusal("B0001", "senderNo 或 logisticsOrderNo 有误")
    if body.get("contentsAttribute") not in {"1", "3"} or body.get("bizProductNo") not in PRODUCTS:
        raise BusinessRefusal("B0001", "contentsAttribute 或 bizProductNo 有误")
    if (body["bizProductNo"] == "3") != (body.get("paymentMode") == "2"):
        raise BusinessRefusal("B0001", "paymentMode 与 bizProductNo 不符")
    if body.get("pickupType", "1") != "1" or body.get("deliverType", "2") != "2":
        raise BusinessRefusal("B0001", "协议只含上门揽收、上门投递")
    if not str(body.get("weight", "")).isdecimal() or not int(body["weight"]):
        raise BusinessRefusal("B0001", "weight 有误")
    for role, words in (("sender", "寄件人"), ("receiver", "收件人")):
        _check_party(body[role], words)


def _check_party(party: Mapping[str, Any], words: str) -> None:
    if not party.get("name"):
        raise BusinessRefusal("B0002", f"{words}姓名不能为空")
    if not PHONE.fullmatch(str(party.get("mobile") or party.get("phone") or "")):
        raise BusinessRefusal("B0002", f"{words}电话格式不正确")
    if not all(party.get(name) for name in ("prov", "city", "county", "address")):
        raise BusinessRefusal("B0002", f"{words}地址不完整")
    if not served(party["prov"], party["city"], party["address"]):
        raise BusinessRefusal("B0003", f"{words}地址超范围")

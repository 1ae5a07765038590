"""EMS through api.ems.com.cn: orders, labels, tracking, postage and addresses (domain sheet §2.1, §2.3).

EMS publishes no list of error codes, so a business refusal is sorted by its words; what no word fits stays a plain
refusal with EMS's own text for staff.
"""

import base64
import binascii
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from backend.core.config import Settings
from express.carriers import base, ems_bill, ems_old_push
from express.carriers.ems_wire import OK, EmsWire, NotSealed, Reply, fen, instant, unseal, written
from express.carriers.forms import text

log = logging.getLogger(__name__)

CODE = "ems"
PLACE, CANCEL, RANGE, LABEL, TRACK, TRACK_PUSH = "020003", "020006", "030005", "010004", "040001", "040002"
POSTAGE, ESTIMATE, PARSE = "050001", "050005", "060001"
COLLECT_PRODUCT = "3"
"""特快到付: the receiver pays at the door."""
COURIER_COMES, TO_THE_DOOR = "1", "2"
"""揽收方式 and 投递方式; the numbers beside them mean that people walk: 客户送货上门, 客户自提."""
IN_PERSON = "请投递给收件人本人"
PUSH_FAILED = "S00001"
CUSTOMER_RANGE = "2"
MOST_PUSHED = 500

_SERVED, _OUT = "0", "1"
_RANGE_DOWN = "6"
_RANGE_UNSURE = frozenset({"8", "9", "10"})
"""The place was not found, not precisely enough, or has no courier's hours: for a citizen the same as out of range."""

_WORDS: tuple[tuple[type[base.Refused], tuple[str, ...]], ...] = (
    (base.OutOfRange, ("超范围", "超出范围", "不在服务范围", "不通邮", "不可达", "超出揽收")),
    (base.TooLate, ("已揽收", "已收寄", "不能撤单", "无法撤单", "不能取消", "无法取消", "已妥投")),
    (base.LabelNotReady, ("面单生成中", "面单未生成", "面单尚未")),
    (base.PostageNotReady, ("未计费", "尚未计费", "未称重", "未收寄")),
    (base.AddressRefused, ("地址", "电话", "手机", "姓名")),
)
_WEIGHT = re.compile(r"([0-9]{1,6})(?:\.0+)?")
_UNKNOWN_ORDER = ("不存在", "查无", "无此", "未查询到", "未找到", "无查询信息")
_CANCELLED = ("已取消", "已撤单")


@dataclass(frozen=True, slots=True)
class Contract:
    """What the contract with EMS names: product of an order and of an estimate, label, hidden phone numbers.

    `old_push_secret` is that of the older platform's push, "" where none is expected.
    """

    product: str
    product_code: str
    label_type: str
    virtual_number: bool
    old_push_secret: str = field(default="", repr=False)


@lru_cache(maxsize=2)
def from_settings(settings: Settings) -> "EmsCarrier | None":
    """The adapter, or None while EMS_SENDER_NO is empty."""
    if not settings.ems_sender_no:
        return None
    wire = EmsWire(settings.ems_base, settings.ems_sender_no, settings.ems_authorization, settings.ems_sign_key)
    contract = Contract(
        settings.ems_product,
        settings.ems_product_code,
        settings.ems_label_type,
        settings.ems_virtual_number,
        settings.ems_old_push_secret,
    )
    return EmsCarrier(wire, contract)


class EmsCarrier:
    """One customer account at EMS."""

    code = CODE

    def __init__(self, wire: EmsWire, contract: Contract) -> None:
        self._wire = wire
        self._contract = contract

    def place(self, order: base.ShipmentOrder) -> base.Placed:
        reply = self._wire.call(PLACE, [self._order(order)])
        waybill = reply.first("waybillNo")
        if waybill:
            # A repeat may be answered as a refusal that names the waybill we have already.
            return base.Placed(order.number, waybill)
        _good(reply)
        raise base.OutcomeUnknown("NO_WAYBILL")

    def find(self, order: base.ShipmentOrder) -> base.Placed | None:
        """EMS has no query by our number: its postage call knows it, and an identical order is never doubled."""
        reply = self._wire.call(POSTAGE, {"logisticsOrderNo": order.number, "waybillNo": ""})
        said = reply.refusal.message if reply.refusal else ""
        waybill = reply.first("waybillNo")
        if waybill:
            return base.Placed(order.number, waybill, cancelled=_says(said, _CANCELLED))
        if _says(said, _UNKNOWN_ORDER):
            return None
        return self.place(order)

    def cancel(self, number: str, waybill: str, reason: str) -> None:
        reply = self._wire.call(CANCEL, {"logisticsOrderNo": number, "waybillNo": waybill, "cancelReason": reason})
        if reply.refusal is None or not _says(reply.refusal.message, _CANCELLED):
            _good(reply)

    def reach(self, place: base.Party) -> base.Reach:
        region = place.region
        reply = _good(
            self._wire.call(
                RANGE,
                {
                    "address": _whole(place),
                    "prov": region.province,
                    "city": region.city,
                    "county": region.county,
                    "bizProductNo": self._contract.product,
                    "type": CUSTOMER_RANGE,
                    "senderNo": self._wire.sender_no,
                },
            )
        )
        status, why = reply.first("status"), reply.first("reason") or reply.first("msg")
        if status == _RANGE_DOWN:
            raise base.Busy(f"RANGE_{status}", why)
        if status not in {_SERVED, _OUT} | _RANGE_UNSURE:
            raise base.CallFailed(f"RANGE_{status}", why)
        return base.Reach(status == _SERVED, "" if status == _SERVED else why or "超出服务范围")

    def label(self, waybill: str) -> bytes:
        """The PDF itself, never a link: no address that an answer names is fetched."""
        reply = _good(self._wire.call(LABEL, {"waybillNo": waybill, "type": self._contract.label_type}))
        try:
            document = base64.b64decode("".join(str(reply.content).split()), validate=True)
        except binascii.Error:
            raise base.OutcomeUnknown("UNREADABLE") from None
        if not document.startswith(b"%PDF-"):
            raise base.OutcomeUnknown("UNREADABLE")
        return document

    def track(self, waybill: str) -> Sequence[base.TrackEvent]:
        reply = self._wire.call(TRACK, {"waybillNo": waybill, "direction": "0"})
        if reply.refusal is not None and _says(reply.refusal.message, _UNKNOWN_ORDER):
            return ()
        return list(_events(_good(reply).items, waybill))

    def read_push(self, headers: Mapping[str, str], body: bytes) -> base.Push:
        del headers  # EMS signs nothing but what stands in the body.
        given = _object(body) or ems_old_push.form_of(body)
        serial = text(given, "serialNo")
        failure = self._receipt(serial, PUSH_FAILED)
        try:
            items = self._pushed(given)
        except (NotSealed, ValueError):
            raise base.PushRefused("seal", failure) from None
        if items is None:
            raise base.PushRefused("recipient", failure)
        events = list(_events(items, ""))
        if not events or len(items) > MOST_PUSHED:
            raise base.PushRefused("content", failure)
        return base.Push(events, serial, self._receipt(serial, OK), failure)

    def _pushed(self, given: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """The items of a push, None when it is somebody else's. Raises ValueError unless EMS made it."""
        if text(given, "msgKind") == ems_old_push.KIND and text(given, "receiveID") == ems_old_push.RECEIVER:
            return ems_old_push.traces(given, self._contract.old_push_secret)
        if text(given, "senderNo") not in {"", self._wire.sender_no}:
            return None
        if text(given, "method") not in {"", TRACK_PUSH}:
            return None
        return Reply(json.loads(unseal(text(given, "logitcsInterface"), self._wire.sign_key))).items

    def estimate(self, sender: base.Party, receiver: base.Party, weight_g: int) -> base.Postage:
        reply = _good(
            self._wire.call(
                ESTIMATE,
                {
                    "productCode": self._contract.product_code,
                    "weight": str(weight_g),
                    "senderInfo": _whole(sender),
                    "receiveInfo": _whole(receiver),
                },
            )
        )
        return base.Postage(_money(reply, "totalFee"), weight_g)

    def postage(self, number: str, waybill: str) -> base.Postage:
        reply = _good(self._wire.call(POSTAGE, {"logisticsOrderNo": number, "waybillNo": waybill}))
        weight = _WEIGHT.fullmatch(reply.first("realWeight"))
        if weight is None:
            raise base.OutcomeUnknown("UNREADABLE")
        return base.Postage(_money(reply, "postageTotal"), int(weight.group(1)))

    def parse_address(self, text: str) -> base.ParsedAddress:
        reply = _good(self._wire.call(PARSE, [{"wholeAddress": text}]))
        found = {name: reply.first(name) for name in ("prov", "city", "county", "address")}
        return base.ParsedAddress(
            province=found["prov"], city=found["city"], county=found["county"], line=found["address"]
        )

    def bill(self, file: bytes) -> Iterator[base.BillLine]:
        return ems_bill.read(file)

    def _receipt(self, serial: str, code: str) -> dict[str, str]:
        return {"serialNo": serial, "code": code, "codeMessage": "", "senderNo": self._wire.sender_no}

    def _order(self, order: base.ShipmentOrder) -> dict[str, Any]:
        collect = order.charge is base.Charge.RECEIVER
        made: dict[str, Any] = {
            "ecommerceUserId": self._wire.sender_no,
            "logisticsOrderNo": order.number,
            "createdTime": written(order.ordered_at),
            "senderNo": self._wire.sender_no,
            "contentsAttribute": "1" if order.contents is base.Contents.DOCUMENT else "3",
            "bizProductNo": COLLECT_PRODUCT if collect else self._contract.product,
            "paymentMode": "2" if collect else "1",
            "weight": str(order.weight_g),
            "pickupType": COURIER_COMES,
            "deliverType": TO_THE_DOOR,
            "virtualNumFlag": "1" if self._contract.virtual_number else "0",
            "sender": _party(order.sender),
            "receiver": _party(order.receiver),
            "cargos": [{"cargoName": base.NEUTRAL_CONTENTS, "cargoQuantity": "1", "cargoWeight": str(order.weight_g)}],
        }
        if order.safety_code:
            made["receiverSafetyCode"] = order.safety_code
        if order.pickup is not None:
            made["pickupPreBeginTime"] = written(order.pickup.begins_at)
            made["pickupPreEndTime"] = written(order.pickup.ends_at)
        notes = (order.pickup.notes if order.pickup else "", IN_PERSON if order.in_person else "")
        made["pickupNotes"] = "；".join(note for note in notes if note)
        return made


def _party(party: base.Party) -> dict[str, str]:
    phone = (
        {"mobile": party.phone} if len(party.phone) == 11 and party.phone.startswith("1") else {"phone": party.phone}
    )
    return {
        "name": party.name,
        "postCode": party.postcode,
        **phone,
        "prov": party.region.province,
        "city": party.region.city,
        "county": party.region.county,
        "address": party.line,
    }


def _whole(party: base.Party) -> str:
    region = party.region
    return "".join(dict.fromkeys((region.province, region.city, region.county))) + party.line


def _events(items: Sequence[Mapping[str, Any]], waybill: str) -> Iterator[base.TrackEvent]:
    """The readable items. One that is not must not hide the others: it is left out and logged."""
    for item in items:
        number, code = text(item, "waybillNo") or waybill, text(item, "opCode")
        try:
            at = instant(item.get("opTime"))
        except ValueError:
            at = None
        if at is None or not number or not code:
            log.warning("ems_track_item_unreadable", extra={"waybill": number, "op_code": code})
            continue
        detail = text(item, "deliverCode") or text(item, "attemptDeliveryCode")
        trace = text(item, "traceNo")
        if trace in {"", number}:
            # Some EMS interfaces put the waybill there: then only the event itself tells it from another.
            trace = f"{at:%Y%m%d%H%M%S}-{code}-{text(item, 'opOrgCode')}-{detail}"
        yield base.TrackEvent(
            waybill=number,
            trace_no=trace,
            op_time=at,
            op_code=code,
            op_name=text(item, "opName"),
            detail_code=detail,
            province=text(item, "opOrgProvName"),
            city=text(item, "opOrgCity"),
            office=text(item, "opOrgName"),
            text=text(item, "opDesc"),
        )


def _good(reply: Reply) -> Reply:
    """The reply unless it is a refusal, which is raised as what its words say."""
    refusal = reply.refusal
    if refusal is None:
        return reply
    kind = next((kind for kind, words in _WORDS if _says(refusal.message, words)), base.Refused)
    raise kind(refusal.code, refusal.message)


def _says(message: str, words: Sequence[str]) -> bool:
    return any(word in message for word in words)


def _money(reply: Reply, name: str) -> int:
    try:
        return fen(reply.first(name))
    except ValueError:
        raise base.OutcomeUnknown("UNREADABLE") from None


def _object(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}

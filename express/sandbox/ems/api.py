"""The one address of EMS: the form, the three layers of failure, and what each apiCode does."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request

from . import faults
from .labels import label
from .parcels import described, served
from .simulator import Simulator
from .tariff import postage_fen, zone_of_texts
from .wire import BusinessRefusal, PlatformRefusal, envelope, opened, refusal_body, yuan

PATH = "/amp-prod-api/f/amp/api/open"
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
LABEL_TYPES = frozenset({"129", "149", "179"})
PRODUCT_CODE = re.compile(r"\d{15}")
WHOLE = re.compile(
    r"(?P<prov>(?:北京|天津|上海|重庆)市|[^省区]{2,7}(?:省|自治区))"
    r"(?P<city>[^市州盟]{1,8}(?:市|自治州|地区|盟))?(?P<county>[^区县市旗]{1,8}(?:区|县|市|旗))(?P<address>.+)"
)
MUNICIPALITIES = frozenset({"北京市", "天津市", "上海市", "重庆市"})


def create_blueprint(simulator: Simulator) -> Blueprint:
    """Every call is authenticated, opened and answered here."""
    blueprint = Blueprint("ems_api", __name__)
    calls = _Calls(simulator)

    @blueprint.post(PATH)
    def call() -> Response:
        code = request.form.get("apiCode", "")
        fault = simulator.faults.take(code)
        early = faults.before(fault)
        if early is not None:
            return early
        at = simulator.now()
        try:
            if fault and fault.kind == "platform":
                raise PlatformRefusal(fault.code, "系统繁忙，请稍后再试")
            answer = envelope(at, body=calls.answer(code, _opened(simulator)))
        except PlatformRefusal as refusal:
            answer = envelope(at, code=refusal.code, message=refusal.message)
        except BusinessRefusal as refusal:
            answer = envelope(at, body=refusal_body(refusal))
        return faults.after(fault, jsonify(answer))

    return blueprint


def _opened(simulator: Simulator) -> Any:
    form, customer = request.form, simulator.customer
    if form.get("senderNo") != customer.sender_no:
        raise PlatformRefusal("B00001", "协议客户号不存在")
    if form.get("authorization") != customer.authorization:
        raise PlatformRefusal("B00002", "授权码错误")
    if form.get("msgType") != "0" or form.get("version") != "V1.0.0" or not TIME.fullmatch(form.get("timeStamp", "")):
        raise PlatformRefusal("B00004", "公共参数有误")
    return opened(customer, form.get("logitcsInterface", ""))


class _Calls:
    """What each apiCode does with an opened body."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._office = simulator.office
        self._by_code: Mapping[str, Callable[[Any], object]] = {
            "020003": self._place,
            "020006": self._cancel,
            "030005": self._range,
            "010004": self._label,
            "040001": self._track,
            "050001": self._postage,
            "050005": self._estimate,
            "060001": self._parse,
        }

    def answer(self, code: str, body: Any) -> object:
        """PlatformRefusal for an unknown code or a body of another shape, BusinessRefusal for a no."""
        if code not in self._by_code:
            raise PlatformRefusal("B00005", "接口代码不存在")
        try:
            return self._by_code[code](body)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise PlatformRefusal("B00006", f"业务报文有误：{type(error).__name__}") from None

    def _place(self, body: Any) -> object:
        if not isinstance(body, list):
            raise ValueError("an array of orders")
        placed = [self._office.place(order) for order in body]
        found = [{"logisticsOrderNo": parcel.number, "waybillNo": parcel.waybill} for parcel in placed]
        return found[0] if len(found) == 1 else {"responseItems": found}

    def _cancel(self, body: Any) -> object:
        self._office.cancel(body["logisticsOrderNo"], body["waybillNo"])
        return {"success": "T"}

    def _range(self, body: Any) -> object:
        if not body["prov"] or not body["city"] or not body["county"]:
            return {"status": "9", "reason": "精度未达到赋值要求"}
        inside = served(body["prov"], body["city"], body["address"])
        return {"status": "0" if inside else "1", "reason": "" if inside else "超范围"}

    def _label(self, body: Any) -> object:
        parcel = self._office.find("", body["waybillNo"])
        if body["type"] not in LABEL_TYPES:
            raise BusinessRefusal("B0401", "面单类型有误")
        if parcel.cancelled:
            raise BusinessRefusal("B0402", "订单已取消")
        if self._simulator.late_labels > 0:
            self._simulator.late_labels -= 1
            raise BusinessRefusal("B0403", "面单生成中，请稍后")
        return base64.b64encode(label(parcel)).decode()

    def _track(self, body: Any) -> object:
        with self._office.lock:
            parcel = self._office.find("", body["waybillNo"])
            return {"responseItems": [described(parcel, event) for event in parcel.events]}

    def _postage(self, body: Any) -> object:
        parcel = self._office.find(body["logisticsOrderNo"], body["waybillNo"])
        names = {"waybillNo": parcel.waybill, "logisticsOrderNo": parcel.number}
        if parcel.cancelled:
            raise BusinessRefusal("B0501", "订单已取消", **names)
        if parcel.collected_at is None:
            raise BusinessRefusal("B0502", "邮件未收寄，尚未计费", **names)
        return {**names, "postageTotal": yuan(parcel.postage_fen), "realWeight": str(parcel.weight_g)}

    def _estimate(self, body: Any) -> object:
        if not PRODUCT_CODE.fullmatch(body["productCode"]):
            raise BusinessRefusal("B0601", "产品代码有误")
        if not served(body["receiveInfo"][:7], "", body["receiveInfo"]):
            raise BusinessRefusal("B0602", "收件人地址超范围")
        fee = postage_fen(zone_of_texts(body["senderInfo"], body["receiveInfo"]), int(body["weight"]))
        return {"totalFee": yuan(fee)}

    def _parse(self, body: Any) -> object:
        found = []
        for one in body:
            match = WHOLE.search(one["wholeAddress"])
            if match is None:
                raise BusinessRefusal("B0701", "地址解析失败")
            parts = match.groupdict(default="")
            city = parts["city"] or (parts["prov"] if parts["prov"] in MUNICIPALITIES else "")
            found.append({**parts, "city": city, "wholeAddress": one["wholeAddress"]})
        return found

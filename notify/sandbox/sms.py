"""An SMS operator: one signed endpoint, registered texts, and a number for every message taken."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import threading
from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request

WINDOW_S = 300.0
SIGNATURE = "【微政务】"
MOBILE = re.compile(r"1[3-9]\d{9}")

REGISTERED: dict[str, str] = {
    "login_code": "验证码 {code}，{minutes} 分钟内有效。不要告诉任何人，工作人员也不会问你要。",
    "appointment_booked": "已约好：{item}，{time}，{hall}，预约号 {code}。",
    "appointment_changed": "已改到：{item}，{time}，{hall}，预约号 {code}。",
    "appointment_cancelled": "已取消：{item}，{time}，{hall}。",
    "appointment_hall_cancelled": "{hall}取消了你 {time} 的预约（{item}）。请打开微政务重新预约。",
    "appointment_tomorrow": "提醒你：{time} 到{hall}办{item}，预约号 {code}。来不了请取消。",
    "case_correction": "{item}要补材料，办件号 {number}，请在 {until} 以前补上。",
    "case_decided": "{item}有结果了，办件号 {number}。请打开微政务查看。",
    "bill_issued": "{item}要交 {amount} 元，请在 {until} 以前打开微政务缴费。",
    "bill_returned": "{item}这笔 {amount} 元是重复付的，原路退回，一般 3 天到账。",
}


class SmsRefusal(Exception):
    """A refusal: HTTP status, the operator's code and its words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class SmsGateway:
    """Checks and delivers. A message id is taken once: a repeat gets the first answer again."""

    def __init__(
        self,
        *,
        key: str,
        secret: str,
        deliver: Callable[[str, str], None],
        mode: Callable[[], str],
        now: Callable[[], float],
    ) -> None:
        self._key = key
        self._secret = secret
        self._deliver = deliver
        self.mode = mode
        self._now = now
        self._lock = threading.Lock()
        self._nonces: dict[str, float] = {}
        self._taken: dict[str, str] = {}

    def authenticate(self, key: str, timestamp: str, nonce: str, signature: str, body: bytes) -> None:
        """SmsRefusal unless the signature covers this body, is at most 5 minutes old and its nonce is new."""
        expected = hmac.new(
            self._secret.encode(), f"{timestamp}\n{nonce}\n".encode() + body, hashlib.sha256
        ).hexdigest()
        if key != self._key or not hmac.compare_digest(expected, signature):
            raise SmsRefusal(401, "SIGNATURE_INVALID", "signature does not match")
        if not timestamp.isdecimal() or abs(self._now() - int(timestamp)) > WINDOW_S:
            raise SmsRefusal(401, "TIMESTAMP_EXPIRED", "timestamp out of window")
        with self._lock:
            self._nonces = {old: at for old, at in self._nonces.items() if at > self._now() - 2 * WINDOW_S}
            if nonce in self._nonces:
                raise SmsRefusal(401, "NONCE_REUSED", "nonce already used")
            self._nonces[nonce] = self._now()

    def send(self, body: bytes) -> str:
        """Deliver the message in ``body`` and give the operator's number for it."""
        try:
            order = json.loads(body)
            message_id, phone = str(order["id"]), str(order["phone"])
            text, params = REGISTERED.get(str(order["template"])), dict(order["params"])
        except (ValueError, KeyError, TypeError):
            raise SmsRefusal(400, "BODY_INVALID", "id, phone, template and params are needed") from None
        if not MOBILE.fullmatch(phone):
            raise SmsRefusal(422, "PHONE_INVALID", "not a mobile number")
        if text is None:
            raise SmsRefusal(422, "TEMPLATE_UNKNOWN", "template is not registered")
        try:
            full = SIGNATURE + text.format_map(params)
        except KeyError as missing:
            raise SmsRefusal(422, "PARAMS_MISSING", f"parameter {missing} is missing") from None
        with self._lock:
            if message_id in self._taken:
                return self._taken[message_id]
            number = self._taken[message_id] = secrets.token_hex(10)
        self._deliver(phone, full)
        return number


def create_blueprint(gateway: SmsGateway) -> Blueprint:
    """``POST /sms/v1/messages``; settings call the part before ``/v1`` sms_base."""
    blueprint = Blueprint("sms", __name__, url_prefix="/sms/v1")

    @blueprint.errorhandler(SmsRefusal)
    def refuse(error: SmsRefusal) -> tuple[Response, int]:
        return jsonify(code=error.code, message=error.message), error.status

    @blueprint.post("/messages")
    def send() -> Response:
        if gateway.mode() == "outage":
            raise SmsRefusal(502, "BAD_GATEWAY", "bad gateway")
        if gateway.mode() == "busy":
            raise SmsRefusal(503, "BUSY", "try again later")
        header = request.headers.get
        body = request.get_data()
        gateway.authenticate(
            header("X-Sms-Key", ""),
            header("X-Sms-Timestamp", ""),
            header("X-Sms-Nonce", ""),
            header("X-Sms-Signature", ""),
            body,
        )
        return jsonify(code="OK", message_id=gateway.send(body))

    return blueprint

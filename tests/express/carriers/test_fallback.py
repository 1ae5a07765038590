"""Tracking from elsewhere: the published digests, three fallbacks on the wire, and the older platform's push."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask, jsonify, request
from werkzeug.serving import make_server

from backend.core.config import ConfigError
from express.carriers import ems, fallback
from express.carriers.base import Busy, CallFailed, OutcomeUnknown, PushRefused, Tracker
from express.carriers.ems_old_push import data_digest
from express.carriers.fallback import MOVING, gateway_sign, kdniao_sign, kuaidi100_sign
from tests.conftest import make_settings
from tests.express.carriers.ems_site import Site
from tests.sandbox_server import _Quiet

WAYBILL, KEY, ACCOUNT = "1234567890123", "KEY", "CUST"


def test_the_published_digests() -> None:
    """Vectors of the domain sheet, §2.2 and §2.4."""
    assert kuaidi100_sign(f'{{"com":"ems","num":"{WAYBILL}"}}', KEY, ACCOUNT) == "F42F857B8BEDC24099A2DE169F549542"
    data = f'{{"ShipperCode":"EMS","LogisticCode":"{WAYBILL}"}}'
    assert kdniao_sign(data, "APPKEY") == "MDM3MjcwZDZhMjk1OTM4NTQ0OWFkNzczNGE3YjJlMDk%3D"
    fields = {
        "version": "V3.01",
        "app_key": "APP",
        "charset": "UTF-8",
        "format": "json",
        "method": "ems.inland.trace.query",
        "timestamp": "2026-01-05 09:00:00",
    }
    assert gateway_sign(fields, "SECRET") == "cjAdve36v0oiCo3R4N6sbfkrCDpo6jWz8ALsXfN6zIU="
    assert data_digest("<OrderNormal/>", "SECRET") == "KIAbjJLRPAwzU7aeFNXDPQ=="


class Elsewhere:
    """An HTTP desk that answers what the test wants and keeps what it was asked."""

    def __init__(self) -> None:
        self.app = Flask("elsewhere")
        self.asked: dict[str, str] = {}
        self.answer: Any = {}
        self.app.add_url_rule("/", "desk", self._desk, methods=["POST"])

    def _desk(self) -> Any:
        self.asked = request.form.to_dict()
        return self.answer if isinstance(self.answer, tuple) else jsonify(self.answer)


@pytest.fixture(scope="module")
def desk() -> Iterator[tuple[str, Elsewhere]]:
    elsewhere = Elsewhere()
    server = make_server("127.0.0.1", 0, elsewhere.app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}/", elsewhere
    server.shutdown()
    server.server_close()
    thread.join()


def tracker(name: str, base: str) -> Tracker:
    made = fallback.from_settings(
        make_settings(
            "postgresql://x/x",
            tracking_fallback=name,
            tracking_fallback_base=base,
            tracking_fallback_account=ACCOUNT,
            tracking_fallback_key=KEY,
        )
    )
    assert made is not None
    return made


def shown(tracked: Tracker) -> list[str]:
    return [f"{event.op_code}+{event.detail_code}".strip("+") for event in tracked.track(WAYBILL)]


@pytest.mark.parametrize(("state", "code"), [("0", MOVING), ("1", "203"), ("3", "704"), ("14", "705+7"), ("6", "708")])
def test_kuaidi100_tells_the_state_of_the_newest_event(desk: tuple[str, Elsewhere], state: str, code: str) -> None:
    base, elsewhere = desk
    items = [
        {"time": "2026-01-06 09:00:00", "context": "已签收"},
        {"time": "2026-01-05 09:00:00", "context": "已收寄"},
        {"time": "long ago"},
    ]
    elsewhere.answer = {"status": "200", "state": state, "data": items}
    tracked = tracker("kuaidi100", base)
    assert shown(tracked) == [MOVING, code]
    assert tracked.track(WAYBILL) == tracked.track(WAYBILL)
    asked = elsewhere.asked
    assert set(asked) == {"customer", "param", "sign"}
    assert json.loads(asked["param"]) == {"com": "ems", "num": WAYBILL}
    assert asked["sign"] == hashlib.md5((asked["param"] + KEY + ACCOUNT).encode()).hexdigest().upper()


def test_kdniao_is_asked_with_its_own_way_of_writing(desk: tuple[str, Elsewhere]) -> None:
    base, elsewhere = desk
    traces = [{"AcceptTime": "2026-01-05 09:00:00", "AcceptStation": "已收寄"}]
    elsewhere.answer = {"Success": True, "State": "3", "Traces": traces}
    assert shown(tracker("kdniao", base)) == ["704"]
    asked = elsewhere.asked
    assert (asked["EBusinessID"], asked["RequestType"]) == (ACCOUNT, "1002")
    digest = hashlib.md5((asked["RequestData"] + KEY).encode()).hexdigest()
    assert base64.b64decode(asked["DataSign"]).decode() == digest


def test_the_province_s_gateway_has_ems_s_codes(desk: tuple[str, Elsewhere]) -> None:
    base, elsewhere = desk
    traces = [{"opTime": "2026-01-05 09:00:00", "opCode": "704", "deliverCode": "10", "opDesc": "已签收"}]
    elsewhere.answer = {"success": "T", "traces": traces}
    assert shown(tracker("fujian", base)) == ["704+10"]
    sign = elsewhere.asked.pop("sign")
    assert sign == gateway_sign(elsewhere.asked, KEY)


UNKNOWN: list[tuple[str, Any]] = [
    ("kuaidi100", {"result": False, "returnCode": "500", "message": "查询无结果，请隔段时间再查"}),
    ("kdniao", {"Success": False, "Reason": "暂无轨迹信息"}),
    ("fujian", {"success": "F", "errorCode": "B1", "errorMsg": "邮件号不存在"}),
]
REFUSED: list[tuple[str, Any]] = [
    ("kuaidi100", {"result": False, "returnCode": "503", "message": "验证签名失败"}),
    ("kdniao", {"Success": False, "Reason": "非法参数"}),
    ("fujian", {"success": "F", "errorCode": "S1", "errorMsg": "验签失败"}),
]


@pytest.mark.parametrize(("name", "answer"), UNKNOWN, ids=[name for name, _ in UNKNOWN])
def test_a_number_that_is_not_known_there_has_no_events(desk: tuple[str, Elsewhere], name: str, answer: Any) -> None:
    base, elsewhere = desk
    elsewhere.answer = answer
    assert shown(tracker(name, base)) == []


@pytest.mark.parametrize(("name", "answer"), REFUSED, ids=[name for name, _ in REFUSED])
def test_a_refusal_is_no_empty_list(desk: tuple[str, Elsewhere], name: str, answer: Any) -> None:
    base, elsewhere = desk
    elsewhere.answer = answer
    with pytest.raises(CallFailed):
        shown(tracker(name, base))


@pytest.mark.parametrize("name", sorted(fallback.TRACKERS))
def test_no_answer_is_no_answer(desk: tuple[str, Elsewhere], name: str) -> None:
    base, elsewhere = desk
    for answer in (("no json", 200), ("[]", 200), ("", 500)):
        elsewhere.answer = answer
        with pytest.raises(OutcomeUnknown):
            shown(tracker(name, base))
    with pytest.raises(Busy):
        shown(tracker(name, "http://127.0.0.1:9/"))


def test_the_fallback_is_off_until_it_is_set_up_whole() -> None:
    assert fallback.from_settings(make_settings("postgresql://x/x")) is None
    whole = {
        "tracking_fallback": "kdniao",
        "tracking_fallback_base": "https://api.example.cn/",
        "tracking_fallback_account": "1",
        "tracking_fallback_key": "2",
    }
    make_settings("postgresql://x/x", **whole)
    for name, wrong in (*((name, "") for name in whole if name != "tracking_fallback"), ("tracking_fallback", "dhl")):
        with pytest.raises(ConfigError, match=name.upper()):
            make_settings("postgresql://x/x", **{**whole, name: wrong})


def old_push(secret: str = "SECRET", **changes: str) -> bytes:
    traces = [
        {"traceNo": "9620000000001", "opTime": "2026-01-05 09:00:00", "opCode": "203", "opDesc": "已收寄"},
        {"traceNo": "9620000000001", "opTime": "2026-01-06 09:00:00", "opCode": "704", "opDesc": "本人签收"},
    ]
    body = json.dumps({"traces": traces}, ensure_ascii=False)
    form = {
        "sendID": "JDPT",
        "msgKind": "XX_JDPT_TRACE",
        "serialNo": "7",
        "receiveID": "JDPT",
        "dataType": "1",
        "dataDigest": data_digest(body, secret),
        "msgBody": body,
    }
    return urlencode({**form, **changes}).encode()


def test_the_older_platform_s_push_is_read_where_it_is_expected(site: Site) -> None:
    expecting = ems.EmsCarrier(site.carrier._wire, replace(site.carrier._contract, old_push_secret="SECRET"))
    push = expecting.read_push({}, old_push())
    assert [(event.waybill, event.op_code) for event in push.events] == [
        ("9620000000001", "203"),
        ("9620000000001", "704"),
    ]
    assert len({event.trace_no for event in push.events}) == 2
    assert push.receipt["serialNo"] == "7"
    for forged in (
        old_push("ANOTHER"),
        old_push(msgBody='{"traces":[]}'),
        old_push(receiveID="X"),
        old_push(dataDigest="é"),
    ):
        with pytest.raises(PushRefused):
            expecting.read_push({}, forged)
    for secret in ("SECRET", ""):
        with pytest.raises(PushRefused):
            site.carrier.read_push({}, old_push(secret))

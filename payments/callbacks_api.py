"""Where payment channels send their notifications; answered in their own words, without login and without JSON."""

from flask import Blueprint, Response, jsonify, request

from backend.core.auth import public
from payments import callbacks
from payments.api import gateways
from payments.callbacks import Outcome
from payments.gateways.base import Channel

blueprint = Blueprint("payment_callbacks", __name__, url_prefix="/callbacks")

MOST_BYTES = 64 * 1024


@blueprint.post("/wechat-pay")
@public
def from_wechat_pay() -> Response:
    """WeChat Pay: the status decides; 204 ends the repeats."""
    outcome = _received(Channel.WECHAT_PAY)
    if outcome.taken:
        return Response(status=204)
    answer = jsonify(code="FAIL", message="失败")
    answer.status_code = outcome.failure_status
    return answer


@blueprint.post("/alipay")
@public
def from_alipay() -> Response:
    """Alipay: the body decides; exactly `success` ends the repeats."""
    outcome = _received(Channel.ALIPAY)
    if outcome.taken:
        return Response("success", content_type="text/plain; charset=utf-8")
    return Response("fail", status=outcome.failure_status, content_type="text/plain; charset=utf-8")


def _received(channel: Channel) -> Outcome:
    """The raw bytes, before anything can change them."""
    if (request.content_length or 0) > MOST_BYTES:
        return Outcome(taken=False, genuine=False)
    return callbacks.receive(gateways(), channel, dict(request.headers), request.get_data(cache=False))

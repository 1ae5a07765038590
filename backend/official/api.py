"""Where WeChat pushes messages and events of the official account and of the mini-program."""

import logging
import secrets

from flask import Blueprint, Response, current_app, request

from backend.core import db
from backend.core.auth import public
from backend.core.config import Settings
from backend.official import envelope, service

log = logging.getLogger(__name__)

blueprint = Blueprint("official", __name__, url_prefix="/wechat")


@blueprint.errorhandler(envelope.NotFromWeChat)
def refuse(error: envelope.NotFromWeChat) -> tuple[str, int]:
    """Nothing is done for anybody else, and nothing is explained."""
    log.warning("push_refused", extra={"reason": str(error)})
    return "", 403


@blueprint.get("/<any(official, mini):name>")
@public
def check_address(name: str) -> Response:
    """WeChat asks once whether this address is ours: the raw `echostr` comes back."""
    query = request.args
    envelope.check(_account(name), query.get("signature", ""), query.get("timestamp", ""), query.get("nonce", ""))
    return Response(query.get("echostr", ""), content_type="text/plain; charset=utf-8")


@blueprint.post("/<any(official, mini):name>")
@public
def receive(name: str) -> Response:
    """One push, answered from the database alone, well within WeChat's five seconds."""
    account = _account(name)
    if (request.content_length or 0) > envelope.MAX_BYTES:
        raise envelope.NotFromWeChat("too large")
    push = envelope.opened(account, request.args, request.get_data())
    with db.transaction() as session:
        text = service.handle(session, account, push, url=_settings().public_url)
    if not text:
        return Response("success", content_type="text/plain; charset=utf-8")
    answer = envelope.reply(account, push, text, nonce=secrets.token_hex(8))
    return Response(answer, content_type="application/xml; charset=utf-8")


def _account(name: str) -> envelope.Account:
    return envelope.account_of(_settings(), name)


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings

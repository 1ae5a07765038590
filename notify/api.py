"""The citizen's inbox, and the signature that lets a page of ours use WeChat's JS-SDK."""

import secrets
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import current_app

from backend.core import clock, db, pagination
from backend.core.auth import citizen, current_citizen, public, request_language
from backend.core.config import Settings
from backend.core.errors import FieldError, InvalidInput, Text
from backend.core.problems import ApiBlueprint
from backend.core.wechat import jsapi_signature, official_account
from backend.core.wechat_tokens import jsapi_ticket
from notify import queries, schemas, service, templates
from notify.models import Notification

inbox = ApiBlueprint("inbox", __name__, description="Messages to the citizen")
wechat = ApiBlueprint("wechat", __name__, description="Pages inside WeChat")
blueprints = [inbox, wechat]


@inbox.route("/inbox")
@inbox.arguments(schemas.InboxQuery, location="query")
@inbox.response(200, schemas.Inbox)
@citizen()
def list_messages(query: dict[str, Any]) -> dict[str, Any]:
    """The person's messages, newest first."""
    language, limit = request_language(), query["limit"]
    person_id = current_citizen().id
    before = pagination.position(query["cursor"]) if "cursor" in query else None
    with db.reading() as session:
        found = queries.inbox(session, person_id=person_id, before=before, limit=limit + 1)
        unread = queries.unread(session, person_id=person_id)
    page = found[:limit]
    more = len(found) > limit
    return {
        "messages": [_message(notice, language) for notice in page],
        "unread": unread,
        "next_cursor": pagination.encode(page[-1].created_at.isoformat(), page[-1].id) if more else None,
    }


@inbox.route("/inbox/unread")
@inbox.response(200, schemas.Unread)
@citizen()
def count_unread() -> dict[str, int]:
    """How many messages the person has not opened, for the badge."""
    with db.reading() as session:
        return {"unread": queries.unread(session, person_id=current_citizen().id)}


@inbox.route("/inbox/<uuid:message_id>/read", methods=["POST"])
@inbox.response(204)
@citizen()
def read_message(message_id: UUID) -> None:
    """The person has opened a message. Repeating it changes nothing."""
    person_id = current_citizen().id
    with db.transaction() as session:
        service.mark_read(session, person_id=person_id, notification_id=message_id)


@inbox.route("/inbox/read-all", methods=["POST"])
@inbox.response(204)
@citizen()
def read_all_messages() -> None:
    """The person has seen every message."""
    person_id = current_citizen().id
    with db.transaction() as session:
        service.mark_all_read(session, person_id=person_id)


@wechat.route("/wechat/jsapi")
@wechat.arguments(schemas.JsapiQuery, location="query")
@wechat.response(200, schemas.JsapiConfig)
@public
def jsapi_config(query: dict[str, Any]) -> dict[str, Any]:
    """What `wx.config` needs on this page. Only pages of our own host are signed.

    iOS keeps the address at which the app was entered, so clients there send that one.
    """
    settings: Settings = current_app.extensions["settings"]
    url = query["url"].partition("#")[0]
    if _origin(url) != _origin(settings.public_url):
        raise InvalidInput(errors=[FieldError("/url", Text("只能填本网站的页面地址", "Give a page of this site"))])
    account = official_account(settings)
    nonce, timestamp = secrets.token_hex(8), int(clock.now().timestamp())
    return {
        "app_id": account.appid,
        "timestamp": timestamp,
        "nonce_str": nonce,
        "signature": jsapi_signature(ticket=jsapi_ticket(account), nonce=nonce, timestamp=timestamp, url=url),
        "subscribe_templates": [one.strip() for one in settings.wechat_subscribe_templates.split(",") if one.strip()],
    }


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _message(notice: Notification, language: str) -> dict[str, Any]:
    return {
        "id": notice.id,
        "template": notice.template,
        "title": templates.title(notice.template, notice.params, language),
        "body": templates.body(notice.template, notice.params, language),
        "link": notice.link,
        "created_at": notice.created_at,
        "read_at": notice.read_at,
    }

"""The citizen's phone: who holds it, what has arrived on it, and what the person can do with it."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import BadRequest, NotFound

from . import people
from .wechat_api import PHONE_CODE, WeChatApi
from .wechat_login import LOGIN_CODE, PERSON_COOKIE
from .wechat_templates import MINI_BY_ID

LOGIN_PATH = "/api/v1/auth/wechat?return_to=/"


def create_blueprint(api: WeChatApi) -> Blueprint:
    """The page ``/phone`` and the JSON behind it, which tests use too."""
    blueprint = Blueprint("phone", __name__, url_prefix="/phone")
    world = api.world

    @blueprint.get("")
    def page() -> Response:
        key = request.args.get("person") or request.cookies.get(PERSON_COOKIE, "")
        chosen = people.BY_KEY.get(key, people.PEOPLE[0])
        answer = make_response(
            render_template(
                "phone.html",
                people=people.PEOPLE,
                chosen=chosen,
                login_url=world.settings.public_url.rstrip("/") + LOGIN_PATH,
            )
        )
        answer.set_cookie(PERSON_COOKIE, chosen.key, samesite="Lax")
        return answer

    @blueprint.get("/api/people")
    def list_people() -> Response:
        return jsonify(people=[_describe(api, person) for person in people.PEOPLE])

    @blueprint.get("/api/messages")
    def list_messages() -> Response:
        owner = _owner()
        limit = request.args.get("limit", 50, type=int)
        messages = [message.as_dict() for message in world.mailbox.newest_first(owner, limit=limit)]
        person = people.BY_KEY.get(owner)
        return jsonify(
            messages=messages,
            total=world.mailbox.count(owner),
            following=world.follows(owner),
            now=world.now(),
            person=_describe(api, person) if person else None,
        )

    @blueprint.delete("/api/messages")
    def clear_messages() -> Response:
        everyone = "person" not in request.args and "phone" not in request.args
        world.mailbox.clear(None if everyone else _owner())
        return Response(status=204)

    _add_actions(blueprint, api)
    _add_account(blueprint, api)
    return blueprint


def _add_actions(blueprint: Blueprint, api: WeChatApi) -> None:
    """What the person does on the phone."""
    world = api.world

    @blueprint.put("/api/follow")
    def follow() -> Response:
        body = _body()
        person = _person(body)
        with world.lock:
            (world.unfollowed.discard if body.get("following") else world.unfollowed.add)(person.key)
        _tell(api, person, {"MsgType": "event", "Event": "subscribe" if body.get("following") else "unsubscribe"})
        return jsonify(_describe(api, person))

    @blueprint.post("/api/wx-login")
    def wx_login() -> Response:
        person = _person(_body())
        code = world.codes.issue(LOGIN_CODE, appid=world.settings.wechat_mini_appid, person=person.key)
        return jsonify(code=code)

    @blueprint.post("/api/wx-phone-number")
    def wx_phone_number() -> Response:
        person = _person(_body())
        code = world.codes.issue(PHONE_CODE, appid=world.settings.wechat_mini_appid, person=person.key)
        return jsonify(code=code)

    @blueprint.post("/api/subscriptions")
    def subscriptions() -> Response:
        body = _body()
        person, template = _person(body), MINI_BY_ID.get(str(body.get("template_id")))
        if template is None:
            raise NotFound("no such template")
        with world.lock:
            if body.get("action") == "accept":
                api.subscriptions.accept(person.key, template.id, long_term=bool(body.get("long_term")))
            else:
                api.subscriptions.reject(person.key, template.id)
        return jsonify({template.id: body.get("action")})


def _tell(api: WeChatApi, person: people.DemoPerson, fields: dict[str, str]) -> str:
    """Push to the application what the person did, and put its answer on the phone."""
    if api.pusher is None:
        return ""
    words = api.pusher.push("official", person.openid(api.world.settings.wechat_official_appid), fields)
    if words:
        api.world.mailbox.deliver(person.key, kind="wechat_reply", sender="微政务", title="公众号", text=words)
    return words


def _add_account(blueprint: Blueprint, api: WeChatApi) -> None:
    """Writing to the official account, pressing its menu, scanning a hall's poster."""

    @blueprint.post("/api/account")
    def write() -> Response:
        body = _body()
        person, words = _person(body), str(body.get("words", ""))[:200]
        kind = str(body.get("kind", "text"))
        if kind == "text":
            fields = {"MsgType": "text", "Content": words, "MsgId": str(secrets.randbits(62))}
        elif kind == "click":
            fields = {"MsgType": "event", "Event": "CLICK", "EventKey": words}
        else:
            new = not api.world.follows(person.key)
            with api.world.lock:
                api.world.unfollowed.discard(person.key)
            event = ("subscribe", f"qrscene_hall:{words}") if new else ("SCAN", f"hall:{words}")
            fields = {"MsgType": "event", "Event": event[0], "EventKey": event[1]}
        return jsonify(reply=_tell(api, person, fields))


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise BadRequest("a JSON object is needed")
    return body


def _person(body: dict[str, Any]) -> people.DemoPerson:
    person = people.BY_KEY.get(str(body.get("person", "")))
    if person is None:
        raise NotFound("no such demo person")
    return person


def _owner() -> str:
    """The phone a query is about: ``?person=`` a demo person, or ``?phone=`` any number."""
    phone = request.args.get("phone")
    if phone:
        known = people.BY_PHONE.get(phone)
        return known.key if known else phone
    return _person(request.args.to_dict()).key


def _describe(api: WeChatApi, person: people.DemoPerson) -> dict[str, object]:
    settings = api.world.settings
    return {
        "key": person.key,
        "name": person.name,
        "group": person.group,
        "id_number": person.id_number,
        "phone": person.phone,
        "colour": person.colour,
        "following": api.world.follows(person.key),
        "openid_official": person.openid(settings.wechat_official_appid),
        "openid_mini": person.openid(settings.wechat_mini_appid),
    }

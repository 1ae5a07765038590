"""api.weixin.qq.com: tokens, ticket, phone number, template and subscribe messages."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, request

from . import people
from .codes import CodeError
from .mailbox import Kind
from .pushes import Pusher
from .wechat_rules import first_bad_key
from .wechat_templates import MINI_BY_ID, OFFICIAL_BY_ID, AccountTemplate
from .wechat_tokens import TokenAuthority
from .world import World, rid

SAME_MESSAGE_S = 600.0
PHONE_CODE = "wechat.phone"


class WeChatRefusal(Exception):
    """A business failure: HTTP 200 with ``errcode`` and an ``errmsg`` that ends with a trace id."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(errmsg)
        self.errcode = errcode
        self.errmsg = errmsg

    def as_dict(self) -> dict[str, Any]:
        return {"errcode": self.errcode, "errmsg": f"{self.errmsg} rid: {rid()}"}


@dataclass(slots=True)
class SubscriptionBook:
    """Grants of subscribe messages: how many a person has left for a template, or that they are long-term."""

    left: dict[tuple[str, str], int] = field(default_factory=dict)
    long_term: set[tuple[str, str]] = field(default_factory=set)

    def accept(self, person: str, template_id: str, *, long_term: bool) -> None:
        grant = (person, template_id)
        if long_term:
            self.long_term.add(grant)
        else:
            self.left[grant] = self.left.get(grant, 0) + 1

    def reject(self, person: str, template_id: str) -> None:
        self.left.pop((person, template_id), None)
        self.long_term.discard((person, template_id))

    def allows(self, person: str, template_id: str) -> bool:
        grant = (person, template_id)
        return grant in self.long_term or self.left.get(grant, 0) > 0

    def spend(self, person: str, template_id: str) -> None:
        grant = (person, template_id)
        if grant not in self.long_term:
            self.left[grant] -= 1


class WeChatApi:
    """The server side of both demo accounts."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tokens = TokenAuthority(world.now)
        self.subscriptions = SubscriptionBook()
        self.quota_left: int | None = None
        self.menu: list[dict[str, Any]] = []
        self.pusher: Pusher | None = None
        self._sent: dict[tuple[str, str], tuple[float, int]] = {}
        self._msgids = itertools.count(3_800_000_000_000_000_001)
        self._secrets = {
            world.settings.wechat_mini_appid: world.settings.wechat_mini_secret,
            world.settings.wechat_official_appid: world.settings.wechat_official_secret,
        }

    def check_secret(self, appid: str | None, secret: str | None) -> str:
        """The appid, if the pair is right; WeChatRefusal otherwise."""
        if not appid:
            raise WeChatRefusal(41002, "appid missing")
        if not secret:
            raise WeChatRefusal(41004, "appsecret missing")
        if appid not in self._secrets:
            raise WeChatRefusal(40013, "invalid appid")
        if self._secrets[appid] != secret:
            raise WeChatRefusal(40125, "invalid appsecret")
        return appid

    def account(self) -> str:
        """The appid whose access token this request carries; WeChatRefusal when the token is no good."""
        token = request.args.get("access_token")
        if not token:
            raise WeChatRefusal(41001, "access_token missing")
        verdict, appid = self.tokens.judge(token)
        if verdict == "expired":
            raise WeChatRefusal(42001, "access_token expired")
        if verdict == "invalid":
            raise WeChatRefusal(40001, "invalid credential, access_token is invalid or not latest")
        return appid

    def send_template(self, appid: str, body: dict[str, Any]) -> int:
        """Deliver a template message of the official account and give its msgid."""
        person = people.by_openid(appid, str(body.get("touser", "")))
        if person is None or appid != self.world.settings.wechat_official_appid:
            raise WeChatRefusal(40003, "invalid openid")
        template = OFFICIAL_BY_ID.get(str(body.get("template_id", "")))
        if template is None:
            raise WeChatRefusal(40037, "invalid template_id")
        if person.key in self.world.blocked:
            raise WeChatRefusal(43019, "require remove blacklist")
        if not self.world.follows(person.key):
            raise WeChatRefusal(43004, "require subscribe")
        self._check_data(template, body.get("data"))
        with self.world.lock:
            client_id = str(body.get("client_msg_id", ""))
            earlier = self._sent.get((person.key, client_id)) if client_id else None
            if earlier and self.world.now() - earlier[0] < SAME_MESSAGE_S:
                return earlier[1]
            self._spend_quota()
            msgid = next(self._msgids)
            if client_id:
                self._sent[person.key, client_id] = (self.world.now(), msgid)
            url = str(body.get("url") or "")
            self._deliver(person.key, "wechat_template", template, body, url=url, client_id=client_id)
        if self.pusher:
            status = "failed:user block" if self.world.faults.receipts == "blocked" else "success"
            fields = {"Event": "TEMPLATESENDJOBFINISH", "MsgID": str(msgid), "Status": status}
            self.pusher.later("official", person.openid(appid), {"MsgType": "event", **fields})
        return msgid

    def send_subscribe(self, appid: str, body: dict[str, Any]) -> int:
        """Deliver a mini-program subscribe message, spending one grant, and give its msgid."""
        person = people.by_openid(appid, str(body.get("touser", "")))
        if person is None or appid != self.world.settings.wechat_mini_appid:
            raise WeChatRefusal(40003, "invalid openid")
        template = MINI_BY_ID.get(str(body.get("template_id", "")))
        if template is None:
            raise WeChatRefusal(40037, "invalid template_id")
        self._check_data(template, body.get("data"))
        with self.world.lock:
            if not self.subscriptions.allows(person.key, template.id):
                raise WeChatRefusal(43101, "user refuse to accept the msg")
            self._spend_quota()
            self.subscriptions.spend(person.key, template.id)
            page = str(body.get("page") or "")
            self._deliver(person.key, "wechat_subscribe", template, body, url=page)
            return next(self._msgids)

    def _check_data(self, template: AccountTemplate, data: object) -> None:
        bad = first_bad_key(template.keys, data)
        if bad is not None:
            raise WeChatRefusal(47003, f"argument invalid! data.{bad}.value invalid")

    def _spend_quota(self) -> None:
        if self.world.faults.wechat == "quota" or self.quota_left == 0:
            raise WeChatRefusal(45009, "reach max api daily quota limit")
        if self.quota_left is not None:
            self.quota_left -= 1

    def _deliver(
        self,
        owner: str,
        kind: Kind,
        template: AccountTemplate,
        body: dict[str, Any],
        *,
        url: str,
        client_id: str = "",
    ) -> None:
        data = body["data"]
        self.world.mailbox.deliver(
            owner,
            kind=kind,
            sender="微政务",
            title=template.title,
            fields=tuple((label, str(data[key]["value"])) for label, key in template.lines),
            url=url,
            template_id=template.id,
            client_id=client_id,
        )


def json_body() -> dict[str, Any]:
    """The request's JSON object whatever its content type says; WeChatRefusal 47001 when it is none."""
    try:
        body = json.loads(request.get_data() or b"{}")
    except ValueError:
        raise WeChatRefusal(47001, "data format error") from None
    if not isinstance(body, dict):
        raise WeChatRefusal(47001, "data format error")
    return body


def wechat_answer(content: dict[str, Any], *, plain: bool = False) -> Response:
    """JSON in real characters; ``/sns/*`` labels it text/plain."""
    kind = "text/plain" if plain else "application/json; charset=UTF-8"
    return Response(json.dumps(content, ensure_ascii=False), content_type=kind)


def install_faults(blueprint: Blueprint, world: World, *, plain: bool = False) -> None:
    """Let the operator's switches act on every request of a WeChat ``blueprint``."""

    @blueprint.before_request
    def misbehave() -> Response | None:
        with world.lock:
            world.calls[request.path] += 1
        if world.faults.wechat == "outage":
            return Response("Bad Gateway", 502)
        if world.faults.wechat == "busy" or world.unlucky():
            return wechat_answer(WeChatRefusal(-1, "system error").as_dict(), plain=plain)
        return None

    @blueprint.after_request
    def dawdle(response: Response) -> Response:
        if world.faults.slow_s:
            time.sleep(world.faults.slow_s)
        return response

    @blueprint.errorhandler(WeChatRefusal)
    def refuse(error: WeChatRefusal) -> Response:
        return wechat_answer(error.as_dict(), plain=plain)


def create_blueprint(api: WeChatApi) -> Blueprint:
    """Routes of api.weixin.qq.com that need an access token, and the two that issue it."""
    blueprint = Blueprint("wechat_api", __name__)
    install_faults(blueprint, api.world)

    @blueprint.get("/cgi-bin/token")
    def token() -> Response:
        if request.args.get("grant_type") != "client_credential":
            raise WeChatRefusal(40002, "invalid grant_type")
        appid = api.check_secret(request.args.get("appid"), request.args.get("secret"))
        issued = api.tokens.classic(appid)
        if issued is None:
            raise WeChatRefusal(45009, "reach max api daily quota limit")
        return wechat_answer({"access_token": issued[0], "expires_in": issued[1]})

    @blueprint.post("/cgi-bin/stable_token")
    def stable_token() -> Response:
        body = json_body()
        if body.get("grant_type") != "client_credential":
            raise WeChatRefusal(40002, "invalid grant_type")
        appid = api.check_secret(body.get("appid"), body.get("secret"))
        value, left = api.tokens.stable(appid, force=body.get("force_refresh") is True)
        return wechat_answer({"access_token": value, "expires_in": left})

    @blueprint.get("/cgi-bin/ticket/getticket")
    def getticket() -> Response:
        appid = api.account()
        if request.args.get("type") != "jsapi":
            raise WeChatRefusal(40097, "invalid args")
        ticket, left = api.tokens.ticket(appid)
        return wechat_answer({"errcode": 0, "errmsg": "ok", "ticket": ticket, "expires_in": left})

    _add_account_pages(blueprint, api)
    _add_phone_number(blueprint, api)
    _add_messages(blueprint, "/cgi-bin/message/template/send", api, api.send_template)
    _add_messages(blueprint, "/cgi-bin/message/subscribe/send", api, api.send_subscribe)
    return blueprint


def _add_account_pages(blueprint: Blueprint, api: WeChatApi) -> None:
    """The official account's menu and its QR codes."""

    @blueprint.post("/cgi-bin/menu/create")
    def create_menu() -> Response:
        api.account()
        buttons = json_body().get("button")
        if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
            raise WeChatRefusal(40016, "invalid button size")
        if any(len(button.get("sub_button", ())) > 5 for button in buttons):
            raise WeChatRefusal(40023, "invalid sub button size")
        api.menu = buttons
        return wechat_answer({"errcode": 0, "errmsg": "ok"})

    @blueprint.post("/cgi-bin/qrcode/create")
    def create_qrcode() -> Response:
        api.account()
        scene = str(json_body().get("action_info", {}).get("scene", {}).get("scene_str", ""))
        if not 1 <= len(scene) <= 64:
            raise WeChatRefusal(40053, "invalid action info")
        return wechat_answer({"ticket": f"ticket-{scene}", "url": f"http://weixin.qq.com/q/{scene}"})


def _add_phone_number(blueprint: Blueprint, api: WeChatApi) -> None:
    @blueprint.post("/wxa/business/getuserphonenumber")
    def getuserphonenumber() -> Response:
        appid = api.account()
        try:
            payload = api.world.codes.redeem(PHONE_CODE, str(json_body().get("code", "")), appid=appid)
        except CodeError:
            raise WeChatRefusal(40029, "code is invalid") from None
        phone = people.BY_KEY[payload["person"]].phone
        return wechat_answer(
            {
                "errcode": 0,
                "errmsg": "ok",
                "phone_info": {
                    "phoneNumber": phone,
                    "purePhoneNumber": phone,
                    "countryCode": "86",
                    "watermark": {"timestamp": int(api.world.now()), "appid": appid},
                },
            }
        )


def _add_messages(blueprint: Blueprint, path: str, api: WeChatApi, send: Callable[[str, dict[str, Any]], int]) -> None:
    def view() -> Response:
        appid = api.account()
        return wechat_answer({"errcode": 0, "errmsg": "ok", "msgid": send(appid, json_body())})

    blueprint.add_url_rule(path, path.replace("/", "_").strip("_"), view, methods=["POST"])

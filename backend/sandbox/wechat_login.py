"""Logging in with WeChat: the mini program's code and the official account's authorisation page."""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections import defaultdict, deque
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as WerkzeugResponse

from . import people
from .codes import CodeError
from .wechat_api import WeChatApi, WeChatRefusal, install_faults, wechat_answer
from .world import World

LOGIN_CODE = "wechat.login"
OAUTH_CODE = "wechat.oauth"
LOGINS_PER_MINUTE = 100
ACCESS_S = 7200.0
REFRESH_S = 30 * 86400.0
PERSON_COOKIE = "sandbox_person"


@dataclass(frozen=True, slots=True)
class _Grant:
    appid: str
    person: str
    scope: str
    expires_at: float


class UserGrants:
    """Tokens of web authorisation: one per user, unrelated to the account's access token."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._access: dict[str, _Grant] = {}
        self._refresh: dict[str, _Grant] = {}

    def issue(self, appid: str, person: str, scope: str) -> dict[str, object]:
        now = self._world.now()
        access, refresh = secrets.token_urlsafe(64), secrets.token_urlsafe(64)
        with self._world.lock:
            self._access[access] = _Grant(appid, person, scope, now + ACCESS_S)
            self._refresh[refresh] = _Grant(appid, person, scope, now + REFRESH_S)
        owner = people.BY_KEY[person]
        return {
            "access_token": access,
            "expires_in": int(ACCESS_S),
            "refresh_token": refresh,
            "openid": owner.openid(appid),
            "scope": scope,
            "unionid": owner.unionid(),
        }

    def refresh(self, appid: str, token: str) -> dict[str, object]:
        grant = self._refresh.get(token)
        if grant is None or grant.appid != appid:
            raise WeChatRefusal(40030, "invalid refresh_token")
        if grant.expires_at <= self._world.now():
            raise WeChatRefusal(42002, "refresh_token expired")
        return self.issue(appid, grant.person, grant.scope)

    def check(self, token: str, openid: str) -> _Grant:
        """The grant behind ``token``; WeChatRefusal when it is unknown, expired or another person's."""
        grant = self._access.get(token)
        if grant is None:
            raise WeChatRefusal(40001, "invalid credential, access_token is invalid or not latest")
        if grant.expires_at <= self._world.now():
            raise WeChatRefusal(42001, "access_token expired")
        if people.BY_KEY[grant.person].openid(grant.appid) != openid:
            raise WeChatRefusal(40003, "invalid openid")
        return grant


def create_sns_blueprint(api: WeChatApi) -> Blueprint:
    """``/sns/*``: JSON labelled text/plain, no account token needed."""
    blueprint = Blueprint("wechat_sns", __name__, url_prefix="/sns")
    install_faults(blueprint, api.world, plain=True)
    grants = UserGrants(api.world)
    recent: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=LOGINS_PER_MINUTE))

    @blueprint.get("/jscode2session")
    def jscode2session() -> Response:
        appid = api.check_secret(request.args.get("appid"), request.args.get("secret"))
        person = _redeem(api.world, LOGIN_CODE, request.args.get("js_code"), appid)["person"]
        now = api.world.now()
        if len(recent[person]) == LOGINS_PER_MINUTE and recent[person][0] > now - 60:
            raise WeChatRefusal(45011, "api minute-quota reach limit, must slower, retry next minute")
        recent[person].append(now)
        owner = people.BY_KEY[person]
        return wechat_answer(
            {
                "openid": owner.openid(appid),
                "session_key": b64encode(secrets.token_bytes(16)).decode(),
                "unionid": owner.unionid(),
            },
            plain=True,
        )

    @blueprint.get("/oauth2/access_token")
    def access_token() -> Response:
        appid = api.check_secret(request.args.get("appid"), request.args.get("secret"))
        payload = _redeem(api.world, OAUTH_CODE, request.args.get("code"), appid)
        return wechat_answer(grants.issue(appid, payload["person"], payload["scope"]), plain=True)

    @blueprint.get("/oauth2/refresh_token")
    def refresh_token() -> Response:
        appid = request.args.get("appid", "")
        return wechat_answer(grants.refresh(appid, request.args.get("refresh_token", "")), plain=True)

    @blueprint.get("/userinfo")
    def userinfo() -> Response:
        grant = grants.check(request.args.get("access_token", ""), request.args.get("openid", ""))
        if grant.scope != "snsapi_userinfo":
            raise WeChatRefusal(48001, "api unauthorized")
        owner = people.BY_KEY[grant.person]
        profile = {
            "openid": owner.openid(grant.appid),
            "nickname": owner.masked_name,
            "sex": 0,
            "province": "",
            "city": "",
            "country": "",
            "headimgurl": "",
            "privilege": [],
            "unionid": owner.unionid(),
        }
        return wechat_answer(profile, plain=True)

    @blueprint.get("/auth")
    def auth() -> Response:
        grants.check(request.args.get("access_token", ""), request.args.get("openid", ""))
        return wechat_answer({"errcode": 0, "errmsg": "ok"}, plain=True)

    return blueprint


def _redeem(world: World, kind: str, code: str | None, appid: str) -> dict[str, str]:
    if not code:
        raise WeChatRefusal(41008, "missing code")
    try:
        return world.codes.redeem(kind, code, appid=appid)
    except CodeError as error:
        if error.reason == "used":
            raise WeChatRefusal(40163, "code been used") from None
        if error.reason == "expired" and kind == OAUTH_CODE:
            raise WeChatRefusal(42003, "code expired") from None
        raise WeChatRefusal(40029, "invalid code") from None


def create_page_blueprint(world: World) -> Blueprint:
    """open.weixin.qq.com: the page on which the person behind the phone agrees to log in."""
    blueprint = Blueprint("wechat_pages", __name__)

    @blueprint.get("/connect/oauth2/authorize")
    def authorize() -> Response | tuple[str, int]:
        refused = _refused(world)
        if refused:
            return render_template("oauth_error.html", provider="微信", **refused), 200
        chosen = people.BY_KEY.get(request.args.get("person") or request.cookies.get(PERSON_COOKIE, ""))
        return make_response(
            render_template(
                "oauth_wechat.html",
                people=people.PEOPLE,
                chosen=chosen or people.PEOPLE[0],
                scope=request.args["scope"],
            )
        )

    @blueprint.post("/connect/oauth2/authorize")
    def decide() -> WerkzeugResponse | tuple[str, int]:
        refused = _refused(world)
        person = people.BY_KEY.get(request.form.get("person", ""))
        if refused or person is None:
            refused = refused or {"code": 10002, "reason": "没有选择人物"}
            return render_template("oauth_error.html", provider="微信", **refused), 200
        target, state = request.args["redirect_uri"], request.args.get("state", "")
        joint = "&" if urlsplit(target).query else "?"
        if request.form.get("decision") == "refuse":
            return redirect(f"{target}{joint}state={quote(state)}")
        code = world.codes.issue(
            OAUTH_CODE, appid=request.args["appid"], person=person.key, scope=request.args["scope"]
        )
        answer = redirect(f"{target}{joint}code={code}&state={quote(state)}")
        answer.set_cookie(PERSON_COOKIE, person.key, samesite="Lax")
        return answer

    return blueprint


def _refused(world: World) -> dict[str, object] | None:
    """What WeChat's own error page would say about the query, None when it is in order."""
    if request.args.get("appid") != world.settings.wechat_official_appid:
        return {"code": 10002, "reason": "appid 参数错误"}
    if request.args.get("response_type") != "code":
        return {"code": 10004, "reason": "response_type 参数错误"}
    if request.args.get("scope") not in {"snsapi_base", "snsapi_userinfo"}:
        return {"code": 10005, "reason": "该公众号没有这个 scope 的权限"}
    target = urlsplit(request.args.get("redirect_uri", ""))
    if target.netloc != urlsplit(world.settings.public_url).netloc:
        return {"code": 10003, "reason": "redirect_uri 域名与后台配置不一致"}
    if len(request.args.get("state", "")) > 128:
        return {"code": 10006, "reason": "state 参数过长"}
    return None

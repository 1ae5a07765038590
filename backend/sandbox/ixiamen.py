"""i厦门 unified identity: OAuth2 authorisation-code login that gives a real name and an id number."""

from __future__ import annotations

import secrets
from base64 import b64decode
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as WerkzeugResponse

from . import people
from .codes import CodeError
from .wechat_login import PERSON_COOKIE
from .world import World

PREFIX = "/ixiamen"
CODE = "ixiamen.code"
TOKEN_S = 3599
SCOPES = frozenset({"basic", "name", "mobile", "certif-id", "external-user", "enterprise"})
CHANNELS = frozenset({"IXM", "IXM_WECHAT_OFFICIAL_ACCOUNTS", "XMSMK", "IXM_PC"})
RESIDENT_ID = "0"
NATURAL_PERSON = "0"


@dataclass(frozen=True, slots=True)
class _Grant:
    person: str
    scopes: frozenset[str]
    expires_at: float


class OAuthRefusal(Exception):
    """An OAuth2 error answer (RFC 6749 §5.2, RFC 6750 §3)."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description


def create_blueprint(world: World) -> Blueprint:
    """Routes below the address that settings call ixiamen_base."""
    blueprint = Blueprint("ixiamen", __name__, url_prefix=PREFIX)

    @blueprint.before_request
    def misbehave() -> Response | None:
        with world.lock:
            world.calls[request.path] += 1
        return Response("Bad Gateway", 502) if world.faults.ixiamen == "outage" else None

    @blueprint.errorhandler(OAuthRefusal)
    def refuse(error: OAuthRefusal) -> tuple[Response, int]:
        return jsonify(error=error.error, error_description=error.description), error.status

    _add_pages(blueprint, world)
    _add_server_calls(blueprint, world)
    return blueprint


def _add_pages(blueprint: Blueprint, world: World) -> None:
    """What the person's browser opens."""

    @blueprint.get("/oauth/authorize")
    def authorize() -> Response:
        reason = _refused(world)
        if reason:
            page = render_template("oauth_error.html", provider="i厦门", code="invalid_request", reason=reason)
            return make_response(page, 400)
        chosen = people.BY_KEY.get(request.args.get("person") or request.cookies.get(PERSON_COOKIE, ""))
        return make_response(
            render_template(
                "oauth_ixiamen.html",
                people=people.PEOPLE,
                chosen=chosen or people.PEOPLE[0],
                scopes=_scopes(),
            )
        )

    @blueprint.post("/oauth/authorize")
    def decide() -> WerkzeugResponse:
        person = people.BY_KEY.get(request.form.get("person", ""))
        reason = _refused(world) or ("没有选择人物" if person is None else None)
        if reason or person is None:
            page = render_template("oauth_error.html", provider="i厦门", code="invalid_request", reason=reason)
            return make_response(page, 400)
        target, state = request.args["redirect_uri"], request.args.get("state", "")
        joint = "&" if urlsplit(target).query else "?"
        if request.form.get("decision") == "refuse":
            return redirect(f"{target}{joint}error=access_denied&state={quote(state)}")
        code = world.codes.issue(CODE, person=person.key, redirect_uri=target, scope=" ".join(sorted(_scopes())))
        answer = redirect(f"{target}{joint}code={code}&state={quote(state)}")
        answer.set_cookie(PERSON_COOKIE, person.key, samesite="Lax")
        return answer

    @blueprint.get("/logout")
    def logout() -> WerkzeugResponse:
        answer = redirect(world.settings.public_url)
        answer.delete_cookie(PERSON_COOKIE)
        return answer


def _add_server_calls(blueprint: Blueprint, world: World) -> None:
    """What our server calls."""
    grants: dict[str, _Grant] = {}

    @blueprint.post("/oauth/token")
    def token() -> Response:
        _check_client(world)
        if request.form.get("grant_type") != "authorization_code":
            raise OAuthRefusal(400, "unsupported_grant_type", "grant_type must be authorization_code")
        try:
            payload = world.codes.redeem(
                CODE, request.form.get("code", ""), redirect_uri=request.form.get("redirect_uri", "")
            )
        except CodeError as error:
            raise OAuthRefusal(400, "invalid_grant", f"authorization code {error.reason}") from None
        access = secrets.token_urlsafe(32)
        scopes = frozenset(payload["scope"].split())
        with world.lock:
            grants[access] = _Grant(payload["person"], scopes, world.now() + TOKEN_S)
        answer = {"access_token": access, "token_type": "bearer", "expires_in": TOKEN_S, "scope": payload["scope"]}
        return jsonify(answer)

    @blueprint.post("/server/public/user/get")
    def user_get() -> Response:
        kind, _, access = request.headers.get("Authorization", "").partition(" ")
        grant = grants.get(access)
        if kind.lower() != "bearer" or grant is None or grant.expires_at <= world.now():
            raise OAuthRefusal(401, "invalid_token", "access token unknown or expired")
        return jsonify(_profile(people.BY_KEY[grant.person], grant.scopes))


def _scopes() -> frozenset[str]:
    return frozenset(request.args.get("scope", "").split()) & SCOPES


def _refused(world: World) -> str | None:
    if request.args.get("client_id") != world.settings.ixiamen_client_id:
        return "client_id 未登记"
    if request.args.get("response_type") != "code":
        return "response_type 只支持 code"
    if urlsplit(request.args.get("redirect_uri", "")).netloc != urlsplit(world.settings.public_url).netloc:
        return "redirect_uri 未登记"
    if not _scopes():
        return "scope 未授权"
    if request.args.get("channel", "IXM") not in CHANNELS:
        return "channel 未登记"
    return None


def _check_client(world: World) -> None:
    """Client credentials in the form, or as HTTP Basic."""
    client_id, secret = request.form.get("client_id", ""), request.form.get("client_secret", "")
    kind, _, basic = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "basic":
        client_id, _, secret = b64decode(basic).decode().partition(":")
    if (client_id, secret) != (world.settings.ixiamen_client_id, world.settings.ixiamen_client_secret):
        raise OAuthRefusal(401, "invalid_client", "client authentication failed")


def _profile(person: people.DemoPerson, scopes: frozenset[str]) -> dict[str, object]:
    """What the granted scopes show; a value outside them is only shown masked, or not at all."""
    profile: dict[str, object] = {
        "openId": person.ixiamen_id(),
        "userType": NATURAL_PERSON,
        "personNameMasked": person.masked_name,
        "mobileMasked": person.masked_phone,
        "unifiedCreditCode": None,
        "externalUsers": [],
    }
    if "name" in scopes:
        profile["personName"] = person.name
    if "mobile" in scopes:
        profile["mobile"] = person.phone
    if "certif-id" in scopes:
        profile |= {"certifType": RESIDENT_ID, "certifId": person.id_number}
    return profile

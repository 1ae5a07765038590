"""Logging in and out, one's own data, family and organisations: /auth, /session, /me, /organisations."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, request

from backend.core import clock, limits
from backend.core.auth import citizen, current_citizen, principal_or_none, public
from backend.core.db import transaction
from backend.core.errors import ServiceError
from backend.core.problems import ApiBlueprint
from backend.core.wechat import WeChat, WeChatLogin, mini_program, official_account
from backend.core.wechat_tokens import connect
from backend.identity import (
    alipay,
    browser,
    family,
    idnumber,
    ixiamen,
    journeys,
    organisations,
    queries,
    schemas,
    service,
    sessions,
    sms,
)
from backend.identity.session_view import session_state
from backend.identity.staff_api import blueprint as staff_blueprint
from notify.channels.sms import send_sms

auth = ApiBlueprint("auth", __name__, description="Logging in")
own = ApiBlueprint("me", __name__, description="The citizen's own data")
bodies = ApiBlueprint("organisations", __name__, description="Organisations and their agents")
blueprints = (auth, own, bodies, staff_blueprint)


@auth.get("/session")
@public
@auth.response(200, schemas.SessionSchema)
def show_session() -> dict[str, Any]:
    """Who is logged in."""
    return session_state(principal_or_none())


@auth.delete("/session")
@public
@auth.response(204)
def log_out() -> Response:
    """End this session; without one, nothing happens."""
    principal = principal_or_none()
    if principal:
        with transaction() as session:
            sessions.end(session, principal.session_id)
    return browser.forget_session(Response(status=204))


@auth.post("/auth/sms-codes")
@public
@auth.arguments(schemas.PhoneSchema)
@auth.response(202, schemas.SmsSentSchema)
def send_code(body: dict[str, str]) -> dict[str, int]:
    """Send a login code by SMS."""
    sms.limit(body["phone"], browser.source())
    with transaction() as session:
        code = sms.draw(session, body["phone"])
    minutes = str(int(sms.LIFE.total_seconds()) // 60)
    send_sms(browser.settings(), body["phone"], "login_code", {"code": code, "minutes": minutes})
    return {"resend_after_s": sms.RESEND_AFTER_S, "expires_in_s": int(sms.LIFE.total_seconds())}


@auth.post("/auth/sms")
@public
@auth.arguments(schemas.SmsLoginSchema)
@auth.response(200, schemas.SessionSchema)
def log_in_by_phone(body: dict[str, str]) -> Any:
    """Log in with the code that arrived; sets the session cookie."""
    limits.spend(f"login:{browser.source()}", capacity=60, per_seconds=300)
    with transaction() as session:
        stored = sms.try_once(session, body["phone"])
    with transaction() as session:
        sms.redeem(session, body["phone"], body["code"], stored)
        person_id = service.log_in(
            session, provider="phone", subject=body["phone"], current=_current(), phone=body["phone"]
        )
        started = sessions.start(session, person_id=person_id, replacing=browser.replaced())
    principal = sessions.load_principal(started.token)
    return session_state(principal), 200, _cookie(started)


@auth.post("/auth/mini-program")
@public
@auth.arguments(schemas.CodeSchema)
@auth.response(200, schemas.TokenSchema)
def log_in_mini_program(body: dict[str, str]) -> dict[str, Any]:
    """Exchange wx.login's code for our own token; openid and session_key stay here."""
    limits.spend(f"login:{browser.source()}", capacity=60, per_seconds=300)
    login = WeChat(mini_program(browser.settings())).code_to_session(body["code"])
    with transaction() as session:
        person_id = service.log_in(session, provider="wechat_mini", subject=login.openid, current=None)
        started = sessions.start(session, person_id=person_id)
        me = queries.me(session, person_id)
    return {"token": started.token, "expires_at": clock.now() + timedelta(seconds=started.max_age_s), "me": me}


@auth.post("/auth/mini-program/phone")
@citizen()
@auth.arguments(schemas.CodeSchema)
@auth.response(200, schemas.MeSchema)
def bind_phone(body: dict[str, str]) -> dict[str, Any]:
    """Exchange the getPhoneNumber button's code for the phone number."""
    person_id = current_citizen().id
    phone = connect(mini_program(browser.settings())).phone_number(body["code"])
    with transaction() as session:
        person_id = service.bind_phone(session, person_id=person_id, phone=phone)
        return queries.me(session, person_id)


@auth.get("/auth/wechat")
@public
@auth.arguments(schemas.ReturnSchema, location="query")
@auth.response(302)
def begin_wechat(query: dict[str, str]) -> Response:
    """To WeChat's consent page, in WeChat's own browser."""
    key, state = _begin("wechat", query["return_to"])
    account = WeChat(official_account(browser.settings()))
    return browser.leave_for(account.authorize_url(redirect_uri=browser.callback_url("wechat"), state=state), key)


@auth.get("/auth/wechat/callback")
@public
@auth.arguments(schemas.CallbackSchema, location="query")
@auth.response(302)
def finish_wechat(query: dict[str, str]) -> Response:
    """Back from WeChat. A phone that reloads this address is answered from its session."""

    def log_in(code: str) -> sessions.Started:
        login: WeChatLogin = WeChat(official_account(browser.settings())).oauth_login(code)
        with transaction() as session:
            person_id = service.log_in(session, provider="wechat_official", subject=login.openid, current=_current())
            return sessions.start(session, person_id=person_id, replacing=browser.replaced())

    return _finish("wechat", query, log_in)


@auth.get("/auth/ixiamen")
@public
@auth.arguments(schemas.ReturnSchema, location="query")
@auth.response(302)
def begin_ixiamen(query: dict[str, str]) -> Response:
    """To i厦门's login page."""
    key, state = _begin("ixiamen", query["return_to"])
    address = ixiamen.authorize_url(browser.settings(), redirect_uri=browser.callback_url("ixiamen"), state=state)
    return browser.leave_for(address, key)


@auth.get("/auth/ixiamen/callback")
@public
@auth.arguments(schemas.CallbackSchema, location="query")
@auth.response(302)
def finish_ixiamen(query: dict[str, str]) -> Response:
    """Back from i厦门 with a real name; binds to the person who is logged in already."""

    def log_in(code: str) -> sessions.Started:
        settings = browser.settings()
        profile = ixiamen.fetch_profile(settings, code=code, redirect_uri=browser.callback_url("ixiamen"))
        kind = profile.get("certifType", idnumber.RESIDENT_ID)
        number = idnumber.checked_document(settings, kind, profile.get("certifId", ""), today=clock.today())
        real_name = service.RealName(number, profile.get("personName", ""), profile.get("mobile"), kind)
        with transaction() as session:
            person_id = service.verify(session, open_id=profile["openId"], real_name=real_name, current=_current())
            return sessions.start(session, person_id=person_id, replacing=browser.replaced())

    return _finish("ixiamen", query, log_in)


@auth.get("/auth/alipay")
@public
@auth.arguments(schemas.ReturnSchema, location="query")
@auth.response(302)
def begin_alipay(query: dict[str, str]) -> Response:
    """To Alipay's login page, in any browser but WeChat's."""
    if not browser.settings().alipay_app_id:
        return browser.back_to_login("provider_unavailable", query["return_to"])
    key, state = _begin("alipay", query["return_to"])
    address = alipay.authorize_url(browser.settings(), redirect_uri=browser.callback_url("alipay"), state=state)
    return browser.leave_for(address, key)


@auth.get("/auth/alipay/callback")
@public
@auth.arguments(schemas.AlipayCallbackSchema, location="query")
@auth.response(302)
def finish_alipay(query: dict[str, str]) -> Response:
    """Back from Alipay, whose accounts are held by people it knows: level 1, for the person who is logged in or new."""

    def log_in(code: str) -> sessions.Started:
        subject = alipay.fetch_subject(browser.settings(), code)
        with transaction() as session:
            person_id = service.log_in(session, provider="alipay", subject=subject, current=_current())
            return sessions.start(session, person_id=person_id, replacing=browser.replaced())

    return _finish("alipay", {"state": query["state"], "code": query["auth_code"]}, log_in)


@own.get("/me")
@citizen()
@own.response(200, schemas.MeSchema)
def show_me() -> dict[str, Any]:
    """The person's own data, masked."""
    with transaction() as session:
        return queries.me(session, current_citizen().id)


@own.patch("/me")
@citizen()
@own.arguments(schemas.PreferencesSchema)
@own.response(200, schemas.MeSchema)
def change_me(body: dict[str, Any]) -> dict[str, Any]:
    """Language and elder mode."""
    person_id = current_citizen().id
    with transaction() as session:
        service.set_preferences(session, person_id, language=body.get("language"), elder_mode=body.get("elder_mode"))
        return queries.me(session, person_id)


@own.get("/me/family")
@citizen()
@own.response(200, schemas.FamilySchema)
def show_family() -> dict[str, Any]:
    """Whom I act for, and who asks to act for me."""
    with transaction() as session:
        return family.overview(session, current_citizen().id)


@own.post("/me/family")
@citizen(level=1)
@own.arguments(schemas.FamilyRequestSchema)
@own.response(201, schemas.FamilyLinkSchema)
def add_relative(body: dict[str, str]) -> dict[str, Any]:
    """Ask to act for a relative; a minor is linked at once."""
    principal = current_citizen()
    limits.spend(f"family:{principal.id}", capacity=10, per_seconds=3600)
    number = idnumber.checked(browser.settings(), body["id_number"], today=clock.today())
    with transaction() as session:
        link = family.add(
            session, agent_id=principal.id, name=body["name"].strip(), id_number=number, relation=body["relation"]
        )
        return family.shown(session, link)


@own.post("/me/family/<uuid:link_id>/accept")
@citizen()
@own.response(200, schemas.FamilySchema)
def accept_request(link_id: UUID) -> dict[str, Any]:
    """Let that relative act for me."""
    return _answered(link_id, accept=True)


@own.post("/me/family/<uuid:link_id>/decline")
@citizen()
@own.response(200, schemas.FamilySchema)
def decline_request(link_id: UUID) -> dict[str, Any]:
    """Refuse that relative."""
    return _answered(link_id, accept=False)


@own.delete("/me/family/<uuid:link_id>")
@citizen()
@own.response(204)
def remove_relative(link_id: UUID) -> None:
    """End a link from either side."""
    with transaction() as session:
        family.remove(session, person_id=current_citizen().id, link_id=link_id)


@bodies.get("/me/organisations")
@citizen()
@bodies.response(200, schemas.OrganisationsSchema)
def show_organisations() -> dict[str, Any]:
    """The organisations I act for."""
    with transaction() as session:
        return {"organisations": organisations.of_person(session, current_citizen().id)}


@bodies.post("/me/organisations")
@citizen(level=2)
@bodies.arguments(schemas.OrganisationRequestSchema)
@bodies.response(201, schemas.OrganisationSchema)
def register_organisation(body: dict[str, str]) -> dict[str, Any]:
    """Register an organisation with me as its manager."""
    person_id = current_citizen().id
    limits.spend(f"organisation:{person_id}", capacity=10, per_seconds=3600)
    with transaction() as session:
        made = organisations.register(session, person_id=person_id, name=body["name"], credit_code=body["credit_code"])
        return organisations.shown(session, made, "manager")


@bodies.post("/organisations/<uuid:organisation_id>/agents")
@citizen(level=1)
@bodies.arguments(schemas.AgentRequestSchema)
@bodies.response(201, schemas.AgentSchema)
def add_agent(body: dict[str, str], organisation_id: UUID) -> dict[str, Any]:
    """Let somebody act for the organisation, or change their role."""
    person_id = current_citizen().id
    limits.spend(f"organisation:{person_id}", capacity=10, per_seconds=3600)
    with transaction() as session:
        agent = organisations.add_agent(
            session, manager_id=person_id, organisation_id=organisation_id, phone=body["phone"], role=body["role"]
        )
        return organisations.agent_shown(session, agent)


@bodies.delete("/organisations/<uuid:organisation_id>/agents/<uuid:person_id>")
@citizen(level=1)
@bodies.response(204)
def remove_agent(organisation_id: UUID, person_id: UUID) -> None:
    """Take somebody's right away, or give up one's own."""
    actor_id = current_citizen().id
    with transaction() as session:
        organisations.remove_agent(session, actor_id=actor_id, organisation_id=organisation_id, person_id=person_id)


def _answered(link_id: UUID, *, accept: bool) -> dict[str, Any]:
    person_id = current_citizen().id
    with transaction() as session:
        family.answer(session, person_id=person_id, link_id=link_id, accept=accept)
        return family.overview(session, person_id)


def _current() -> UUID | None:
    principal = principal_or_none()
    return principal.id if principal and principal.kind == "citizen" else None


def _cookie(started: sessions.Started) -> dict[str, str]:
    carrier = browser.set_session(Response(), started)
    return {"Set-Cookie": carrier.headers["Set-Cookie"]}


def _begin(provider: str, return_to: str) -> tuple[str, str]:
    key = browser.journey_key()
    with transaction() as session:
        state = journeys.begin(session, provider=provider, browser=key, return_to=journeys.local_path(return_to))
    return key, state


def _finish(provider: str, query: dict[str, str], log_in: Any) -> Response:
    """Use the state up, then the code; every failure ends on our login page with its reason."""
    key = request.cookies.get(browser.BROWSER_COOKIE, "")
    try:
        with transaction() as session:
            return_to = journeys.finish(session, provider=provider, browser=key, state=query["state"])
    except journeys.LoginExpired:
        return browser.come_back("/", None) if _current() else browser.back_to_login("login_expired")
    if not query["code"]:
        return browser.back_to_login("login_refused", return_to)
    try:
        return browser.come_back(return_to, log_in(query["code"]))
    except ServiceError as refusal:
        return browser.back_to_login(refusal.code, return_to)

"""The sandbox: every provider that belongs to no one feature, and the citizen's phone, as one WSGI app.

State lives in memory, so it is served by one process with threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from flask import Flask, redirect, request
from werkzeug.wrappers import Response

from express.sandbox.ems import app as ems
from express.sandbox.ems import simulator as ems_account
from express.sandbox.ems.pushes import Post as EmsPost
from notify.sandbox import sms
from payments.sandbox import finance, finance_desk, wechat_nontax
from payments.sandbox.alipay import gateway as alipay
from payments.sandbox.alipay.notices import Post as AlipayPost
from payments.sandbox.wechat_pay.app import create_blueprints
from payments.sandbox.wechat_pay.notices import Post
from payments.sandbox.wechat_pay.seals import merchant_from
from payments.sandbox.wechat_pay.simulator import Simulator
from payments.sandbox.wechat_pay.simulator import World as PayWorld

from . import control, ixiamen, offices, phone, pushes, wechat_api, wechat_login
from .people import BY_PHONE, PEOPLE
from .world import SandboxSettings, World


def create_sandbox(
    settings: Mapping[str, object],
    *,
    clock: Callable[[], float] = time.time,
    push: pushes.Post | None = None,
    pay_push: Post | None = None,
    alipay_push: AlipayPost | None = None,
    ems_push: EmsPost | None = None,
) -> Flask:
    """Build the sandbox from the application's own settings names (see ``SandboxSettings``).

    ``push`` carries messages and receipts to the application, ``pay_push`` WeChat Pay's notices of payments and
    refunds, ``alipay_push`` Alipay's, ``ems_push`` EMS's tracking; without them the providers stay silent.
    """
    world = World(SandboxSettings.from_mapping(settings), clock=clock)
    api = wechat_api.WeChatApi(world)
    api.pusher = pushes.Pusher(world, push) if push else None
    app = Flask(__name__, static_url_path="/sandbox-static")
    app.json.ensure_ascii = False  # type: ignore[attr-defined]

    def deliver_sms(number: str, text: str) -> None:
        owner = BY_PHONE.get(number)
        sender, _, _ = text.removeprefix("【").partition("】")
        world.mailbox.deliver(owner.key if owner else number, kind="sms", sender=sender, title="短信", text=text)

    gateway = sms.SmsGateway(
        key=world.settings.sms_key,
        secret=world.settings.sms_secret,
        deliver=deliver_sms,
        mode=lambda: world.faults.sms,
        now=world.now,
    )
    treasury = finance.FinanceSystem(
        app=world.settings.finance_app,
        keys=world.settings.finance_keys,
        now=world.now,
        public_url=world.settings.public_url,
        base=lambda: request.host_url.rstrip("/"),
    )
    for blueprint in (
        wechat_api.create_blueprint(api),
        wechat_login.create_sns_blueprint(api),
        wechat_login.create_page_blueprint(world),
        ixiamen.create_blueprint(world),
        sms.create_blueprint(gateway),
        finance.create_blueprint(treasury),
        finance_desk.create_blueprint(treasury),
        phone.create_blueprint(api),
        control.create_blueprint(api),
        *offices.create_blueprints(world),
    ):
        app.register_blueprint(blueprint)
    channel = alipay.from_settings(settings, PEOPLE, world.now, alipay_push)
    if channel:
        app.register_blueprint(alipay.create_blueprint(channel))
    merchant = merchant_from({name: str(value) for name, value in settings.items()})
    if merchant:
        appids = (world.settings.wechat_mini_appid, world.settings.wechat_official_appid)
        for blueprint in create_blueprints(Simulator(merchant, PayWorld(appids, PEOPLE, world.now), pay_push)):
            app.register_blueprint(blueprint)
    mch_id = str(settings.get("WECHAT_NONTAX_MCHID") or settings.get("wechat_nontax_mchid") or "")
    if mch_id:
        nontax = wechat_nontax.create_blueprint(wechat_nontax.NonTax(mch_id, world.now), api.account)
        wechat_api.install_faults(nontax, world)
        app.register_blueprint(nontax)

    carrier = ems_account.from_settings(settings, world.now, ems_push)
    for blueprint in ems.create_blueprints(carrier) if carrier else ():
        app.register_blueprint(blueprint)

    @app.get("/")
    def home() -> Response:
        return redirect("/phone")

    @app.get("/livez")
    def livez() -> tuple[str, int]:
        return "ok", 200

    return app

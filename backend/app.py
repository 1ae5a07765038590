"""The composition root: the only place that knows every blueprint."""

import importlib
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import func
from werkzeug.middleware.proxy_fix import ProxyFix

from backend import api_docs, operations, web
from backend.applications import mailing as case_mail
from backend.applications.case_models import Case
from backend.appointments import mailing as appointment_mail
from backend.appointments.models import Appointment, Slot
from backend.catalogue import mailing as catalogue_mail
from backend.core import auth, crypto, db, problems
from backend.core.auth import public
from backend.core.config import Settings
from backend.core.errors import NotFound
from backend.devices.access import load_device
from backend.devices.models import Device
from backend.files import storage
from backend.files.storage import DiskStorage
from backend.identity import trail
from backend.identity.sessions import load_principal
from backend.links.web import blueprint as links
from backend.official.api import blueprint as official
from backend.openapi import document
from backend.queueing.models import Ticket
from express.callbacks_api import blueprint as express_callbacks
from express.models import Shipment
from payments.bill_models import Bill
from payments.callbacks_api import blueprint as payment_callbacks

FEATURES = (
    "notify.api",
    "notify.preferences_api",
    "notify.staff_api",
    "payments.api",
    "payments.issuing_api",
    "payments.staff_api",
    "payments.window_api",
    "payments.receipt_api",
    "backend.files.api",
    "backend.files.staff_api",
    "payments.reconciliation.api",
    "express.api",
    "express.staff_api",
    "express.paper_api",
    "express.money_api",
    "backend.catalogue.mail_api",
    "backend.catalogue.api",
    "backend.catalogue.versions.staff_api",
    "backend.catalogue.versions.exchange_api",
    "backend.catalogue.registers.staff_api",
    "backend.identity.api",
    "backend.identity.accounts_api",
    "backend.identity.trail_api",
    "backend.licences.api",
    "backend.hotline.api",
    "backend.links.api",
    "backend.ratings.api",
    "backend.sites.api",
    "backend.appointments.api",
    "backend.appointments.pass_api",
    "backend.appointments.conduct_api",
    "backend.appointments.staff_api",
    "backend.appointments.assist_api",
    "backend.appointments.funnel_api",
    "backend.queueing.staff_api",
    "backend.queueing.desk_api",
    "backend.queueing.window_api",
    "backend.queueing.board_api",
    "backend.queueing.load_api",
    "backend.queueing.manage_api",
    "backend.queueing.people_api",
    "backend.applications.api",
    "backend.applications.staff_api",
    "backend.applications.tracking_api",
    "backend.applications.review_api",
    "backend.applications.counter_api",
    "backend.applications.visit_api",
    "backend.reports.api",
    "backend.reports.export_api",
    "backend.devices.api",
    "backend.devices.kiosk_api",
    "backend.devices.till_api",
    "backend.devices.staff_api",
    "backend.privacy.api",
    "backend.privacy.staff_api",
)
"""Modules with a list `blueprints`, in the order of the API document."""

API_PREFIX = "/api/v1"
MAX_BODY_BYTES = 1024 * 1024


class SynchronousFlask(Flask):
    """No view or hook of ours is a coroutine, so none is asked whether it is one, four times a request."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function as it is."""
        return func


def create_app(settings: Settings, *, connect: bool = True) -> Flask:
    """The web application. `connect=False` when the caller has bound the database already."""
    app = SynchronousFlask(__name__, static_folder=None)
    app.extensions["settings"] = settings
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES,
        SECRET_KEY=settings.secret_key,
        JSON_SORT_KEYS=False,
        PROPAGATE_EXCEPTIONS=False,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, settings.trusted_proxies, settings.trusted_proxies)  # type: ignore[method-assign]
    crypto.configure(crypto.Keyring.from_settings(settings))
    storage.configure(DiskStorage.from_settings(settings))
    if connect:
        db.configure(settings)
    web.install(app, settings)
    _install_features(app)
    app.register_blueprint(official)
    app.register_blueprint(payment_callbacks)
    app.register_blueprint(express_callbacks)
    app.register_blueprint(operations.blueprint)
    app.register_blueprint(api_docs.blueprint)
    app.register_blueprint(links)
    app.register_blueprint(web.frontend)
    return app


def _install_features(app: Flask) -> None:
    auth.install(app, load_principal, load_device)
    app.extensions["mail_subjects"] = {
        "appointment": appointment_mail.appointment,
        "case": case_mail.case,
        "case_number": catalogue_mail.case_number,
    }
    app.extensions["trail_names"] = {
        "case": (Case.id, Case.short_number),
        "shipment": (Shipment.id, Shipment.waybill),
        "bill": (Bill.id, Bill.pay_code),
        "device": (Device.id, Device.name),
        "appointment": (Appointment.id, trail.minute(Appointment.start)),
        "slot": (Slot.id, trail.minute(Slot.start)),
        "ticket": (Ticket.id, Ticket.prefix + func.to_char(Ticket.seq, "FM99000")),
    }
    api = app.extensions["api"] = problems.create_api(app)
    for module in FEATURES:
        for blueprint in importlib.import_module(module).blueprints:
            api.register_blueprint(blueprint, url_prefix=API_PREFIX + (blueprint.url_prefix or ""))

    @app.get(f"{API_PREFIX}/openapi.json")
    @public
    def openapi() -> ResponseReturnValue:
        """The OpenAPI 3.1 document of this API."""
        answer = jsonify(document(app, api))
        answer.headers["Cache-Control"] = "public, max-age=60"
        return answer

    @app.get(f"{API_PREFIX}/config")
    @public
    def config() -> Response:
        """What a client must know before anybody logs in."""
        settings: Settings = app.extensions["settings"]
        answer = jsonify(
            app_name="微政务",
            sandbox=bool(settings.sandbox_url),
            sandbox_url=settings.sandbox_url or None,
            wechat_official_appid=settings.wechat_official_appid,
            languages=["zh", "en"],
        )
        answer.headers["Cache-Control"] = "public, max-age=60"
        return answer

    @app.get("/problems/<code>")
    @public
    def problem_page(code: str) -> ResponseReturnValue:
        """What a problem's `type` points at: its meaning, in both languages."""
        for kind in problems.all_errors():
            if kind.code == code:
                return jsonify(code=kind.code, status=kind.status, title=kind.title._asdict(), meaning=kind.__doc__)
        raise NotFound()

"""Who is asking, and what each route demands. Deny by default: a route without a mark is refused.

`backend/app.py` hands in the loader of identity; this module knows no table.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeVar, cast
from urllib.parse import urlsplit
from uuid import UUID

from flask import Flask, current_app, g, request

from backend.core import context, signed
from backend.core.errors import CsrfFailed, Forbidden, LevelRequired, Unauthenticated
from backend.core.signed import Signed

F = TypeVar("F", bound=Callable[..., object])

COOKIE = "__Host-sid"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True)
class Principal:
    """The person or member of staff behind a valid session, or the device that signed the request.

    `level` is the real-name level (0 openid only, 1 phone, 2 real name, 3 face). `hall_code` is where a member
    of staff works now, None until they have chosen; roles and permissions are those they have there. A device has
    no session, `session_id` is its own id, and no `hall_code` when it stands outside the halls.
    """

    kind: Literal["citizen", "staff", "device"]
    id: UUID
    session_id: UUID
    level: int = 0
    roles: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    hall_code: str | None = None
    openids: dict[str, str] = field(default_factory=dict)
    csrf_token: str = ""

    @property
    def actor(self) -> str:
        return f"{'person' if self.kind == 'citizen' else self.kind}:{self.id}"

    @property
    def hall(self) -> str:
        """The hall this member of staff is signed in to, or the device stands in. It never comes from the request."""
        if self.hall_code is None:
            raise Forbidden()
        return self.hall_code


@dataclass(frozen=True)
class Access:
    """What a route demands."""

    kind: Literal["public", "citizen", "staff", "device"]
    level: int = 0
    permission: str = ""


Loader = Callable[[str], Principal | None]
"""Session token (cookie or bearer) → principal, or None when it is not valid."""

DeviceLoader = Callable[[Signed | None], Principal]
"""Signed request → the device as principal. Raises a ServiceError for every other request."""


def public(view: F) -> F:
    """Anyone may call this route; a session is still read when there is one."""
    return _mark(view, Access("public"))


def citizen(level: int = 0) -> Callable[[F], F]:
    """A citizen's session of at least this real-name level."""
    return lambda view: _mark(view, Access("citizen", level=level))


def staff(permission: str) -> Callable[[F], F]:
    """A staff session whose roles grant this permission."""
    return lambda view: _mark(view, Access("staff", permission=permission))


def device(permission: str) -> Callable[[F], F]:
    """A request signed by an enrolled device whose place grants this permission; sessions do not count."""
    return lambda view: _mark(view, Access("device", permission=permission))


def _mark(view: F, access: Access) -> F:
    view.access = access  # type: ignore[attr-defined]
    return view


def access_of(app: Flask, endpoint: str) -> Access | None:
    """The mark of a registered route, or None when it was forgotten."""
    return cast("Access | None", getattr(app.view_functions[endpoint], "access", None))


def no_devices(_: Signed | None) -> Principal:
    """The loader of an application without devices."""
    raise Unauthenticated()


def install(app: Flask, loader: Loader, device_loader: DeviceLoader = no_devices) -> None:
    """Check every request before its view runs."""
    app.extensions["auth_loader"] = loader
    app.extensions["auth_device_loader"] = device_loader
    app.before_request(_enforce)


def principal_or_none() -> Principal | None:
    """The principal of this request, loaded once; None for anonymous."""
    if "principal" not in g:
        token = request.cookies.get(COOKIE) or ""
        scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
        g.by_cookie = not credential
        if scheme.lower() == "bearer":
            token = credential.strip()
        loader = cast("Loader", current_app.extensions["auth_loader"])
        g.principal = loader(token) if 20 <= len(token) <= 200 else None
    return cast("Principal | None", g.principal)


def reloaded_principal() -> Principal:
    """The principal of this request after its session was changed. Raises Unauthenticated."""
    g.pop("principal", None)
    return current_principal()


def current_principal() -> Principal:
    """The principal of this request. Raises Unauthenticated."""
    principal = principal_or_none()
    if principal is None:
        raise Unauthenticated()
    return principal


def current_citizen() -> Principal:
    """The citizen of this request."""
    principal = current_principal()
    if principal.kind != "citizen":
        raise Forbidden()
    return principal


def current_staff() -> Principal:
    """The member of staff of this request."""
    principal = current_principal()
    if principal.kind != "staff":
        raise Forbidden()
    return principal


def current_device() -> Principal:
    """The device of this request."""
    principal = current_principal()
    if principal.kind != "device":
        raise Forbidden()
    return principal


def _enforce() -> None:
    if request.endpoint is None:
        return
    access = access_of(current_app, request.endpoint)
    if access is None:
        raise Forbidden()
    if access.kind == "device":
        loader = cast("DeviceLoader", current_app.extensions["auth_device_loader"])
        g.principal, g.by_cookie = loader(signed.read(request)), False
    if access.kind != "public":
        _demand(access)
    if request.method not in SAFE_METHODS and principal_or_none() and g.by_cookie:
        _refuse_cross_site(current_principal())


def _demand(access: Access) -> None:
    principal = current_principal()
    if principal.kind != access.kind:
        raise Forbidden()
    if access.kind == "citizen" and principal.level < access.level:
        raise LevelRequired(required_level=access.level, level=principal.level)
    if access.permission and access.permission not in principal.permissions:
        raise Forbidden()


def _refuse_cross_site(principal: Principal) -> None:
    """Cookie sessions need the session's token and our own origin (reliability S3)."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise CsrfFailed()
    if not hmac.compare_digest(request.headers.get("X-CSRF-Token", ""), principal.csrf_token):
        raise CsrfFailed()


def request_language() -> str:
    """zh unless the query or the browser asks for English first."""
    asked = request.args.get("lang") or (request.accept_languages.best_match(["zh", "en"]) or "zh")
    language = "en" if asked == "en" else "zh"
    context.language.set(language)
    return language

"""Cookies and addresses of the web logins."""

import secrets
from http import HTTPStatus
from ipaddress import ip_address, ip_network
from urllib.parse import quote
from uuid import UUID

from flask import Response, current_app, g, redirect, request

from backend.core.auth import COOKIE, principal_or_none
from backend.core.config import Settings
from backend.identity.sessions import Started

BROWSER_COOKIE = "__Host-login"
BROWSER_LIFE_S = 600


def settings() -> Settings:
    """The application's settings."""
    found: Settings = current_app.extensions["settings"]
    return found


def source() -> str:
    """Where the request comes from, for rate limits. Behind a proxy, what the trusted proxy says.

    One subscriber has a whole /64 of IPv6 addresses, so that is one source.
    """
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    if address.version == 6:
        return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
    return str(address)


def callback_url(provider: str) -> str:
    """The address registered with the provider."""
    return f"{settings().public_url.rstrip('/')}/api/v1/auth/{provider}/callback"


def set_session(answer: Response, started: Started) -> Response:
    """Give the browser its session: not readable by scripts, not sent across sites."""
    answer.set_cookie(COOKIE, started.token, started.max_age_s, path="/", secure=True, httponly=True, samesite="Lax")
    return answer


def forget_session(answer: Response) -> Response:
    """Take the cookie away again."""
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
    return answer


def replaced() -> UUID | None:
    """The session this browser's cookie held; a new login ends it."""
    principal = principal_or_none()
    return principal.session_id if principal and g.by_cookie else None


def journey_key() -> str:
    """The random value that ties a login journey to this browser."""
    return request.cookies.get(BROWSER_COOKIE) or secrets.token_urlsafe(24)


def leave_for(address: str, key: str) -> Response:
    """Send the browser to the provider's login page."""
    answer = Response(status=HTTPStatus.FOUND, headers={"Location": address})
    answer.set_cookie(BROWSER_COOKIE, key, BROWSER_LIFE_S, path="/", secure=True, httponly=True, samesite="Lax")
    return answer


def come_back(return_to: str, started: Started | None) -> Response:
    """Send the browser to where it came from, logged in."""
    answer = Response(status=HTTPStatus.FOUND, headers={"Location": return_to})
    return set_session(answer, started) if started else answer


def back_to_login(code: str, return_to: str = "/") -> Response:
    """A journey that failed ends on our own login page, with the reason in its address."""
    found: Response = redirect(f"/login?problem={quote(code)}&return_to={quote(return_to)}")  # type: ignore[assignment]
    return found

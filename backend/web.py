"""What surrounds every request: request id, security headers, access log, and the built front end."""

import json
import logging
import re
import secrets
import time
from http import HTTPStatus
from pathlib import Path

from flask import Blueprint, Flask, Request, Response, abort, current_app, g, request, send_from_directory
from flask.sessions import SessionInterface, SessionMixin

from backend.core import context, metrics
from backend.core.auth import public
from backend.core.config import Settings
from backend.core.errors import NotFound

log = logging.getLogger("access")

_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")
_HASHED_ASSET = re.compile(r"^(?:hall/)?assets/.+-[A-Za-z0-9_-]{6,}\.\w+$")
YEAR_S = 31_536_000
_HALL_PAGE = re.compile(r"^(?:staff|screen|kiosk)(?:/|$)")
_STAFF_PAGE = re.compile(r"^/staff(?:/|$)")
CAMERA_PAGES = frozenset({"/staff/scan", "/staff/collect"})
"""Pages whose camera may need the heavy decoder, which is WebAssembly."""

frontend = Blueprint("frontend", __name__)


class NoSession(SessionInterface):
    """Flask's signed cookie is not used: our sessions are rows (backend/identity/sessions.py)."""

    def open_session(self, app: Flask, request: Request) -> None:
        """Nothing to read, so nothing to verify on every request."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Never called: the session is always Flask's null session."""


def install(app: Flask, settings: Settings) -> None:
    """Hook the request's beginning and end."""
    policy = content_security_policy(settings)
    staff_policy = f"{policy}; frame-src blob:"
    scan_policy = staff_policy.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")

    app.session_interface = NoSession()

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-Id", "")
        context.request_id.set(given if _REQUEST_ID.match(given) else secrets.token_hex(16))
        context.commits.set(0)
        g.began = time.perf_counter()
        if "\0" in request.path:
            raise NotFound()  # No name has one, and PostgreSQL refuses to be asked.

    @app.after_request
    def finish(answer: Response) -> Response:
        seconds = time.perf_counter() - g.get("began", time.perf_counter())
        rule = request.url_rule
        route = rule.rule if rule else "unmatched"
        metrics.requests(request.method, route, answer.status_code).observe(seconds)
        log.info(
            "request",
            extra={
                "method": request.method,
                "route": route,
                "status": answer.status_code,
                "ms": round(seconds * 1000, 1),
            },
        )
        headers = answer.headers
        headers.add("X-Request-Id", context.request_id.get())
        headers.add("X-Content-Type-Options", "nosniff")
        headers.setdefault("Cache-Control", "no-store")
        if answer.mimetype == "text/html":
            ours = staff_policy if _STAFF_PAGE.match(request.path) else policy
            headers["Content-Security-Policy"] = scan_policy if request.path in CAMERA_PAGES else ours
            headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
            headers["Permissions-Policy"] = "camera=(self), geolocation=(self), microphone=()"
        if settings.production:
            headers["Strict-Transport-Security"] = f"max-age={YEAR_S}; includeSubDomains"
        return answer


def content_security_policy(settings: Settings) -> str:
    """Only our own files; the hashes of the inlined style come from the build.

    Staff pages may also frame a blob of their own: a PDF in the browser's viewer (docs/decisions/0022).
    """
    hashes_file = settings.pwa_dir / "csp.json"
    hashes = json.loads(hashes_file.read_text()) if hashes_file.exists() else {}
    styles = " ".join(f"'{value}'" for value in hashes.get("styles", []))
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self' https://res.wx.qq.com",
            f"style-src 'self' {styles}".strip(),
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


@frontend.get("/", defaults={"path": ""})
@frontend.get("/<path:path>")
@public
def page(path: str) -> Response:
    """A built file, in the best encoding the browser takes; any other path is a page of one of the two apps."""
    folder = _settings().pwa_dir.resolve()
    if path.startswith(("api/", "problems/")):
        abort(HTTPStatus.NOT_FOUND)
    if path and (folder / path).is_file():
        return _file(folder, path)
    shell = "hall/hall.html" if _HALL_PAGE.match(path) else "index.html"
    if "." in path.rsplit("/", 1)[-1] or not (folder / shell).is_file():
        abort(HTTPStatus.NOT_FOUND)
    return _file(folder, shell)


def _file(folder: Path, path: str) -> Response:
    for coding, suffix in (("br", ".br"), ("gzip", ".gz")):
        if request.accept_encodings[coding] > 0 and (folder / f"{path}{suffix}").is_file():
            answer = send_from_directory(folder, f"{path}{suffix}", mimetype=_mimetype(path))
            answer.headers["Content-Encoding"] = coding
            break
    else:
        answer = send_from_directory(folder, path, mimetype=_mimetype(path))
    answer.headers["Vary"] = "Accept-Encoding"
    immutable = _HASHED_ASSET.match(path)
    answer.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable" if immutable else "no-cache"
    return answer


_MIMETYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
    ".json": "application/json",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
}


def _mimetype(path: str) -> str:
    return _MIMETYPES.get(Path(path).suffix, "application/octet-stream")


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings

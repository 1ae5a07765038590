"""Finished answers, kept for a moment in each process: public lists are read far more often than they change."""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from flask import Response, make_response, request
from werkzeug.datastructures import Headers

from backend.core import clock

LIFE = timedelta(seconds=1)
MOST_KEPT = 1000


@dataclass(frozen=True)
class Kept:
    """The bytes of one answer and when they are good."""

    body: bytes
    etag: str
    headers: list[tuple[str, str]]
    made: datetime
    until: datetime


_kept: dict[bytes, Kept] = {}
_making = [threading.Lock() for _ in range(16)]


def kept_a_moment(view: Callable[..., Any]) -> Callable[..., Response]:
    """Answer the same address from memory until the next full second, and 304 to a client that has these bytes.

    For answers that depend on nothing but their address.
    Releases and closing times are full seconds, so no slot is shown early or late; only what is left may
    lag, by at most LIFE. A refusal is never kept. A proxy in front keeps it for this second too, not for one more.
    """

    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Response:
        query = request.full_path.encode()
        found = _fresh(query)
        if found is None:
            with _making[hash(query) % len(_making)]:
                found = _fresh(query) or _keep(query, clock.now(), make_response(view(*args, **kwargs)))
        headers = Headers(found.headers)
        if "If-None-Match" in request.headers and request.if_none_match.contains_weak(found.etag):
            return Response(status=304, headers=headers)
        return Response(found.body, headers=headers)

    return wrapper


def _fresh(query: bytes) -> Kept | None:
    found = _kept.get(query)
    return found if found is not None and found.made <= clock.now() < found.until else None


def _keep(query: bytes, made: datetime, answer: Response) -> Kept:
    """`made` is from before the reading, so that the list is never younger than it claims."""
    body = answer.get_data()
    next_second = made.replace(microsecond=0) + timedelta(seconds=1)
    etag = hashlib.sha256(body).hexdigest()[:32]
    headers = [
        ("Content-Type", "application/json"),
        ("Cache-Control", "public, max-age=1"),
        ("ETag", f'"{etag}"'),
        ("X-Accel-Expires", f"@{int(time.time())}"),
    ]
    found = Kept(body, etag, headers, made, until=min(next_second, made + LIFE))
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    _kept[query] = found
    return found

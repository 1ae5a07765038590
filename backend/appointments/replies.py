"""Answers of POSTs that may be sent twice."""

from collections.abc import Callable
from typing import Any

from flask import Response, jsonify, request
from sqlalchemy.orm import Session

from backend.core import idempotency
from backend.core.auth import current_principal
from backend.core.db import transaction


def once(route: str, body: Any, effect: Callable[[Session], dict[str, Any]], *, status: int) -> Response:
    """Effect, idempotency key and stored answer in one transaction; a repeat gets the first answer."""
    with transaction() as session:
        stored, replayed = idempotency.once(
            session,
            owner_id=current_principal().id,
            route=route,
            key=request.headers.get("Idempotency-Key"),
            body=body,
            status=status,
            effect=lambda: effect(session),
        )
    response = jsonify(stored)
    response.status_code = status
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response

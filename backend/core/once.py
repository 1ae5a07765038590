"""Routes whose effect happens once for each Idempotency-Key."""

import json
from collections.abc import Callable
from typing import Any

from flask import Response, request
from marshmallow import Schema
from sqlalchemy.orm import Session

from backend.core import idempotency
from backend.core.auth import current_principal
from backend.core.db import transaction

_text = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
"""As Flask writes it, by an encoder made once: the same bytes whether the answer is new or was stored."""


def answer_once(
    route: str,
    body: dict[str, Any],
    effect: Callable[[Session], dict[str, Any]],
    schema: Schema,
    *,
    status: int = 200,
) -> Response:
    """Effect, key and stored answer in one transaction; a repeated key gets the first answer again.

    `effect` returns what `schema` dumps. A repeat carries `Idempotent-Replayed: true`.
    """
    owner_id = current_principal().id
    with transaction() as session:

        def dumped() -> dict[str, Any]:
            shown: dict[str, Any] = schema.dump(effect(session))
            return shown

        stored, replayed = idempotency.once(
            session,
            owner_id=owner_id,
            route=route,
            key=request.headers.get("Idempotency-Key"),
            body=body,
            status=status,
            effect=dumped,
        )
    response = Response(_text(stored) + "\n", status, content_type="application/json")
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response

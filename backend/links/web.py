"""`/go/<kind>/<name>?from=…`: links that i厦门, 闽政通, messages and posters open our pages with."""

from urllib.parse import quote

from flask import Blueprint, Response, redirect, request

from backend.core.auth import principal_or_none, public
from backend.core.db import transaction
from backend.links import service, targets

blueprint = Blueprint("links", __name__)

NOWHERE = "/go"
"""A page that says that the link leads nowhere, and what to do."""


@blueprint.get("/go/<kind>/<name>")
@public
def go(kind: str, name: str) -> Response:
    """To the page of ours that the link names. Whoever comes from i厦门 logs in there on the way, without a word."""
    source = request.args.get("from", targets.OTHER)
    source = source if source in targets.SOURCES else targets.OTHER
    with transaction() as session:
        address = targets.address_of(session, kind, name)
        service.count(session, source=source, kind=kind if address else targets.UNKNOWN)
    if address is None:
        return _to(NOWHERE)
    if source == "ixiamen" and principal_or_none() is None:
        return _to(f"/api/v1/auth/ixiamen?return_to={quote(address, safe='')}")
    return _to(address)


def _to(address: str) -> Response:
    answer: Response = redirect(address)  # type: ignore[assignment]
    return answer

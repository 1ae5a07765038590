"""Licences and proofs that are looked up instead of uploaded: what can be, with which consent, and what was found."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response, current_app, jsonify, request
from sqlalchemy.orm import Session

from backend.catalogue import queries as catalogue
from backend.core import idempotency, limits
from backend.core.auth import citizen, current_citizen, current_staff, public, request_language, staff
from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.problems import ApiBlueprint
from backend.licences import errors, fetching, offices_http, schemas, service, views
from backend.licences.kinds import Source
from backend.licences.ports import Office

blueprint = ApiBlueprint("licences", __name__, description="Licences and proofs that are looked up")
blueprints = (blueprint,)

REAL_NAME = 2


def offices() -> Mapping[Source, Office]:
    """The offices of this application."""
    settings: Settings = current_app.extensions["settings"]
    given: Mapping[Source, Office] | None = current_app.extensions.get("licence_offices")
    return given if given is not None else offices_http.from_settings(settings)


@blueprint.get("/licences/offers")
@public
@blueprint.arguments(schemas.LicenceOffersQuerySchema, location="query")
@blueprint.response(200, schemas.LicenceOffersSchema)
def list_offers(query: dict[str, Any]) -> dict[str, Any]:
    """Which materials of an item can be looked up, and what their holder agrees to before that."""
    language, joined = request_language(), offices()
    with transaction() as session:
        item = catalogue.item(session, query["item"])
        found = service.offers(session, item.slug)
    return {
        "offers": [
            {
                "material": material.id,
                "name": material.name.in_language(language),
                "source": kind.source,
                "exempt": material.exempt,
                "available": kind.source in joined,
                "wording": service.WORDING,
                "consent": service.consent(item, material).in_language(language),
            }
            for material, kind in found
        ]
    }


@blueprint.post("/licences")
@citizen(level=REAL_NAME)
@blueprint.arguments(schemas.LicenceFetchSchema)
@blueprint.response(201, schemas.LicenceSchema)
def fetch(body: dict[str, Any]) -> Response:
    """Look up one of my documents, with my consent. The consent is kept, whatever comes of it."""
    asker, joined = current_citizen(), offices()
    limits.spend(f"licences:{asker.id}", capacity=20, per_seconds=600)

    def effect(session: Session) -> dict[str, Any]:
        made = service.request(
            session,
            asker=asker,
            subject=(body["subject_type"], body["subject_id"]),
            item_slug=body["item"],
            material_id=body["material"],
            wording=body["wording"],
        )
        if service.source_of(made) not in joined:
            raise errors.MaterialNotFetchable()
        return {"id": str(made.id)}

    with transaction() as session:
        stored, replayed = idempotency.once(
            session,
            owner_id=asker.id,
            route="licences",
            key=request.headers.get("Idempotency-Key"),
            body=body,
            status=201,
            effect=lambda: effect(session),
        )
    if not replayed:
        fetching.fetch(joined, UUID(stored["id"]))
    with transaction() as session:
        found = service.own(session, UUID(stored["id"]), asker.id)
        answer = jsonify(schemas.LicenceSchema().dump(views.shown(found, request_language())))
    answer.status_code = 201
    if replayed:
        answer.headers["Idempotent-Replayed"] = "true"
    return answer


@blueprint.get("/licences/<uuid:licence_id>")
@citizen()
@blueprint.response(200, schemas.LicenceSchema)
def show(licence_id: UUID) -> dict[str, Any]:
    """What was found of mine."""
    with transaction() as session:
        return views.shown(service.own(session, licence_id, current_citizen().id), request_language())


@blueprint.get("/me/licences")
@citizen()
@blueprint.response(200, schemas.LicencesSchema)
def list_uses() -> dict[str, Any]:
    """What was looked up about me, when and for what, newest first."""
    with transaction() as session:
        found = service.uses(session, current_citizen().id)
        return {"licences": [views.shown(one, request_language()) for one in found]}


@blueprint.get("/staff/licences/<uuid:licence_id>")
@staff("files.read")
@blueprint.response(200, schemas.LicenceSchema)
def show_to_staff(licence_id: UUID) -> dict[str, Any]:
    """What was found for a case that I may read; that I looked is written down."""
    with transaction() as session:
        return views.shown(service.shown_to_staff(session, licence_id, current_staff()), request_language())

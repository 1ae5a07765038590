"""Items out of the city's catalogue and into it, as files."""

import base64
import binascii
from dataclasses import asdict
from typing import Any

from flask import Response, jsonify
from marshmallow import ValidationError

from backend.catalogue.versions import exchange, schemas
from backend.catalogue.versions.content import Content
from backend.core.auth import current_staff, staff
from backend.core.db import transaction
from backend.core.problems import ApiBlueprint
from backend.core.sheets import read_csv, read_workbook, sheet, workbook

blueprint = ApiBlueprint("item-exchange", __name__, description="Items as files")
blueprints = (blueprint,)


@blueprint.get("/staff/items/export")
@staff("items.edit")
@blueprint.arguments(schemas.ExportQuerySchema, location="query")
@blueprint.response(200, content_type="application/json")
def export(query: dict[str, Any]) -> Response:
    """Every item in force, as it would be read in again."""
    with transaction() as session:
        items = exchange.exported(session)
    if query["format"] == "json":
        answer = jsonify({"format": exchange.FORMAT, "items": items})
        answer.headers["Content-Disposition"] = "attachment; filename=items.json"
        return answer
    header, rows = exchange.table(items)
    return (sheet if query["format"] == "csv" else workbook)("items", header, rows)


@blueprint.post("/staff/items/import")
@staff("items.edit")
@blueprint.arguments(schemas.ImportItemsSchema)
@blueprint.response(200, schemas.TakenItemsSchema)
def take(body: dict[str, Any]) -> dict[str, Any]:
    """Make a draft of every item that says something else than the version in force; nothing is published."""
    read = [(str(one.pop("slug")), _loaded(one)) for one in _items(body["format"], body["content"])]
    actor = current_staff().actor
    with transaction() as session:
        return {
            "items": [
                _refused(slug, loaded)
                if isinstance(loaded, ValidationError)
                else {**asdict(exchange.take(session, slug, loaded, actor=actor)), "problems": []}
                for slug, loaded in read
            ]
        }


def _items(kind: str, content: str) -> list[Content]:
    if kind == "json":
        return exchange.read_json(content)
    if kind == "csv":
        return exchange.read_table(read_csv(content))
    try:
        return exchange.read_table(read_workbook(base64.b64decode(content, validate=True)))
    except (ValueError, binascii.Error):
        raise exchange.UnreadableFile() from None


def _loaded(given: Content) -> Content | ValidationError:
    try:
        loaded: Content = schemas.ItemContentSchema().load(given)
    except ValidationError as error:
        return error
    return loaded


def _refused(slug: str, error: ValidationError) -> dict[str, Any]:
    fields = sorted(map(str, error.messages_dict))
    return {"slug": slug, "outcome": "refused", "number": None, "faults": 0, "problems": fields}

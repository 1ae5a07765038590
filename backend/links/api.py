"""Where people come from: links opened from other apps, for the city's operator."""

from typing import Any

from backend.core.auth import staff
from backend.core.db import transaction
from backend.core.problems import ApiBlueprint
from backend.links import schemas, service

blueprint = ApiBlueprint("link-visits", __name__, description="Links that other apps open")
blueprints = (blueprint,)


@blueprint.get("/staff/link-visits")
@staff("platform.manage")
@blueprint.arguments(schemas.LinkVisitsQuerySchema, location="query")
@blueprint.response(200, schemas.LinkVisitsSchema)
def list_visits(query: dict[str, Any]) -> dict[str, Any]:
    """How often links were opened, by app and kind of page."""
    with transaction() as session:
        found = service.counted(session, query["first"], query["last"])
    return {"visits": [{"source": source, "kind": kind, "count": number} for source, kind, number in found]}

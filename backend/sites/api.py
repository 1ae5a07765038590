"""厦门e政务 and service points: the nearest, and one of them."""

from typing import Any

from backend.catalogue.schemas import LanguageQuery
from backend.core.auth import public
from backend.core.db import transaction
from backend.core.problems import ApiBlueprint
from backend.sites import queries, schemas

blueprint = ApiBlueprint("sites", __name__, description="Self-service machines and service points near home")
blueprints = (blueprint,)


@blueprint.get("/sites")
@public
@blueprint.arguments(schemas.SitesQuerySchema, location="query")
@blueprint.response(200, schemas.SitesSchema)
def list_sites(query: dict[str, Any]) -> dict[str, Any]:
    """The nearest sites. A typed place is enough, nobody has to share their location."""
    with transaction() as session:
        return queries.nearest(
            session,
            near=query["near"],
            lat=query["lat"],
            lng=query["lng"],
            kind=query["kind"],
            count=query["n"],
            language=query["lang"],
        )


@blueprint.get("/sites/<code>")
@public
@blueprint.arguments(LanguageQuery, location="query")
@blueprint.response(200, schemas.SiteDetailSchema)
def show_site(query: dict[str, Any], code: str) -> dict[str, Any]:
    """One site, and what its machine does."""
    with transaction() as session:
        return queries.detail(session, code, query["lang"])

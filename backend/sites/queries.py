"""Reading sites: all in their own order, or the nearest."""

import math
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.catalogue import places
from backend.catalogue import queries as catalogue
from backend.catalogue.bodies import summary_body
from backend.catalogue.models import Division
from backend.core.errors import NotFound, Text
from backend.sites.models import ServiceSite

SELF_SERVICE = "self-service"


class SiteNotFound(NotFound):
    """There is no site with this code."""

    code = "site_not_found"
    title = Text("没有找到这个服务点", "There is no such site")


def site(session: Session, code: str) -> ServiceSite:
    """One site. Raises SiteNotFound."""
    found = session.get(ServiceSite, code)
    if found is None:
        raise SiteNotFound()
    return found


def nearest(
    session: Session, *, near: str, lat: float | None, lng: float | None, kind: str | None, count: int, language: str
) -> dict[str, Any]:
    """At most `count` sites, nearest first when a place is known; `near`, a name or address, counts more than
    coordinates. `place` is what `near` was understood as, None when it is unknown or empty.
    """
    place = places.find(session, near.strip()) if near.strip() else None
    if place is not None:
        lat, lng = place.lat, place.lng
    query = select(ServiceSite).order_by(ServiceSite.position)
    rows = session.scalars(query.where(ServiceSite.kind == kind) if kind else query).all()
    measured = [(places.distance_km(row, lat, lng), row) for row in rows]
    measured.sort(key=lambda pair: math.inf if pair[0] is None else pair[0])
    divisions = _divisions(session)
    return {
        "place": {"name": place.name.in_language(language), "approximate": True} if place else None,
        "sites": [{**_view(session, row, divisions, language), "distance_km": km} for km, row in measured[:count]],
    }


def detail(session: Session, code: str, language: str) -> dict[str, Any]:
    """A site with what its machine does: the items of the list 自助快办. Raises SiteNotFound."""
    row = site(session, code)
    machine = row.kind == "terminal"
    return {
        **_view(session, row, _divisions(session), language),
        "distance_km": None,
        "items": [
            summary_body(item, language) for item in catalogue.items(session) if machine and SELF_SERVICE in item.tags
        ],
    }


def name_of(row: ServiceSite, language: str) -> str:
    """The site's name in one language."""
    return row.name_en if language == "en" else row.name_zh


def _view(session: Session, row: ServiceSite, divisions: dict[str, Text], language: str) -> dict[str, Any]:
    hall = catalogue.hall(session, row.hall_code) if row.hall_code else None
    return {
        "code": row.code,
        "kind": row.kind,
        "name": name_of(row, language),
        "division": {"code": row.division_code, "name": divisions[row.division_code].in_language(language)},
        "hall": {"code": hall.code, "name": hall.name.in_language(language)} if hall else None,
        "address": row.address_en if language == "en" else row.address_zh,
        "address_verified": row.address_verified,
        "lat": row.lat,
        "lng": row.lng,
        "location_verified": row.location_verified,
        "hours": [{"weekdays": part["weekdays"], "start": part["from"], "end": part["to"]} for part in row.hours],
        "hours_verified": row.hours_verified,
        "verified": row.verified,
    }


def _divisions(session: Session) -> dict[str, Text]:
    return {row.code: Text(row.name_zh, row.name_en) for row in session.scalars(select(Division))}

"""Which items are not mailed at all, and why (circular clause 18: every item supports the courier)."""

from typing import Any

from sqlalchemy.orm import Session

from backend.catalogue import queries
from backend.core.auth import current_staff, request_language, staff
from backend.core.db import transaction
from backend.core.problems import ApiBlueprint
from express import mail_reasons
from express.staff_schemas import MailGapsSchema, MailReasonSchema

blueprint = ApiBlueprint("mail-gaps", __name__, description="Items without a way to mail")
blueprints = (blueprint,)


@blueprint.get("/staff/mail-gaps")
@staff("express.policies")
@blueprint.response(200, MailGapsSchema)
def list_gaps() -> dict[str, Any]:
    """Items that are mailed neither way, those without a reason first."""
    with transaction() as session:
        return _gaps(session)


@blueprint.put("/staff/mail-gaps/<slug>")
@staff("express.policies")
@blueprint.arguments(MailReasonSchema)
@blueprint.response(200, MailGapsSchema)
def give_reason(body: dict[str, Any], slug: str) -> dict[str, Any]:
    """Record why an item is not mailed."""
    with transaction() as session:
        item = queries.item(session, slug)
        mail_reasons.record(session, item_slug=item.slug, reason=body["reason"], actor=current_staff().actor)
        return _gaps(session)


def _gaps(session: Session) -> dict[str, Any]:
    reasons, items, language = mail_reasons.known(session), queries.items(session), request_language()
    found = [
        {"item": one.slug, "name": one.name.in_language(language), "reason": reasons.get(one.slug)}
        for one in items
        if not (one.mail.inward or one.mail.outward)
    ]
    found.sort(key=lambda row: row["reason"] is not None)
    return {"items": found, "missing": sum(row["reason"] is None for row in found), "total": len(items)}

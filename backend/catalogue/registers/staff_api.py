"""The nine lists, cancelled proofs, letters of commitment, and reports about items: the city's operators only."""

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from backend.catalogue import lint, lists, queries, reports, service, snapshot
from backend.catalogue.registers import queries as registers
from backend.catalogue.registers import schemas
from backend.catalogue.registers import service as keeping
from backend.catalogue.registers.models import CancelledProof
from backend.core import clock
from backend.core.auth import current_staff, request_language, staff
from backend.core.db import transaction
from backend.core.problems import ApiBlueprint
from backend.core.schemas import EmptySchema
from backend.core.sheets import sheet, workbook

blueprint = ApiBlueprint(
    "item-registers", __name__, description="Lists, cancelled proofs, letters and reports of items"
)
blueprints = (blueprint,)

Body = dict[str, Any]
TABLES = {"csv": sheet, "xlsx": workbook}
LIMITS_HEADER = {
    "zh": ("实施编码", "事项", "法定工作日", "全市承诺", "相差"),
    "en": ("Item code", "Item", "Law, working days", "City's promise", "Spread"),
}
CITY = "350200"


@blueprint.post("/staff/lists/publication")
@staff("items.publish")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.PublishedTagsSchema)
def publish_lists(_: Body) -> Body:
    """Publish a new edition of every list whose items are others than last time."""
    with transaction() as session:
        service.mark_changed(session)
        return {"published": service.publish_lists(session, on=clock.today())}


@blueprint.post("/staff/lists/<tag>/additions")
@staff("items.publish")
@blueprint.arguments(schemas.AdditionSchema)
@blueprint.response(200, EmptySchema)
def add_to_list(body: Body, tag: str) -> Body:
    """Put an item on a list by hand; the list is published anew."""
    _known(tag)
    with transaction() as session:
        service.add_to_list(session, tag=tag, slug=body["item"], reason=body["reason"], actor=current_staff().actor)
    return {}


@blueprint.post("/staff/lists/<tag>/additions/remove")
@staff("items.publish")
@blueprint.arguments(schemas.AdditionSchema)
@blueprint.response(200, EmptySchema)
def remove_from_list(body: Body, tag: str) -> Body:
    """Take an item off a list that was added by hand; the list is published anew."""
    _known(tag)
    with transaction() as session:
        service.remove_from_list(
            session, tag=tag, slug=body["item"], reason=body["reason"], actor=current_staff().actor
        )
    return {}


@blueprint.get("/staff/cancelled-proofs")
@staff("items.edit")
@blueprint.response(200, schemas.StaffProofsSchema)
def list_proofs() -> Body:
    """Cancelled proofs, and who still demands them."""
    with transaction() as session:
        return _proofs(session)


@blueprint.post("/staff/cancelled-proofs")
@staff("items.publish")
@blueprint.arguments(schemas.CancelProofSchema)
@blueprint.response(201, schemas.StaffProofsSchema)
def cancel_proof(body: Body) -> Body:
    """Put a proof on the list; from its date on no item may demand it."""
    with transaction() as session:
        service.mark_changed(session)
        keeping.cancel_proof(session, _entry(body), actor=current_staff().actor)
        return _proofs(session)


@blueprint.put("/staff/cancelled-proofs/<uuid:proof_id>")
@staff("items.publish")
@blueprint.arguments(schemas.CorrectProofSchema)
@blueprint.response(200, schemas.StaffProofsSchema)
def correct_proof(body: Body, proof_id: UUID) -> Body:
    """Put an entry right."""
    reason = body.pop("reason")
    with transaction() as session:
        service.mark_changed(session)
        keeping.correct_proof(session, proof_id, _entry(body), actor=current_staff().actor, reason=reason)
        return _proofs(session)


@blueprint.get("/staff/commitment-letters")
@staff("items.edit")
@blueprint.response(200, schemas.CommitmentLettersSchema)
def list_letters() -> Body:
    """Every version of every letter of commitment."""
    with transaction() as session:
        return _letters(session)


@blueprint.post("/staff/commitment-letters")
@staff("items.publish")
@blueprint.arguments(schemas.LetterCodeSchema)
@blueprint.response(201, schemas.CommitmentLettersSchema)
def write_letter(body: Body) -> Body:
    """The next version of a letter's words; earlier versions stay for those who signed them."""
    words = {f"{part}_{language}": body[part][language] for part in ("title", "text") for language in ("zh", "en")}
    with transaction() as session:
        service.mark_changed(session)
        keeping.write_letter(session, body["code"], words, valid_from=body["valid_from"], actor=current_staff().actor)
        return _letters(session)


@blueprint.get("/staff/item-reports/time-limits")
@staff("reports.items")
@blueprint.response(200, schemas.TimeLimitReportSchema)
def show_time_limits() -> Body:
    """Items whose promised time differs between districts."""
    language = request_language()
    with transaction() as session:
        found, names = _limits(session)
        total = len(queries.items(session))
    return {
        "items": [
            {
                "slug": one.item.slug,
                "name": one.item.name.in_language(language),
                "city_days": one.city,
                "law_days": one.item.law_days,
                "spread": one.spread,
                "districts": [
                    {"division": {"code": code, "name": names[code]}, "promise_days": days}
                    for code, days in one.districts.items()
                ],
            }
            for one in found
        ],
        "total": total,
    }


@blueprint.get("/staff/item-reports/time-limits/table")
@staff("reports.items")
@blueprint.arguments(schemas.FormatQuerySchema, location="query")
@blueprint.response(200, content_type="text/csv")
def download_time_limits(query: Body) -> Response:
    """The same for a spreadsheet, one column a district."""
    language = query["lang"]
    with transaction() as session:
        found, names = _limits(session)
    rows = [
        (
            one.item.code,
            one.item.name.in_language(language),
            one.item.law_days,
            one.city,
            one.spread,
            *(one.districts.get(code) for code in names),
        )
        for one in found
    ]
    return TABLES[query["format"]]("time-limits", (*LIMITS_HEADER[language], *names.values()), rows)


@blueprint.get("/staff/item-reports/special-steps")
@staff("reports.items")
@blueprint.arguments(schemas.StepQuerySchema, location="query")
@blueprint.response(200, schemas.StepCountSchema)
def count_special_steps(query: Body) -> Body:
    """Special steps then and now, and whether a tenth is gone (circular clause 22)."""
    with transaction() as session:
        counted = reports.special_steps(session, since=query["since"], on=clock.today())
    gone = None if counted.gone is None else f"{int(counted.gone * 1000) / 10:.1f}"
    return {
        "since": counted.since,
        "on": counted.on,
        "before": counted.before,
        "now": counted.now,
        "gone_percent": gone,
        "reached": counted.reached,
    }


def _known(tag: str) -> None:
    if tag not in lists.RULES:
        raise queries.ListNotFound()


def _limits(session: Session) -> tuple[list[reports.TimeLimits], dict[str, str]]:
    language = request_language()
    divisions = snapshot.current(session).divisions
    names = {code: name.in_language(language) for code, name in divisions.items() if code != CITY}
    return reports.time_limits(queries.items(session), names), names


def _entry(body: Body) -> Body:
    instead = body["instead"] or {}
    return {
        "name_zh": body["name"]["zh"],
        "name_en": body["name"]["en"],
        "aliases": body["aliases"],
        "basis": body["basis"],
        "instead_zh": instead.get("zh"),
        "instead_en": instead.get("en"),
        "cancelled_on": body["cancelled_on"],
    }


def _proofs(session: Session) -> Body:
    language = request_language()
    items = queries.items(session)
    return {
        "proofs": [
            {
                "id": row.id,
                "name": {"zh": row.name_zh, "en": row.name_en},
                "aliases": row.aliases,
                "basis": row.basis,
                "instead": {"zh": row.instead_zh, "en": row.instead_en} if row.instead_zh else None,
                "cancelled_on": row.cancelled_on,
                "verified": row.verified,
                "demanded_by": [
                    {"slug": item.slug, "name": item.name.in_language(language)}
                    for item in items
                    if _demands(row, [name for part in item.materials if not part.exempt for name in part.name])
                ],
            }
            for row in registers.cancelled_proofs(session)
        ]
    }


def _demands(proof: CancelledProof, names: list[str]) -> bool:
    wanted = {lint.fold(name) for name in (proof.name_zh, proof.name_en, *proof.aliases)}
    return any(lint.fold(name) in wanted for name in names)


def _letters(session: Session) -> Body:
    today = clock.today()
    rows = registers.commitments(session)
    valid = {row.code: row.version for row in reversed(rows) if row.valid_from <= today}
    return {
        "letters": [
            {
                "code": row.code,
                "version": row.version,
                "title": {"zh": row.title_zh, "en": row.title_en},
                "text": {"zh": row.text_zh, "en": row.text_en},
                "valid_from": row.valid_from,
                "valid": valid.get(row.code) == row.version,
            }
            for row in rows
        ]
    }

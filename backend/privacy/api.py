"""我的信息: what is kept and how long, a copy of one's own data, and closing the account."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from backend.core import limits, retention
from backend.core.auth import citizen, current_citizen, public, request_language
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.files import storage
from backend.privacy import erasures, exports, schemas

blueprint = ApiBlueprint("my-data", __name__, description="What is kept about me, a copy of it, and its end")
blueprints = (blueprint,)

EXPORTS, EXPORTS_PER_S = 3, 24 * 3600
FILE_NAME = "我的信息.zip"


@blueprint.get("/retention")
@public
@blueprint.response(200, schemas.RetentionsSchema)
def list_classes() -> dict[str, Any]:
    """How long each kind of record is kept, and by which rule."""
    names = ("code", "days", "stays")
    texts = ("name", "since", "after", "basis")
    return {
        "classes": [
            {name: getattr(one, name) for name in names} | {name: getattr(one, name)._asdict() for name in texts}
            for one in retention.CLASSES
        ]
    }


@blueprint.get("/me/data")
@citizen()
@blueprint.response(200, schemas.MyDataSchema)
def show() -> dict[str, Any]:
    """My export and my closing, and what stands against closing the account."""
    person_id, language = current_citizen().id, request_language()
    with transaction() as session:
        return {
            "export": exports.newest(session, person_id),
            "erasure": erasures.waiting(session, person_id),
            "held": erasures.is_held(session, person_id),
            "blockers": [
                {"kind": one.kind, "words": one.words.in_language(language), "link": one.link}
                for one in erasures.blockers(session, person_id)
            ],
        }


@blueprint.post("/me/exports")
@citizen(level=1)
@blueprint.response(202, schemas.DataExportSchema)
def ask_export() -> Response:
    """Make an archive of everything about me; the one that is being made already is given again. Three a day."""
    person_id = current_citizen().id
    limits.spend(f"export:{person_id}", capacity=EXPORTS, per_seconds=EXPORTS_PER_S)

    def effect(session: Session) -> dict[str, Any]:
        return _view(exports.ask(session, person_id=person_id))

    return answer_once("exports", {}, effect, schemas.DataExportSchema(), status=202)


@blueprint.get("/me/exports/<uuid:export_id>/content")
@citizen(level=1)
@blueprint.response(200, content_type="application/zip")
def fetch_export(export_id: UUID) -> Response:
    """My finished archive. Nobody else's; every fetch is logged."""
    with transaction() as session:
        key = exports.fetch(session, export_id, person_id=current_citizen().id)
    answer = Response(storage.current().get(key), content_type="application/zip")
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(FILE_NAME)}"
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@blueprint.post("/me/erasure")
@citizen()
@blueprint.arguments(schemas.CloseSchema)
@blueprint.response(202, schemas.ErasureSchema)
def close_account(body: dict[str, Any]) -> Response:
    """Close my account in seven days; until then it can be undone."""
    person_id = current_citizen().id

    def effect(session: Session) -> dict[str, Any]:
        made = erasures.ask(session, person_id=person_id)
        return {name: getattr(made, name) for name in ("state", "asked_at", "due_at", "waits_for")}

    return answer_once("erasure", body, effect, schemas.ErasureSchema(), status=202)


@blueprint.delete("/me/erasure")
@citizen()
@blueprint.response(204)
def keep_account() -> None:
    """Undo: keep my account."""
    with transaction() as session:
        erasures.undo(session, person_id=current_citizen().id)


def _view(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("id", "state", "asked_at", "expires_at", "done", "parts", "size")}

"""What the citizens' and the staff's routes of files have in common; the routes say who may call them."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Response, current_app, request
from sqlalchemy.orm import Session

from backend.core import limits
from backend.core.auth import Principal, current_principal, request_language
from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import BodyTooLarge
from backend.files import checking, errors, links, names, refusals, schemas, service, storage
from backend.files.models import File
from backend.files.service import Announced
from backend.files.states import State

PART_BYTES = 512 * 1024
BEGUN, BEGUN_PER_SECONDS = 60, 600


def rules() -> dict[str, Any]:
    """What can be uploaded."""
    return {
        "media_types": schemas.MEDIA_TYPES,
        "most_bytes": _settings().upload_most_bytes,
        "most_files": service.MOST_OF_SUBJECT,
        "most_bytes_in_all": service.MOST_BYTES_OF_SUBJECT,
        "most_pixels": checking.MOST_PIXELS,
        "most_pages": checking.MOST_PAGES,
        "part_bytes": PART_BYTES,
        "reuse_wording": service.CONSENT,
    }


def subject_of(body: dict[str, Any]) -> tuple[str, str]:
    """The subject that a request names."""
    return body["subject_type"], body["subject_id"]


def begin(body: dict[str, Any]) -> Response:
    """A file that waits for its bytes."""
    asker = current_principal()
    limits.spend(f"upload:{asker.id}", capacity=BEGUN, per_seconds=BEGUN_PER_SECONDS)
    announced = Announced(
        body["name"], body["media_type"], body["size"], bytes.fromhex(body["sha256"]), body["material"]
    )

    def effect(session: Session) -> dict[str, Any]:
        made = service.begin(
            session, announced, asker=asker, subject=subject_of(body), most_bytes=_settings().upload_most_bytes
        )
        return view(made)

    return answer_once("files", body, effect, schemas.FileSchema(), status=201)


def show(file_id: UUID) -> dict[str, Any]:
    """One file that the asker may see."""
    with transaction() as session:
        return view(service.readable(session, file_id, current_principal()))


def add_part(file_id: UUID, offset: int) -> dict[str, Any]:
    """Write the body's bytes, then count them in: of two writers of the same place one is refused.

    The content is written between two transactions; a writer that dies in between leaves what `sweep_orphans` finds.
    """
    asker = current_principal()
    if (request.content_length or 0) > PART_BYTES:
        raise BodyTooLarge()
    content = request.get_data(cache=False)
    with transaction() as session:
        key = service.next_part(session, file_id, asker=asker, offset=offset, length=len(content))
    storage.current().put(key, [content])
    try:
        with transaction() as session:
            received = service.add_part(session, file_id, offset=offset, length=len(content), key=key)
            size = service.own(session, file_id, asker).size
    except (errors.OffsetWrong, errors.UploadEnded):
        storage.current().delete(key)
        raise
    return {"received": received, "size": size}


def finish(file_id: UUID) -> dict[str, Any]:
    """All bytes are here."""
    with transaction() as session:
        return view(service.finish(session, file_id, asker=current_principal()))


def remove(file_id: UUID) -> None:
    """Take a file away."""
    with transaction() as session:
        service.remove(session, file_id, asker=current_principal())


def listed(query: dict[str, Any]) -> dict[str, Any]:
    """The files of a subject."""
    with transaction() as session:
        found = service.of_subject(session, current_principal(), subject_of(query))
        return {"files": [view(one) for one in found]}


def arrange(body: dict[str, Any]) -> dict[str, Any]:
    """The files of a subject in another order."""
    with transaction() as session:
        service.arrange(session, body["files"], asker=current_principal(), subject=subject_of(body))
    return listed(body)


def link(file_id: UUID, path: str) -> dict[str, Any]:
    """A link that shows the file to this session for five minutes."""
    asker = current_principal()
    with transaction() as session:
        _demand_ready(service.readable(session, file_id, asker))
    expires_at, query = links.make(file_id, asker)
    return {"url": f"{path}?{query}", "expires_at": expires_at}


def content(file_id: UUID, query: dict[str, Any], asker: Principal) -> Response:
    """The bytes, streamed as they are decrypted; never shown as a page of ours."""
    with transaction() as session:
        found = service.readable(session, file_id, asker)
        links.check(file_id, asker, query["until"], query["seal"])
        key = _demand_ready(found)
        name = quote(name_of(found), safe="")
    answer = Response(storage.current().get(key), content_type=found.media_type)
    answer.content_length = found.size
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def view(found: File) -> dict[str, Any]:
    """A file as the API shows it."""
    shown = (
        "id", "state", "subject_type", "subject_id", "material", "position", "media_type", "size", "received",
        "pages", "width", "height", "valid_until", "created_at",
    )  # fmt: skip
    refusal = None
    if found.refusal is not None:
        refusal = {"code": found.refusal, "text": refusals.WORDS[found.refusal].in_language(request_language())}
    return {
        **{name: getattr(found, name) for name in shown},
        "name": name_of(found),
        "sha256": found.sha256.hex(),
        "refusal": refusal,
    }


def name_of(found: File) -> str:
    """The name its owner gave it."""
    return names.opened(found.name, found.id)


def _demand_ready(found: File) -> str:
    if found.state is not State.READY or found.object_key is None:
        raise errors.FileNotReady()
    return found.object_key


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings

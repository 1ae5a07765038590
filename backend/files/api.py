"""Citizens' files: upload in parts, go on after a cut, order, look at, use an earlier scan again."""

from typing import Any
from uuid import UUID

from flask import Response, url_for
from sqlalchemy.orm import Session

from backend.core.auth import citizen, current_citizen, public
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.core.schemas import EmptySchema
from backend.files import schemas, service, web

blueprint = ApiBlueprint("files", __name__, description="Files that citizens upload")
blueprints = (blueprint,)


@blueprint.get("/files/rules")
@public
@blueprint.response(200, schemas.UploadRulesSchema)
def show_rules() -> dict[str, Any]:
    """What can be uploaded: formats, sizes, numbers."""
    return web.rules()


@blueprint.get("/files")
@citizen()
@blueprint.arguments(schemas.FileSubjectSchema, location="query")
@blueprint.response(200, schemas.FilesSchema)
def list_files(query: dict[str, Any]) -> dict[str, Any]:
    """The files of my draft or case, by material and in their order."""
    return web.listed(query)


@blueprint.post("/files")
@citizen()
@blueprint.arguments(schemas.UploadSchema)
@blueprint.response(201, schemas.FileSchema)
def begin(body: dict[str, Any]) -> Response:
    """Say what is about to come. Then send the bytes in parts by PATCH, and finish."""
    return web.begin(body)


@blueprint.get("/files/earlier")
@citizen()
@blueprint.arguments(schemas.EarlierFilesQuerySchema, location="query")
@blueprint.response(200, schemas.FilesSchema)
def list_earlier(query: dict[str, Any]) -> dict[str, Any]:
    """My earlier scans of this material that may be used again; not those of expired documents."""
    with transaction() as session:
        found = service.earlier(session, current_citizen().id, query["material"])
        return {"files": [web.view(one) for one in found]}


@blueprint.put("/files/order")
@citizen()
@blueprint.arguments(schemas.FileOrderSchema)
@blueprint.response(200, schemas.FilesSchema)
def arrange(body: dict[str, Any]) -> dict[str, Any]:
    """Put the files of my draft or case in this order."""
    return web.arrange(body)


@blueprint.get("/files/<uuid:file_id>")
@citizen()
@blueprint.response(200, schemas.FileSchema)
def show(file_id: UUID) -> dict[str, Any]:
    """One file: how far it is, and why it was not taken."""
    return web.show(file_id)


@blueprint.patch("/files/<uuid:file_id>")
@citizen()
@blueprint.arguments(schemas.PartOffsetSchema, location="headers")
@blueprint.response(200, schemas.PartReceivedSchema)
def add_part(headers: dict[str, Any], file_id: UUID) -> dict[str, Any]:
    """The next bytes as the bare body, at `Upload-Offset`. After a cut, `received` says where to go on."""
    return web.add_part(file_id, headers["upload_offset"])


@blueprint.post("/files/<uuid:file_id>/finish")
@citizen()
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.FileSchema)
def finish(body: dict[str, Any], file_id: UUID) -> dict[str, Any]:
    """All bytes are here: the checks begin. Ask again with GET until it is ready or refused."""
    return web.finish(file_id)


@blueprint.delete("/files/<uuid:file_id>")
@citizen()
@blueprint.response(204)
def remove(file_id: UUID) -> None:
    """Take my file away."""
    web.remove(file_id)


@blueprint.post("/files/<uuid:file_id>/reuse")
@citizen()
@blueprint.arguments(schemas.FileReuseSchema)
@blueprint.response(201, schemas.FileSchema)
def reuse(body: dict[str, Any], file_id: UUID) -> Response:
    """Use my earlier scan for this draft or case too, with my consent, which is kept."""

    def effect(session: Session) -> dict[str, Any]:
        copy = service.use_again(
            session,
            file_id,
            asker=current_citizen(),
            subject=web.subject_of(body),
            material=body["material"],
            wording=body["wording"],
        )
        return web.view(copy)

    return answer_once(f"reuse:{file_id}", body, effect, schemas.FileSchema(), status=201)


@blueprint.post("/files/<uuid:file_id>/link")
@citizen()
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.FileLinkSchema)
def link(body: dict[str, Any], file_id: UUID) -> dict[str, Any]:
    """A link that shows the file to me, in this session, for five minutes."""
    return web.link(file_id, url_for("files.content", file_id=file_id))


@blueprint.get("/files/<uuid:file_id>/content")
@citizen()
@blueprint.arguments(schemas.FileContentQuerySchema, location="query")
@blueprint.response(200, content_type="application/octet-stream")
def content(query: dict[str, Any], file_id: UUID) -> Response:
    """The file itself, by its link."""
    return web.content(file_id, query, current_citizen())

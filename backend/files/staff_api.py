"""Staff's files: what is scanned at a window, and what belongs to cases they work on."""

from typing import Any
from uuid import UUID

from flask import Response, url_for

from backend.core.auth import current_staff, staff
from backend.core.problems import ApiBlueprint
from backend.core.schemas import EmptySchema
from backend.files import schemas, web

blueprint = ApiBlueprint("staff_files", __name__, description="Files that staff scan and look at")
blueprints = (blueprint,)


@blueprint.get("/staff/files")
@staff("files.read")
@blueprint.arguments(schemas.FileSubjectSchema, location="query")
@blueprint.response(200, schemas.FilesSchema)
def list_files(query: dict[str, Any]) -> dict[str, Any]:
    """The files of a case or a scan of my hall, by material and in their order."""
    return web.listed(query)


@blueprint.post("/staff/files")
@staff("files.add")
@blueprint.arguments(schemas.UploadSchema)
@blueprint.response(201, schemas.FileSchema)
def begin(body: dict[str, Any]) -> Response:
    """Say what is about to come, such as a scan. Then send the bytes in parts by PATCH, and finish."""
    return web.begin(body)


@blueprint.put("/staff/files/order")
@staff("files.add")
@blueprint.arguments(schemas.FileOrderSchema)
@blueprint.response(200, schemas.FilesSchema)
def arrange(body: dict[str, Any]) -> dict[str, Any]:
    """Put files that I scanned in this order."""
    return web.arrange(body)


@blueprint.get("/staff/files/<uuid:file_id>")
@staff("files.read")
@blueprint.response(200, schemas.FileSchema)
def show(file_id: UUID) -> dict[str, Any]:
    """One file: how far it is, and why it was not taken."""
    return web.show(file_id)


@blueprint.patch("/staff/files/<uuid:file_id>")
@staff("files.add")
@blueprint.arguments(schemas.PartOffsetSchema, location="headers")
@blueprint.response(200, schemas.PartReceivedSchema)
def add_part(headers: dict[str, Any], file_id: UUID) -> dict[str, Any]:
    """The next bytes as the bare body, at `Upload-Offset`."""
    return web.add_part(file_id, headers["upload_offset"])


@blueprint.post("/staff/files/<uuid:file_id>/finish")
@staff("files.add")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.FileSchema)
def finish(body: dict[str, Any], file_id: UUID) -> dict[str, Any]:
    """All bytes are here: the checks begin."""
    return web.finish(file_id)


@blueprint.delete("/staff/files/<uuid:file_id>")
@staff("files.add")
@blueprint.response(204)
def remove(file_id: UUID) -> None:
    """Take a file that I scanned away."""
    web.remove(file_id)


@blueprint.post("/staff/files/<uuid:file_id>/link")
@staff("files.read")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.FileLinkSchema)
def link(body: dict[str, Any], file_id: UUID) -> dict[str, Any]:
    """A link that shows the file to me, in this session, for five minutes."""
    return web.link(file_id, url_for("staff_files.content", file_id=file_id))


@blueprint.get("/staff/files/<uuid:file_id>/content")
@staff("files.read")
@blueprint.arguments(schemas.FileContentQuerySchema, location="query")
@blueprint.response(200, content_type="application/octet-stream")
def content(query: dict[str, Any], file_id: UUID) -> Response:
    """The file itself, by its link."""
    return web.content(file_id, query, current_staff())

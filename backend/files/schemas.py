"""Requests and answers about uploaded files."""

from marshmallow import Schema, fields, validate

from backend.files.states import State

MEDIA_TYPES = ("application/pdf", "image/jpeg", "image/png")
_SUBJECT = validate.Regexp(r"^[A-Za-z0-9._-]{1,64}$")
_MATERIAL = validate.Regexp(r"^[A-Za-z0-9._-]{1,120}$")


class FileSubjectSchema(Schema):
    """What files belong to, such as a draft or a case."""

    subject_type = fields.String(required=True, validate=_SUBJECT)
    subject_id = fields.String(required=True, validate=_SUBJECT)


class UploadRulesSchema(Schema):
    """What can be uploaded; to be shown before a file is chosen."""

    media_types = fields.List(fields.String(), required=True)
    most_bytes = fields.Integer(required=True)
    most_files = fields.Integer(required=True, metadata={"description": "files of one application"})
    most_bytes_in_all = fields.Integer(required=True, metadata={"description": "bytes of one application"})
    most_pixels = fields.Integer(required=True)
    most_pages = fields.Integer(required=True)
    part_bytes = fields.Integer(required=True, metadata={"description": "largest part of one PATCH"})
    reuse_wording = fields.String(required=True, metadata={"description": "version of the consent to use a scan again"})


class UploadSchema(FileSubjectSchema):
    """A file that is about to come."""

    material = fields.String(load_default=None, allow_none=True, validate=_MATERIAL)
    name = fields.String(required=True, validate=validate.Length(1, 120))
    media_type = fields.String(required=True, validate=validate.OneOf(MEDIA_TYPES))
    size = fields.Integer(required=True, strict=True, validate=validate.Range(1, 2**31 - 1))
    sha256 = fields.String(required=True, validate=validate.Regexp(r"^[0-9a-f]{64}$"))


class FileRefusalSchema(Schema):
    """Why a file was not taken."""

    code = fields.String(required=True)
    text = fields.String(required=True)


class FileSchema(FileSubjectSchema):
    """A file. Go on uploading at `received`; it may be shown once it is `ready`."""

    id = fields.UUID(required=True)
    state = fields.Enum(State, by_value=True, required=True)
    material = fields.String(required=True, allow_none=True)
    position = fields.Integer(required=True)
    name = fields.String(required=True)
    media_type = fields.String(required=True)
    size = fields.Integer(required=True)
    received = fields.Integer(required=True)
    sha256 = fields.String(required=True)
    pages = fields.Integer(required=True, allow_none=True)
    width = fields.Integer(required=True, allow_none=True)
    height = fields.Integer(required=True, allow_none=True)
    valid_until = fields.Date(required=True, allow_none=True)
    refusal = fields.Nested(FileRefusalSchema, required=True, allow_none=True)
    created_at = fields.DateTime(required=True)


class FilesSchema(Schema):
    """Files by material and in their order."""

    files = fields.List(fields.Nested(FileSchema), required=True)


class PartOffsetSchema(Schema):
    """Where the bytes of this request belong."""

    upload_offset = fields.Integer(required=True, data_key="Upload-Offset", validate=validate.Range(0, 2**31 - 1))


class PartReceivedSchema(Schema):
    """How many bytes have arrived."""

    received = fields.Integer(required=True)
    size = fields.Integer(required=True)


class FileOrderSchema(FileSubjectSchema):
    """Files of one subject in their new order."""

    files = fields.List(fields.UUID(), required=True, validate=validate.Length(1, 50))


class EarlierFilesQuerySchema(Schema):
    """Which material an earlier scan is wanted for."""

    material = fields.String(required=True, validate=_MATERIAL)


class FileReuseSchema(FileSubjectSchema):
    """Use an earlier scan here too. `wording` is the version of the consent that was shown and agreed to."""

    material = fields.String(load_default=None, allow_none=True, validate=_MATERIAL)
    wording = fields.String(required=True, validate=validate.Length(1, 40))


class FileLinkSchema(Schema):
    """An address that shows the file to this session until it runs out."""

    url = fields.String(required=True)
    expires_at = fields.DateTime(required=True)


class FileContentQuerySchema(Schema):
    """What a link carries."""

    until = fields.Integer(load_default=0, strict=False)
    seal = fields.String(load_default="", validate=validate.Length(0, 64))

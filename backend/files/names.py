"""A file's name as its sender gave it: sealed, since names tell whose paper it is; emptied when the file goes."""

from uuid import UUID

from backend.core import crypto


def sealed(name: str, file_id: UUID) -> bytes:
    """The name as it is stored; an empty one for a file that is gone."""
    return crypto.seal(name, table="file", column="name", row=file_id)


def opened(stored: bytes, file_id: UUID) -> str:
    """The name as it was given."""
    return crypto.unseal(stored, table="file", column="name", row=file_id)

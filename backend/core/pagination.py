"""One cursor convention: an opaque text that holds the sort key of the last row shown."""

import base64
import binascii
import json
from datetime import datetime
from typing import Any
from uuid import UUID

from backend.core.errors import FieldError, InvalidInput, Text

DEFAULT_LIMIT = 20
MAX_LIMIT = 100

_WRONG = FieldError("/cursor", Text("翻页标记不对，请从第一页重新看", "The cursor is not valid"))


def encode(*key: Any) -> str:
    """Sort key → cursor."""
    text = json.dumps([str(part) for part in key], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def position(cursor: str) -> tuple[datetime, UUID]:
    """The cursor of a list sorted by instant, then id. Raises InvalidInput."""
    at, row_id = decode(cursor, 2)
    try:
        found = datetime.fromisoformat(at), UUID(row_id)
    except ValueError:
        raise wrong_cursor() from None
    if found[0].tzinfo is None:
        raise wrong_cursor()
    return found


def wrong_cursor() -> InvalidInput:
    """The refusal of a cursor that is not one of ours."""
    return InvalidInput(errors=[_WRONG])


def decode(cursor: str, length: int) -> list[str]:
    """Cursor → sort key of `length` parts. Raises InvalidInput for anything else."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts = json.loads(base64.urlsafe_b64decode(padded.encode()))
    except (ValueError, binascii.Error, UnicodeError):
        parts = None
    if not isinstance(parts, list) or len(parts) != length or not all(isinstance(part, str) for part in parts):
        raise wrong_cursor()
    return parts

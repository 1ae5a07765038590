"""Files as the checks leave them behind."""

import hashlib
from typing import Any

from sqlalchemy.orm import Session

from backend.core import clock, crypto, db
from backend.files.models import File
from backend.files.states import State


def add(session: Session, subject: tuple[str, str], material: str | None, actor: str, **changes: Any) -> File:
    """A file as the checks leave it behind."""
    file_id = db.new_id()
    values: dict[str, Any] = {
        "state": State.READY,
        "position": 1,
        "media_type": "image/jpeg",
        "size": 1000,
        "received": 1000,
        "sha256": hashlib.sha256(file_id.bytes).digest(),
        "object_key": f"ready/{file_id}",
        "pages": 1,
        **changes,
    }
    made = File(
        id=file_id,
        state_at=clock.now(),
        subject_type=subject[0],
        subject_id=subject[1],
        material=material,
        uploaded_by=actor,
        name=crypto.seal("照片.jpg", table="file", column="name", row=file_id),
        created_at=clock.now(),
        touched_at=clock.now(),
        **values,
    )
    session.add(made)
    session.commit()
    return made

"""Invariants of files: rows against each other, and rows against what lies in the storage."""

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend.files import quarantine, storage
from backend.files.models import File, FilePart
from backend.files.states import State

CHECKS = {
    "file {id}: its parts are not the bytes that it has received": """
        SELECT f.id::text AS id FROM file f LEFT JOIN file_part p ON p.file_id = f.id
        WHERE f.state IN ('receiving', 'checking') GROUP BY f.id HAVING coalesce(sum(p.size), 0) <> f.received
    """,
    "file {id}: a part does not follow the one before it": """
        SELECT DISTINCT p.file_id::text AS id FROM (
            SELECT file_id, "offset", coalesce(lag("offset" + size) OVER w, 0) AS place FROM file_part
            WINDOW w AS (PARTITION BY file_id ORDER BY "offset")
        ) p WHERE p."offset" <> p.place
    """,
    "file {id}: is in quarantine and no check is due": """
        SELECT id::text AS id FROM file WHERE state = 'checking' AND next_check_at IS NULL
    """,
    "file {id}: is a copy without a consent": """
        SELECT f.id::text AS id FROM file f LEFT JOIN file_consent c ON c.file_id = f.id AND c.source_id = f.copied_from
        WHERE f.copied_from IS NOT NULL AND c.file_id IS NULL
    """,
}


def invariants(session: Session) -> list[str]:
    """Broken rules with the ids of their rows."""
    found = [sentence.format(id=row.id) for sentence, query in CHECKS.items() for row in session.execute(text(query))]
    late = quarantine.waiting_too_long(session)
    if late:
        found.append(f"{late} files have been in quarantine for more than half an hour: look at the scanner")
    found += [f"file {file_id}: its content is missing" for file_id in _without_content(session)]
    return [f"files: {sentence}" for sentence in found]


def _without_content(session: Session) -> list[str]:
    ready = session.execute(select(File.id, File.object_key).where(File.state == State.READY))
    coming = session.execute(
        select(FilePart.file_id, FilePart.object_key)
        .join(File, File.id == FilePart.file_id)
        .where(File.state.in_([State.RECEIVING, State.CHECKING]))
    )
    return [str(file_id) for file_id, key in (*ready, *coming) if not storage.current().holds(key)]

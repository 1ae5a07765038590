"""Invariants of the province's feed; empty when all is well."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from backend.province import service

CHECKS = {
    "case {id}: its rows have a gap": """
        SELECT subject_id AS id FROM province_feed GROUP BY subject_id HAVING count(*) <> max(position)
    """,
    "case {id}: a row arrived before one in front of it": """
        SELECT DISTINCT a.subject_id AS id FROM province_feed a JOIN province_feed b USING (subject_id)
        WHERE a.position < b.position AND b.sent_at IS NOT NULL AND (a.sent_at IS NULL OR a.sent_at > b.sent_at)
    """,
}


def invariants(session: Session) -> list[str]:
    """Broken rules with the ids of their rows."""
    found = [sentence.format(id=row.id) for sentence, query in CHECKS.items() for row in session.execute(text(query))]
    found += [
        f"case {row.subject_id}: row {row.position} has not arrived for a day ({row.failure})"
        for row in service.stuck(session)
    ]
    return [f"province: {sentence}" for sentence in found]

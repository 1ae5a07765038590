"""Invariants of the entrance; empty when all is well."""

from sqlalchemy import text
from sqlalchemy.orm import Session

CHECKS = {
    "appointment {id}: its state does not match exactly one live check-in with its ticket": """
        SELECT a.id::text AS id FROM appointment a
        LEFT JOIN check_in c ON c.appointment_id = a.id AND c.undone_at IS NULL
        LEFT JOIN ticket t ON t.check_in_id = c.id
        GROUP BY a.id, a.state
        HAVING (a.state IN ('checked_in', 'fulfilled', 'left') AND (count(c.id) <> 1 OR count(t.id) <> 1))
            OR (a.state NOT IN ('checked_in', 'fulfilled', 'left') AND count(c.id) > 0)
    """,
    "counter {id}: its numbers are not 1 to the last, each once": """
        SELECT n.hall_code || '/' || n.day || '/' || n.prefix AS id FROM ticket_counter n
        LEFT JOIN ticket t USING (hall_code, day, prefix)
        GROUP BY n.hall_code, n.day, n.prefix, n.last
        HAVING count(t.id) <> n.last OR coalesce(max(t.seq), 0) <> n.last
    """,
}


def invariants(session: Session) -> list[str]:
    """Broken rules with the ids of their rows."""
    return [
        "queueing: " + sentence.format(id=row.id)
        for sentence, query in CHECKS.items()
        for row in session.execute(text(query))
    ]

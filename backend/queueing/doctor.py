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
    "ticket {id}: its state does not match its appointment": """
        SELECT t.id::text AS id FROM ticket t JOIN check_in c ON c.id = t.check_in_id AND c.undone_at IS NULL
        JOIN appointment a ON a.id = c.appointment_id
        WHERE (t.state = 'done') <> (a.state = 'fulfilled')
           OR (t.state IN ('cancelled', 'abandoned', 'closed')) <> (a.state = 'left')
    """,
    "ticket {id}: its legs do not match its state": """
        SELECT t.id::text AS id FROM ticket t LEFT JOIN leg l ON l.ticket_id = t.id
        GROUP BY t.id, t.state
        HAVING count(*) FILTER (WHERE l.ended_at IS NULL AND l.id IS NOT NULL) <> (t.state = 'serving')::int
            OR (t.state = 'done' AND count(l.id) = 0)
    """,
    "ticket {id}: it waits although its window left": """
        SELECT t.id::text AS id FROM ticket t JOIN window_session w ON w.id = t.session_id
        WHERE t.state IN ('called', 'serving') AND w.closed_at IS NOT NULL
    """,
    "slot {id}: on-site places taken differ from tickets counted against it": """
        SELECT q.slot_id::text AS id FROM slot_quota q LEFT JOIN ticket t ON t.slot_id = q.slot_id
        WHERE q.channel = 'onsite' GROUP BY q.slot_id, q.booked HAVING q.booked <> count(t.id)
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

"""Invariants of booking; empty when all is well."""

from sqlalchemy import text
from sqlalchemy.orm import Session

CHECKS = {
    "quota {id}: held counter differs from live holds": """
        SELECT q.slot_id || '/' || q.channel AS id FROM slot_quota q
        LEFT JOIN appointment_slot s ON s.slot_id = q.slot_id
        LEFT JOIN appointment a ON a.id = s.appointment_id AND a.channel = q.channel
             AND a.state IN ('held', 'awaiting_payment')
        GROUP BY q.slot_id, q.channel, q.held HAVING q.held <> count(a.id)
    """,
    "quota {id}: booked counter differs from appointments and places on their way back": """
        SELECT q.slot_id || '/' || q.channel AS id FROM slot_quota q
        WHERE q.channel <> 'onsite' AND q.booked <> (
          SELECT count(*) FROM appointment_slot s JOIN appointment a ON a.id = s.appointment_id
          WHERE s.slot_id = q.slot_id AND a.channel = q.channel
            AND a.state IN ('booked', 'checked_in', 'fulfilled', 'left', 'no_show', 'excused')
        ) + (SELECT count(*) FROM returned_place r WHERE r.slot_id = q.slot_id AND r.channel = q.channel)
    """,
    "half-day {id}: less than thirty percent is kept for people without an appointment": """
        SELECT concat_ws('/', s.hall_code, s.category_code, s.day, s.half)
          AS id FROM (
          SELECT hall_code, category_code, day,
            CASE WHEN (start AT TIME ZONE 'Asia/Shanghai')::time < '13:00' THEN 'morning' ELSE 'afternoon' END AS half,
            sum(capacity) AS places, sum(capacity) FILTER (WHERE channel = 'onsite') AS onsite
          FROM slot_quota JOIN slot ON slot.id = slot_id GROUP BY 1, 2, 3, 4) s
        WHERE coalesce(s.onsite, 0) * 100 < 30 * s.places
    """,
    "slot {id}: its places do not know whether it is open": """
        SELECT DISTINCT s.id::text AS id FROM slot s JOIN slot_quota q ON q.slot_id = s.id WHERE q.open <> s.open
    """,
    "appointment {id}: still waits in a closed slot, and no job is going to say so": """
        SELECT DISTINCT a.id::text AS id FROM appointment a
        JOIN appointment_slot p ON p.appointment_id = a.id JOIN slot s ON s.id = p.slot_id
        WHERE a.state IN ('held', 'booked') AND NOT s.open AND NOT EXISTS (
          SELECT 1 FROM procrastinate_jobs
          WHERE task_name = 'appointments.cancel_closed' AND status IN ('todo', 'doing'))
    """,
    "appointment {id}: its item lines do not match its state": """
        SELECT DISTINCT a.id::text AS id FROM appointment a JOIN appointment_line l ON l.appointment_id = a.id
        GROUP BY a.id, l.family
        HAVING count(*) FILTER (WHERE l.active)
          <> (a.state IN ('booked', 'checked_in', 'fulfilled', 'left', 'no_show', 'excused'))::int
    """,
    "appointment {id}: its state does not match its conduct mark": """
        SELECT a.id::text AS id FROM appointment a LEFT JOIN conduct_mark m ON m.appointment_id = a.id
        WHERE (a.state = 'no_show' AND (m.kind IS DISTINCT FROM 'no_show'
                OR m.state NOT IN ('counts', 'appealed', 'upheld')))
           OR (a.state = 'excused' AND m.state NOT IN ('forgiven', 'hall_caused'))
           OR (a.state = 'cancelled_late' AND m.kind IS DISTINCT FROM 'late_cancel')
           OR (a.state IN ('checked_in', 'fulfilled', 'left') AND m.state IN ('counts', 'appealed', 'upheld'))
           OR (m.id IS NOT NULL AND a.state IN ('held', 'released', 'booked', 'cancelled', 'hall_cancelled'))
    """,
    "appointment {id}: booked without a notice": """
        SELECT a.id::text AS id FROM appointment a
        WHERE a.state = 'booked' AND NOT EXISTS (
          SELECT 1 FROM notification n WHERE n.subject_type = 'appointment' AND n.subject_id = a.id::text)
    """,
}


def invariants(session: Session) -> list[str]:
    """Broken rules with the ids of their rows."""
    return [
        "appointments: " + sentence.format(id=row.id)
        for sentence, query in CHECKS.items()
        for row in session.execute(text(query))
    ]

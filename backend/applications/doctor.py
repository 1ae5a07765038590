"""Invariants of applications and cases; empty when all is well."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from backend.core import clock

CHECKS = {
    "application {id}: handed in without a case, or a case without a handed-in application": """
        SELECT a.id::text AS id FROM application a FULL JOIN service_case c ON c.application_id = a.id
        WHERE (a.state IN ('submitted', 'reopened')) IS DISTINCT FROM (c.id IS NOT NULL)
    """,
    "application {id}: open for changes although nobody asked for them": """
        SELECT a.id::text AS id FROM application a JOIN service_case c ON c.application_id = a.id
        WHERE (a.state = 'reopened') <> (c.state IN ('pre_returned', 'correcting'))
    """,
    "application {id}: handed in without a kept version": """
        SELECT a.id::text AS id FROM application a WHERE a.state IN ('submitted', 'reopened')
          AND NOT EXISTS (SELECT 1 FROM application_version v WHERE v.application_id = a.id)
    """,
    "application {id}: its time is over and it still holds answers": """
        SELECT id::text FROM application WHERE state = 'open' AND expires_at < :now - interval '1 day'
    """,
    "case {id}: its state is not the one of its last event": """
        SELECT c.id::text AS id FROM service_case c WHERE c.state IS DISTINCT FROM (
          SELECT e.to_state FROM service_case_event e WHERE e.entity_id = c.id ORDER BY e.id DESC LIMIT 1)
    """,
    "case {id}: decided without a document or a hand": """
        SELECT id::text FROM service_case
        WHERE state IN ('granted', 'denied', 'concluded', 'ready', 'mailed', 'delivered')
          AND (decided_by IS NULL OR decided_on IS NULL OR decision_document IS NULL)
    """,
    "case {id}: decided while a department had not answered": """
        SELECT c.id::text AS id FROM service_case c JOIN case_part p ON p.case_id = c.id
        WHERE c.decided_on IS NOT NULL AND p.state = 'pending'
    """,
    "case {id}: a special step goes on although the case does not wait for it, or the other way round": """
        SELECT c.id::text AS id FROM service_case c
        WHERE (c.state = 'special') <> EXISTS (
          SELECT 1 FROM case_special s WHERE s.case_id = c.id AND s.ended_on IS NULL)
          AND c.state IN ('reviewing', 'special')
    """,
    "case {id}: a special step lasted longer than its published days": """
        SELECT s.case_id::text AS id FROM case_special s JOIN service_case c ON c.id = s.case_id
        JOIN item_version v ON v.item_slug = c.item_slug AND v.number = c.item_version
        WHERE NOT EXISTS (
          SELECT 1 FROM jsonb_array_elements(v.content -> 'special_steps') AS listed
          WHERE listed ->> 'id' = s.step_code AND (listed ->> 'days')::int >= s.days)
    """,
    "case {id}: pays a fee that was never billed": """
        SELECT c.id::text AS id FROM service_case c
        WHERE c.fee_state = 'due' AND NOT EXISTS (
          SELECT 1 FROM bill b WHERE b.subject_type = 'case' AND b.subject_id = c.id::text)
    """,
    "case {id}: handed over before its fee was paid": """
        SELECT id::text FROM service_case
        WHERE state IN ('concluded', 'ready', 'mailed', 'delivered') AND fee_state = 'due'
          AND fee_blocks <> 'nothing' AND reason IS NULL
    """,
    "case {id}: handed in without a notice": """
        SELECT c.id::text AS id FROM service_case c WHERE NOT EXISTS (
          SELECT 1 FROM notification n WHERE n.subject_type = 'case' AND n.subject_id = c.id::text)
    """,
}


def invariants(session: Session) -> list[str]:
    """Broken rules with the ids of their rows."""
    return [
        "applications: " + sentence.format(id=row.id)
        for sentence, query in CHECKS.items()
        for row in session.execute(text(query), {"now": clock.now()})
    ]

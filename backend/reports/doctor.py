"""Invariants of the ledger; empty when all is well."""

from sqlalchemy import text
from sqlalchemy.orm import Session

CHECKS = {
    "case {id}: not in the ledger, and not due": """
        SELECT c.id::text AS id FROM service_case c
        WHERE NOT EXISTS (SELECT 1 FROM case_ledger l WHERE l.case_id = c.id)
          AND NOT EXISTS (SELECT 1 FROM case_ledger_due d WHERE d.case_id = c.id::text)
    """,
    "case {id}: the ledger has another state or hall, and is not due": """
        SELECT c.id::text AS id FROM service_case c JOIN case_ledger l ON l.case_id = c.id
        WHERE (l.state, l.hall_code) IS DISTINCT FROM (c.state, c.hall_code)
          AND NOT EXISTS (SELECT 1 FROM case_ledger_due d WHERE d.case_id = c.id::text)
    """,
    "case {id}: a change has waited for the ledger for ten minutes": """
        SELECT DISTINCT case_id AS id FROM case_ledger_due WHERE at < now() - interval '10 minutes'
    """,
}


def invariants(session: Session) -> list[str]:
    """Broken rules with the ids of their rows."""
    return [
        "reports: " + sentence.format(id=row.id)
        for sentence, query in CHECKS.items()
        for row in session.execute(text(query))
    ]

"""Invariants of devices; empty when all is well."""

from sqlalchemy import text
from sqlalchemy.orm import Session

CHECKS = {
    "device {id}: its state does not match its current key": """
        SELECT d.id::text AS id FROM device d
        LEFT JOIN device_key k ON k.device_id = d.id AND k.valid_until IS NULL
        GROUP BY d.id, d.state
        HAVING (d.state = 'active' AND count(k.id) <> 1) OR (d.state = 'pending' AND count(k.id) > 0)
    """,
    "check-in {id}: no such device admitted it": """
        SELECT c.id::text AS id FROM check_in c LEFT JOIN device d ON d.id = c.device_id AND d.hall_code = c.hall_code
        WHERE c.device_id IS NOT NULL AND d.id IS NULL
    """,
}


def invariants(session: Session) -> list[str]:
    """Broken rules with the ids of their rows."""
    return [
        "devices: " + sentence.format(id=row.id)
        for sentence, query in CHECKS.items()
        for row in session.execute(text(query))
    ]

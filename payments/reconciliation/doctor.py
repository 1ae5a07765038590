"""What must hold about receipts and reconciled days, for `make doctor`; empty when all is well."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from backend.core import clock

SETTLING = timedelta(hours=1)
"""How long a receipt may lag behind a refund: finance has to be reached."""

CHECKS = {
    "bill {id}: its state says that finance has issued a receipt, and there is none": """
        SELECT b.id::text AS id FROM bill b WHERE b.state = 'ebill_issued'
          AND NOT EXISTS (SELECT 1 FROM ebill e WHERE e.bill_id = b.id)
    """,
    "bill {id}: has a receipt before finance confirmed its payment": """
        SELECT b.id::text AS id FROM bill b JOIN ebill e ON e.bill_id = b.id WHERE b.state <> 'ebill_issued'
    """,
    "bill {id}: its receipt stands for more than was kept, though the money has gone back": """
        SELECT b.id::text AS id FROM bill b
        JOIN ebill e ON e.bill_id = b.id AND e.red_at IS NULL
        JOIN payment_attempt a ON a.bill_id = b.id AND a.state = 'paid'
        WHERE e.amount_fen > b.total_fen - a.refunded_fen AND NOT EXISTS (
          SELECT 1 FROM refund r WHERE r.bill_id = b.id AND r.state_at > :lately)
    """,
    "refund {id}: left before the receipt was cancelled": """
        SELECT r.id::text AS id FROM refund r
        JOIN ebill e ON e.bill_id = r.bill_id AND e.red_at IS NULL AND e.issued_at < r.created_at
        WHERE r.origin = 'request' AND r.state = 'submitted'
    """,
    "day {id}: is closed over an open difference": """
        SELECT d.day::text AS id FROM recon_day d WHERE d.state = 'closed' AND EXISTS (
          SELECT 1 FROM recon_difference x WHERE x.day = d.day AND x.state = 'open')
    """,
    "day {id}: is closed though a book was never read": """
        SELECT d.day::text AS id FROM recon_day d WHERE d.state = 'closed' AND EXISTS (
          SELECT 1 FROM recon_book k WHERE k.day = d.day AND k.digest IS NULL)
    """,
    "book {id}: its lines do not come to its sums": """
        SELECT k.id::text AS id FROM recon_book k LEFT JOIN recon_line l ON l.book_id = k.id
        WHERE k.digest IS NOT NULL GROUP BY k.id
        HAVING count(l.position) <> k.lines
          OR coalesce(sum(l.amount_fen) FILTER (WHERE l.refund_number IS NULL), 0) <> k.amount_fen
          OR coalesce(sum(l.amount_fen) FILTER (WHERE l.refund_number IS NOT NULL), 0) <> k.refund_fen
    """,
    "book {id}: a day without differences does not equal our own payments": """
        SELECT k.id::text AS id FROM recon_book k JOIN recon_day d ON d.day = k.day AND d.state = 'closed'
        LEFT JOIN payment_attempt a ON a.channel = k.book AND a.merchant_id = k.merchant_id
          AND a.paid_at >= k.day::timestamp AT TIME ZONE 'Asia/Shanghai'
          AND a.paid_at < (k.day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'
        WHERE k.book <> 'finance' AND d.figures ->> 'day_shifted' = '0'
          AND NOT EXISTS (SELECT 1 FROM recon_difference x WHERE x.day = k.day)
        GROUP BY k.id HAVING coalesce(sum(a.paid_fen), 0) <> k.amount_fen
    """,
}


def invariants(session: Session) -> list[str]:
    """Broken rules with the ids of their rows."""
    lately = clock.now() - SETTLING
    return [
        "payments: " + sentence.format(id=row.id)
        for sentence, query in CHECKS.items()
        for row in session.execute(text(query), {"lately": lately} if ":lately" in query else {})
    ]

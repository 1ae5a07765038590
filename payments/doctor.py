"""The invariants of bills, money and books; empty when all is well (reliability sheet §2.4)."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import ledger

CHECKS = {
    "journal {id}: does not balance": """
        SELECT j.id::text AS id FROM journal j LEFT JOIN entry e ON e.journal_id = j.id
        GROUP BY j.id HAVING count(e.id) < 2 OR sum(e.debit_fen) <> sum(e.credit_fen)
    """,
    "all accounts together: {id} fen are missing": """
        SELECT (sum(debit_fen) - sum(credit_fen))::text AS id FROM entry HAVING sum(debit_fen) <> sum(credit_fen)
    """,
    "attempt {id}: its money is not in the books exactly once": """
        SELECT a.id::text AS id FROM payment_attempt a
        LEFT JOIN journal j ON j.source_type = 'attempt' AND j.source_id = a.id::text
          AND j.kind IN ('payment', 'overpayment', 'suspense')
        GROUP BY a.id
        HAVING count(j.id) <> (a.state IN ('paid', 'suspense', 'refund_due', 'returned'))::int
    """,
    "attempt {id}: its bill's account did not get its money": """
        SELECT a.id::text AS id FROM payment_attempt a WHERE a.state = 'paid' AND 1 <> (
          SELECT count(*) FROM journal j WHERE j.source_type = 'attempt' AND j.source_id = a.id::text
            AND j.kind IN ('payment', 'suspense_settled'))
    """,
    "attempt {id}: its refunds do not add up": """
        SELECT a.id::text AS id FROM payment_attempt a LEFT JOIN refund r ON r.attempt_id = a.id
        GROUP BY a.id
        HAVING a.refunded_fen <> coalesce(sum(r.amount_fen) FILTER (WHERE r.state IN ('success', 'manual_done')), 0)
          OR a.reserved_fen <> coalesce(sum(r.amount_fen) FILTER (WHERE r.state IN
             ('requested', 'unit_approved', 'approved', 'submitted', 'submit_unknown', 'abnormal')), 0)
          OR a.refunded_fen + a.reserved_fen > a.paid_fen
    """,
    "attempt {id}: money that no bill takes is not on its way back": """
        SELECT a.id::text AS id FROM payment_attempt a
        WHERE (a.state = 'refund_due' AND NOT EXISTS (
                SELECT 1 FROM refund r WHERE r.attempt_id = a.id AND r.origin = 'automatic' AND r.state <> 'closed'))
           OR (a.state = 'refund_due') <> (a.state IN ('refund_due', 'returned') AND a.refunded_fen < a.paid_fen)
           OR a.state = 'paid_late'
    """,
    "refund {id}: paid out but not in the books exactly once": """
        SELECT r.id::text AS id FROM refund r
        LEFT JOIN journal j ON j.kind = 'refund' AND j.source_type = 'refund' AND j.source_id = r.id::text
        GROUP BY r.id HAVING count(j.id) <> (r.state IN ('success', 'manual_done'))::int
    """,
    "bill {id}: its state does not match its entries": """
        SELECT b.id::text AS id FROM bill b
        LEFT JOIN entry e ON e.account = 'bill:' || b.id
        LEFT JOIN LATERAL (
          SELECT coalesce(sum(a.refunded_fen), 0) AS back FROM payment_attempt a
          WHERE a.bill_id = b.id AND a.state = 'paid') p ON true
        GROUP BY b.id, p.back
        HAVING coalesce(sum(e.debit_fen), 0) <> coalesce(sum(e.credit_fen), 0)
          OR coalesce(sum(e.credit_fen), 0) <>
             CASE WHEN b.state IN ('paid', 'confirmed', 'ebill_issued') THEN b.total_fen + p.back ELSE 0 END
    """,
    "bill {id}: is not paid by exactly the payment it names": """
        SELECT b.id::text AS id FROM bill b
        LEFT JOIN payment_attempt a ON a.bill_id = b.id AND a.state = 'paid'
        WHERE coalesce(a.channel, 'other') <> b.paid_via AND b.state IN ('paid', 'confirmed', 'ebill_issued')
           OR a.id IS NOT NULL AND (b.state NOT IN ('paid', 'confirmed', 'ebill_issued') OR a.paid_fen <> b.total_fen)
    """,
    "bill {id}: its total is not the sum of its items": """
        SELECT b.id::text AS id FROM bill b LEFT JOIN bill_item i ON i.bill_id = b.id
        GROUP BY b.id HAVING b.total_fen <> coalesce(sum(i.fee_fen), 0)
    """,
    "bill {id}: paid, and its payer was not told": """
        SELECT b.id::text AS id FROM bill b
        WHERE b.paid_at IS NOT NULL AND b.person_id IS NOT NULL AND NOT EXISTS (
          SELECT 1 FROM notification n WHERE n.subject_type = 'bill' AND n.subject_id = b.id::text
            AND n.template IN ('bill_paid', 'postage_paid'))
    """,
    "bill {id}: money that goes back does not match its account": """
        SELECT b.id::text AS id FROM bill b
        LEFT JOIN entry e ON e.account = 'refund_due:' || b.id
        LEFT JOIN LATERAL (
          SELECT coalesce(sum(a.paid_fen - a.refunded_fen), 0) AS owed FROM payment_attempt a
          WHERE a.bill_id = b.id AND a.state = 'refund_due') p ON true
        GROUP BY b.id, p.owed HAVING coalesce(sum(e.credit_fen - e.debit_fen), 0) <> p.owed
    """,
    "suspense: differs from its open cases by {id} fen": """
        SELECT (s.held - c.open)::text AS id
        FROM (SELECT coalesce(sum(credit_fen - debit_fen), 0) AS held FROM entry WHERE account = 'suspense') s,
          (SELECT coalesce(sum(paid_fen - refunded_fen), 0) AS open FROM payment_attempt WHERE state = 'suspense') c
        WHERE s.held <> c.open
    """,
    "clearing:{id}: differs from what its payments and refunds say": """
        SELECT c.channel AS id FROM (
          SELECT channel, sum(paid_fen) AS held FROM payment_attempt GROUP BY channel) c
        LEFT JOIN (
          SELECT a.channel, sum(r.amount_fen) AS back FROM refund r JOIN payment_attempt a ON a.id = r.attempt_id
          WHERE r.state = 'success' GROUP BY a.channel) r ON r.channel = c.channel
        LEFT JOIN (
          SELECT account, sum(debit_fen - credit_fen) AS booked FROM entry GROUP BY account) e
          ON e.account = 'clearing:' || c.channel
        WHERE coalesce(e.booked, 0) <> c.held - coalesce(r.back, 0)
    """,
}


def invariants(session: Session) -> list[str]:
    """Broken rules with the ids of their rows."""
    found = [
        "payments: " + sentence.format(id=row.id)
        for sentence, query in CHECKS.items()
        for row in session.execute(text(query))
    ]
    found += [f"payments: journal {journal} does not match its seal" for journal in ledger.broken_links(session)]
    return found + [f"payments: journal {journal} waits for its seal" for journal in ledger.long_unsealed(session)]

"""The invariants of shipments, tasks, budgets and settlements; empty when all is well."""

from datetime import timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend.core import clock
from express import tracking
from express.models import Shipment, TrackRow

STUCK = timedelta(hours=1)
SAMPLE = 2000
"""How many of the newest shipments have their standing read anew."""

CHECKS = {
    "shipment {id}: waits for the carrier and nobody will call": """
        SELECT id::text AS id FROM shipment
        WHERE state IN ('placing', 'unknown', 'cancelling') AND next_try_at IS NULL
    """,
    "shipment {id}: its call has been due for an hour": """
        SELECT id::text AS id FROM shipment
        WHERE state IN ('placing', 'unknown', 'cancelling') AND next_try_at < :stuck
    """,
    "shipment {id}: is on its way and nobody asks where": """
        SELECT id::text AS id FROM shipment
        WHERE state IN ('ordered', 'under_way') AND next_track_at IS NULL
    """,
    "shipment {id}: has no address though it is not over": """
        SELECT id::text AS id FROM shipment
        WHERE "order" IS NULL AND state NOT IN ('closed', 'cancelled', 'delivered', 'returned', 'lost', 'held')
    """,
    "shipment {id}: a certificate counts as handed over without proof of it": """
        SELECT id::text AS id FROM shipment s
        WHERE s.state = 'closed' AND s.certificate AND (
          s.proof = 'carrier' AND s.detail_code <> '10'
          OR s.proof = 'window' AND NOT EXISTS (SELECT 1 FROM window_handover w WHERE w.shipment_id = s.id))
    """,
    "shipment {id}: was left somewhere and nobody looks after it": """
        SELECT s.id::text AS id FROM shipment s
        WHERE s.state IN ('delivered', 'returned', 'lost') AND NOT EXISTS (
          SELECT 1 FROM shipment_task t WHERE t.shipment_id = s.id AND t.state <> 'gone')
    """,
    "shipment {id}: paid by an applicant without a bill": """
        SELECT id::text AS id FROM shipment
        WHERE payer = 'applicant_prepaid' AND bill_id IS NULL AND estimate_fen > 0
          AND state NOT IN ('asked', 'cancelled')
    """,
    "shipment {id}: was ordered before its postage was paid": """
        SELECT s.id::text AS id FROM shipment s JOIN bill b ON b.id = s.bill_id
        WHERE s.state NOT IN ('unpaid', 'cancelled') AND b.state NOT IN ('paid', 'confirmed', 'ebill_issued')
    """,
    "shipment {id}: is called off and its postage does not go back": """
        SELECT s.id::text AS id FROM shipment s JOIN bill b ON b.id = s.bill_id
        WHERE s.state = 'cancelled' AND (b.state = 'issued' OR b.paid_at IS NOT NULL AND NOT EXISTS (
          SELECT 1 FROM refund r WHERE r.bill_id = b.id AND r.state NOT IN ('closed', 'rejected')))
    """,
    "bill {id}: postage stands in a bill with something else, or finance heard of it": """
        SELECT b.id::text AS id FROM bill b JOIN bill_item i ON i.bill_id = b.id
        WHERE (i.income_item_code = 'postage') <> (b.notice_type = 'postage')
          OR b.notice_type = 'postage' AND EXISTS (
            SELECT 1 FROM bill_at_finance f WHERE f.bill_id = b.id AND f.registered_version IS NOT NULL)
    """,
    "policy {id}: its year's cost is not the sum of its shipments": """
        SELECT y.policy_id || '/' || y.year AS id FROM payer_policy_year y
        LEFT JOIN shipment s ON s.policy_id = y.policy_id AND s.payer = 'gov' AND s.state <> 'cancelled'
          AND extract(year FROM s.created_at AT TIME ZONE 'Asia/Shanghai') = y.year
        GROUP BY y.policy_id, y.year, y.spent_fen
        HAVING y.spent_fen <> coalesce(sum(coalesce(s.actual_fen, s.estimate_fen)), 0)
    """,
    "policies {id} have the same priority and fit the same shipment": """
        SELECT a.id || ' and ' || b.id AS id FROM payer_policy a JOIN payer_policy b
          ON a.id < b.id AND a.priority = b.priority
          AND coalesce(a.item_slug = b.item_slug, true) AND coalesce(a.category_code = b.category_code, true)
          AND coalesce(a.division_code = b.division_code, true) AND coalesce(a.direction = b.direction, true)
          AND coalesce(a.applicant_type = b.applicant_type, true)
          AND a.valid_from <= coalesce(b.valid_to, 'infinity') AND b.valid_from <= coalesce(a.valid_to, 'infinity')
    """,
    "statement {id}: is settled with differences and no reason": """
        SELECT s.id::text AS id FROM carrier_statement s
        WHERE s.state = 'settled' AND s.reason IS NULL AND EXISTS (
          SELECT 1 FROM carrier_statement_line l WHERE l.statement_id = s.id AND l.verdict <> 'match')
    """,
}


def invariants(session: Session) -> list[str]:
    """Broken rules with the ids of their rows."""
    stuck = clock.now() - STUCK
    found = [
        "express: " + sentence.format(id=row.id)
        for sentence, query in CHECKS.items()
        for row in session.execute(text(query), {"stuck": stuck} if ":stuck" in query else {})
    ]
    return found + [f"express: shipment {one}: does not stand where its events say" for one in _misplaced(session)]


def _misplaced(session: Session) -> list[str]:
    query = select(Shipment).where(Shipment.waybill.is_not(None), Shipment.proof.is_(None))
    newest = session.scalars(query.order_by(Shipment.created_at.desc()).limit(SAMPLE)).all()
    events: dict[str, list[TrackRow]] = {}
    for event in session.scalars(select(TrackRow).where(TrackRow.waybill.in_([one.waybill for one in newest]))):
        events.setdefault(event.waybill, []).append(event)
    return [
        str(one.id)
        for one in newest
        if one.state not in ("held", "closed")
        and one.waybill in events
        and tracking.state_of(tracking.trusted(events[one.waybill])).progress != one.progress
    ]

"""Every invariant of shipments can be broken, and is then named."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from express import doctor
from express.models import Payer
from tests.express.conftest import Desk

BROKEN = {
    "UPDATE shipment SET state = 'placing', next_try_at = NULL": "waits for the carrier and nobody will call",
    "UPDATE shipment SET state = 'placing', next_try_at = '2026-11-23'": "its call has been due for an hour",
    "UPDATE shipment SET next_track_at = NULL": "is on its way and nobody asks where",
    'UPDATE shipment SET "order" = NULL': "has no address though it is not over",
    "UPDATE shipment SET state = 'closed', proof = 'carrier', detail_code = '60'": "without proof of it",
    "UPDATE shipment SET state = 'closed', proof = 'window'": "without proof of it",
    "UPDATE shipment SET state = 'lost'": "nobody looks after it",
    "UPDATE shipment SET payer = 'applicant_prepaid'": "paid by an applicant without a bill",
    "UPDATE payer_policy_year SET spent_fen = spent_fen + 1": "is not the sum of its shipments",
    "UPDATE shipment SET progress = 'out'": "does not stand where its events say",
    "INSERT INTO payer_policy SELECT gen_random_uuid(), priority, name, 'business', NULL, division_code, direction, "
    "applicant_type, valid_from, valid_to, payer, yearly_cap_fen, budget_code, created_by, created_at "
    "FROM payer_policy": "have the same priority",
}


@pytest.mark.parametrize("harm", BROKEN)
def test_a_broken_invariant_is_named(desk: Desk, session: Session, harm: str) -> None:
    desk.policy(Payer.GOV)
    desk.travel(desk.order(), "203")
    assert desk.examine() == []
    session.execute(text(harm))
    found = doctor.invariants(session)
    session.rollback()
    assert any(BROKEN[harm] in one for one in found), found

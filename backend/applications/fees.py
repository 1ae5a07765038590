"""The fee step: what a case costs, its bill, and going on when it is settled (clause 17.5)."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from sqlalchemy import String, cast, or_, select
from sqlalchemy.orm import Session

from backend.applications import case_clock, moves
from backend.applications.case_models import Case
from backend.applications.forms import Form, is_shown
from backend.applications.states import CaseEvent, CaseState
from backend.catalogue import queries as catalogue
from backend.catalogue.values import Item
from backend.core import audit, clock
from backend.identity import queries as identity
from backend.identity.models import Organisation
from backend.province.kinds import Kind
from payments import bill_queries, bills
from payments.bills import Line, Order, Payer
from payments.states import BillState


def lines(item: Item, form: Form, answers: Mapping[str, Any], on: date) -> list[Line]:
    """The income items that these answers make due on a day; none when the department bears the cost (clause 21).

    An item with several fees charges those that its form names; the others a window adds by hand.
    """
    if item.paid_by_department or item.free:
        return []
    found = []
    for fee in item.fees:
        standard, rule = fee.tariff.on(on), form.fees.get(fee.tariff.code)
        if standard is None or not standard.verified or standard.amount_fen == 0 or fee.tariff.kind == "penalty":
            continue
        if rule is None and len(item.fees) > 1:
            continue
        if rule is None or is_shown(rule.get("when"), answers):
            quantity = answers.get(rule["quantity"], 1) if rule and "quantity" in rule else 1
            found.append(Line(fee.tariff.code, quantity=int(quantity)))
    return found


def borne_by_department(session: Session, subject_type: str, subject_id: str, codes: Collection[str]) -> bool:
    """Whether the department bears this bill: its case is of such an item, or only such items charge these fees."""
    if subject_type == "case":
        named = or_(cast(Case.id, String) == subject_id, Case.short_number == subject_id, Case.number == subject_id)
        if (slug := session.scalar(select(Case.item_slug).where(named))) is not None:
            return catalogue.item(session, slug).paid_by_department
    charging = [item for item in catalogue.items(session) if {fee.tariff.code for fee in item.fees} & set(codes)]
    return bool(charging) and all(item.paid_by_department for item in charging)


def bill(session: Session, case: Case, item: Item, due: list[Line], *, region_code: str, actor: str) -> None:
    """Issue the bill of an accepted case; amounts are those of the acceptance day (money rule M10)."""
    if not due:
        case.fee_state = "none"
        session.flush()
        return
    body = session.get(Organisation, case.organisation_id) if case.organisation_id else None
    name = body.name if body else identity.unseal(identity.person(session, case.person_id), "name")
    order = Order(
        region_code=region_code,
        lines=due,
        accepted_on=case.accepted_on or case.submitted_at.date(),
        payer=Payer(name or "办事人", kind="organisation" if body else "person", person_id=case.filer_id),
        subject_type="case",
        subject_id=str(case.id),
        title=item.name,
        hall_code=case.hall_code,
    )
    made = bills.issue(session, order, actor=actor)
    case.fee_state = "due"
    session.flush()
    moves.tell_province(session, case, Kind.FEE, pay_code=made.pay_code, total_fen=made.total_fen)


def call_off(session: Session, case: Case, *, actor: str) -> None:
    """A case that ended before its decision owes nothing: what is unpaid is voided; what was paid is asked back.

    Raises BillBusy while somebody may be paying.
    """
    if case.fee_state != "due":
        return
    for one in bill_queries.of_subject(session, "case", str(case.id)):
        if one.state == BillState.ISSUED:
            bills.void(session, bill_id=one.id, actor=actor, reason="办件撤回或终止")
    case.fee_state = "none"
    session.flush()


def settled(session: Session, case: Case) -> bool:
    """The bill is paid: the case goes on if it waited for that. False for a repeat. The caller holds the lock."""
    if case.fee_state == "paid":
        return False
    case.fee_state, case.paid_on = "paid", clock.today()
    session.flush()
    if case.state == CaseState.AWAITING_FEE:
        case_clock.recount(session, case)
        moves.move(session, case, CaseEvent.SETTLE, actor="system", reason="费用已交")
    audit.record(
        session, actor="system", action="case.fee_paid", object_type="case", object_id=case.id, hall_code=case.hall_code
    )
    return True

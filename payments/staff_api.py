"""Staff's part: a hall looks up and voids bills and checks refunds; finance defers, approves and decides suspense."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, current_app
from sqlalchemy.orm import Session

from backend.core import limits, pagination
from backend.core.auth import current_staff, request_language, staff
from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.core.schemas import EmptySchema
from payments import attempts, bill_queries, bills, pay_codes, paying, refunds
from payments import staff_schemas as schemas
from payments.api import gateways
from payments.bill_models import Bill
from payments.refund_models import Refund
from payments.schemas import BillSchema
from payments.states import BillState

blueprint = ApiBlueprint("staff-payments", __name__, description="Bills, refunds and suspense for staff")
blueprints = (blueprint,)

PAGE = 50


@blueprint.get("/staff/bills")
@staff("bills.issue")
@blueprint.arguments(schemas.StaffBillQuerySchema, location="query")
@blueprint.response(200, schemas.StaffBillsSchema)
def list_bills(query: dict[str, Any]) -> dict[str, Any]:
    """My hall's bills, newest first."""
    before = pagination.position(query["cursor"]) if "cursor" in query else None
    state = BillState(query["state"]) if "state" in query else None
    with transaction() as session:
        found = bill_queries.of_hall(session, current_staff().hall, state, before, PAGE)
        shown = [bill_queries.staff_row(session, bill, request_language()) for bill in found]
    last = found[-1] if len(found) == PAGE else None
    return {"bills": shown, "next_cursor": pagination.encode(last.created_at.isoformat(), last.id) if last else None}


@blueprint.post("/staff/bills/look-up")
@staff("bills.issue")
@blueprint.arguments(schemas.WindowLookUpSchema)
@blueprint.response(200, BillSchema)
def look_up(body: dict[str, Any]) -> dict[str, Any]:
    """My hall's bill of a notice that the payer shows, to be collected at the window. Its name stays masked."""
    principal = current_staff()
    limits.spend(f"window-look-up:{principal.id}", capacity=60, per_seconds=600)
    settings: Settings = current_app.extensions["settings"]
    code = pay_codes.cleaned(body["pay_code"], settings.pay_code_pattern)
    with transaction() as session:
        bill = bill_queries.with_code(session, code, principal.hall)
        return bill_queries.view(session, bill, request_language(), gateways().ways_of(bill.unit_code))


@blueprint.post("/staff/bills/<uuid:bill_id>/void")
@staff("bills.void")
@blueprint.arguments(schemas.VoidSchema)
@blueprint.response(200, schemas.StaffBillSchema)
def void(body: dict[str, Any], bill_id: UUID) -> Response:
    """Take a bill of my hall back before it is paid. An order that is open is closed first."""
    principal = current_staff()
    with transaction() as session:
        bill_queries.in_hall(session, bill_id, principal.hall)
        live = attempts.live_of(session, bill_id)
    if live is not None:
        paying.close_order(gateways(), live)

    def effect(session: Session) -> dict[str, Any]:
        bill = bills.void(session, bill_id=bill_id, actor=principal.actor, reason=body["reason"])
        return bill_queries.staff_row(session, bill, request_language())

    return answer_once(f"staff-bills/void:{bill_id}", body, effect, schemas.StaffBillSchema())


@blueprint.post("/staff/bills/<uuid:bill_id>/deferral")
@staff("bills.reduce")
@blueprint.arguments(schemas.DeferSchema)
@blueprint.response(200, schemas.StaffBillSchema)
def defer(body: dict[str, Any], bill_id: UUID) -> Response:
    """缓缴, by a decision."""
    actor = current_staff().actor

    def effect(session: Session) -> dict[str, Any]:
        bill = bills.defer(session, bill_id=bill_id, actor=actor, **body)
        return bill_queries.staff_row(session, bill, request_language())

    return answer_once(f"staff-bills/deferral:{bill_id}", body, effect, schemas.StaffBillSchema())


@blueprint.post("/staff/bills/<uuid:bill_id>/refunds")
@staff("refunds.check")
@blueprint.arguments(schemas.UnitRefundSchema)
@blueprint.response(201, schemas.RefundCaseSchema)
def ask_refund(body: dict[str, Any], bill_id: UUID) -> Response:
    """The unit found an error of its own; somebody else of the unit checks it within five working days."""
    principal = current_staff()

    def effect(session: Session) -> Refund:
        bill_queries.in_hall(session, bill_id, principal.hall)
        return refunds.request(session, bill_id=bill_id, actor=principal.actor, by_unit=True, **body)

    return _decided(f"staff-refunds:{bill_id}", body, effect, status=201)


@blueprint.get("/staff/refunds")
@staff("refunds.check")
@blueprint.arguments(schemas.RefundQuerySchema, location="query")
@blueprint.response(200, schemas.RefundCasesSchema)
def list_refunds(query: dict[str, Any]) -> dict[str, Any]:
    """Refunds of my hall's bills."""
    return _refund_page(query, current_staff().hall)


@blueprint.post("/staff/refunds/<uuid:refund_id>/unit-approval")
@staff("refunds.check")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.RefundCaseSchema)
def approve_by_unit(body: dict[str, Any], refund_id: UUID) -> Response:
    """The unit agrees; finance decides next."""
    principal = current_staff()

    def effect(session: Session) -> Refund:
        return refunds.approve_by_unit(session, refund_id=refund_id, hall_code=principal.hall, actor=principal.actor)

    return _decided(f"unit-approval:{refund_id}", body, effect)


@blueprint.post("/staff/refunds/<uuid:refund_id>/unit-rejection")
@staff("refunds.check")
@blueprint.arguments(schemas.RefundRefusalSchema)
@blueprint.response(200, schemas.RefundCaseSchema)
def reject_by_unit(body: dict[str, Any], refund_id: UUID) -> Response:
    """The unit does not agree, and says why."""
    principal = current_staff()

    def effect(session: Session) -> Refund:
        return refunds.reject(
            session, refund_id=refund_id, hall_code=principal.hall, actor=principal.actor, answer=body["answer"]
        )

    return _decided(f"unit-rejection:{refund_id}", body, effect)


@blueprint.get("/staff/finance/refunds")
@staff("refunds.approve")
@blueprint.arguments(schemas.RefundQuerySchema, location="query")
@blueprint.response(200, schemas.RefundCasesSchema)
def list_all_refunds(query: dict[str, Any]) -> dict[str, Any]:
    """Refunds of all halls."""
    return _refund_page(query, None)


@blueprint.post("/staff/finance/refunds/<uuid:refund_id>/approval")
@staff("refunds.approve")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.RefundCaseSchema)
def approve_by_finance(body: dict[str, Any], refund_id: UUID) -> Response:
    """Finance agrees: the money goes back as soon as the e-bill is 冲红."""
    actor = current_staff().actor
    return _decided(
        f"finance-approval:{refund_id}",
        body,
        lambda session: refunds.approve_by_finance(session, refund_id=refund_id, actor=actor),
    )


@blueprint.post("/staff/finance/refunds/<uuid:refund_id>/rejection")
@staff("refunds.approve")
@blueprint.arguments(schemas.RefundRefusalSchema)
@blueprint.response(200, schemas.RefundCaseSchema)
def reject_by_finance(body: dict[str, Any], refund_id: UUID) -> Response:
    """Finance does not agree, and says why."""
    actor = current_staff().actor
    return _decided(
        f"finance-rejection:{refund_id}",
        body,
        lambda session: refunds.reject(session, refund_id=refund_id, hall_code=None, actor=actor, **body),
    )


@blueprint.post("/staff/finance/refunds/<uuid:refund_id>/send-again")
@staff("refunds.approve")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.RefundCaseSchema)
def send_again(body: dict[str, Any], refund_id: UUID) -> Response:
    """An abnormal refund once more, under the same number."""
    actor = current_staff().actor
    return _decided(
        f"send-again:{refund_id}",
        body,
        lambda session: refunds.send_again(session, refund_id=refund_id, actor=actor),
    )


@blueprint.post("/staff/finance/refunds/<uuid:refund_id>/by-hand")
@staff("refunds.approve")
@blueprint.arguments(schemas.EvidenceSchema)
@blueprint.response(200, schemas.RefundCaseSchema)
def propose_by_hand(body: dict[str, Any], refund_id: UUID) -> Response:
    """The treasury paid it: the first person records the document."""
    actor = current_staff().actor
    return _decided(
        f"by-hand:{refund_id}",
        body,
        lambda session: refunds.propose_by_hand(session, refund_id=refund_id, actor=actor, **body),
    )


@blueprint.post("/staff/finance/refunds/<uuid:refund_id>/by-hand/confirmation")
@staff("refunds.approve")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.RefundCaseSchema)
def confirm_by_hand(body: dict[str, Any], refund_id: UUID) -> Response:
    """A second person has seen the document."""
    actor = current_staff().actor
    return _decided(
        f"by-hand-confirmation:{refund_id}",
        body,
        lambda session: refunds.confirm_by_hand(session, refund_id=refund_id, actor=actor),
    )


@blueprint.get("/staff/finance/suspense")
@staff("suspense.decide")
@blueprint.response(200, schemas.SuspenseListSchema)
def list_suspense() -> dict[str, Any]:
    """Money that does not fit."""
    with transaction() as session:
        cases = bill_queries.suspense_cases(session)
        return {"cases": [bill_queries.suspense_case(attempt, bill) for attempt, bill in cases]}


@blueprint.post("/staff/finance/suspense/<uuid:attempt_id>/proposal")
@staff("suspense.decide")
@blueprint.arguments(schemas.ProposalSchema)
@blueprint.response(200, schemas.SuspenseSchema)
def propose(body: dict[str, Any], attempt_id: UUID) -> Response:
    """The first person says what becomes of it."""
    actor = current_staff().actor

    def effect(session: Session) -> dict[str, Any]:
        attempt = attempts.propose(session, attempt_id=attempt_id, actor=actor, **body)
        return bill_queries.suspense_case(attempt, session.get_one(Bill, attempt.bill_id))

    return answer_once(f"suspense-proposal:{attempt_id}", body, effect, schemas.SuspenseSchema())


@blueprint.post("/staff/finance/suspense/<uuid:attempt_id>/confirmation")
@staff("suspense.decide")
@blueprint.arguments(schemas.ConfirmationSchema)
@blueprint.response(200, schemas.SuspenseSchema)
def confirm(body: dict[str, Any], attempt_id: UUID) -> Response:
    """The second person agrees, and it is done."""
    actor = current_staff().actor

    def effect(session: Session) -> dict[str, Any]:
        attempt = attempts.confirm(session, attempt_id=attempt_id, actor=actor, **body)
        return bill_queries.suspense_case(attempt, session.get_one(Bill, attempt.bill_id))

    return answer_once(f"suspense-confirmation:{attempt_id}", body, effect, schemas.SuspenseSchema())


def _decided(route: str, body: dict[str, Any], effect: Callable[[Session], Refund], *, status: int = 200) -> Response:
    """One decision about a refund, and the case as it is then."""

    def shown(session: Session) -> dict[str, Any]:
        refund = effect(session)
        return bill_queries.refund_case(refund, session.get_one(Bill, refund.bill_id))

    return answer_once(route, body, shown, schemas.RefundCaseSchema(), status=status)


def _refund_page(query: dict[str, Any], hall_code: str | None) -> dict[str, Any]:
    before = pagination.position(query["cursor"]) if "cursor" in query else None
    with transaction() as session:
        found = bill_queries.refund_cases(
            session, hall_code=hall_code, open_only=query["scope"] == "open", before=before, limit=PAGE
        )
        shown = [bill_queries.refund_case(refund, bill) for refund, bill in found]
    last = found[-1][0] if len(found) == PAGE else None
    return {"refunds": shown, "next_cursor": pagination.encode(last.created_at.isoformat(), last.id) if last else None}

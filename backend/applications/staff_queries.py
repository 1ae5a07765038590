"""The inbox and a case as staff see them: deadlines, colours, whose step is next. Names leave masked."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Date, and_, exists, func, literal, not_, or_, select, tuple_
from sqlalchemy.orm import Session

from backend.applications import (
    case_clock,
    case_words,
    commitments,
    demands,
    form_queries,
    profile,
    queries,
    transfers,
    visits,
)
from backend.applications.case_models import (
    Case,
    CaseCorrection,
    CaseEventRow,
    CaseMessage,
    CasePart,
    CaseSpecial,
    CaseTransfer,
)
from backend.applications.clocks import Colour
from backend.applications.desk import Desk, open_transfer, seen_by
from backend.applications.models import Application
from backend.applications.states import (
    CASE,
    DECIDE,
    FRONT,
    MANAGE,
    UNDECIDED,
    WHO,
    CaseEvent,
    CaseState,
    PartState,
    TransferState,
)
from backend.catalogue import queries as catalogue
from backend.catalogue.models import Department
from backend.catalogue.versions import queries as versions
from backend.core import clock
from backend.core.auth import Principal
from backend.core.errors import Text
from backend.credit import service as credit
from backend.identity.models import Staff

Body = dict[str, Any]
S = CaseState

BOXES: Final[dict[str, tuple[CaseState, ...]]] = {
    "front": (S.SUBMITTED, S.RECEIVED),
    "waiting": (S.PRE_RETURNED, S.PRE_APPROVED, S.CORRECTING, S.AWAITING_FEE),
    "review": (S.ACCEPTED, S.REVIEWING, S.SPECIAL),
    "issue": (S.GRANTED, S.DENIED, S.CONCLUDED, S.READY, S.MAILED),
    "over": (S.NOT_ACCEPTED, S.DELIVERED, S.WITHDRAWN, S.TERMINATED),
}
"""Boxes of a hall by state; `incoming`, `joint`, `pickup` and `asked` are boxes of their own."""

SEES_CREDIT: Final = {FRONT, DECIDE, MANAGE}
"""What the credit platform knows of a person is for those who handle the case."""

LEAST_OF_NUMBER: Final = 4
NEVER: Final = date(9999, 12, 31)
DUE: Final = func.coalesce(Case.owed_on, literal(NEVER, Date))


def inbox(
    session: Session, hall_code: str, query: dict[str, Any], after: tuple[date, UUID] | None, limit: int
) -> list[Case]:
    """A hall's cases of one box, what is owed first at the top."""
    wanted = select(Case).where(_box(query["box"], hall_code))
    if "state" in query:
        wanted = wanted.where(Case.state == CaseState(query["state"]))
    if "item" in query:
        wanted = wanted.where(Case.item_slug == query["item"])
    if "colour" in query:
        wanted = wanted.where(_coloured(Colour(query["colour"])))
    if query.get("number"):
        wanted = wanted.where(_numbered(query["number"].strip()))
    if after is not None:
        wanted = wanted.where(tuple_(DUE, Case.id) > after)
    return list(session.scalars(wanted.order_by(DUE, Case.id).limit(limit)))


def _numbered(text: str) -> ColumnElement[bool]:
    """The case of this number; four characters or more may be a part of one."""
    whole = or_(Case.short_number == text, Case.number == text)
    return or_(whole, Case.short_number.contains(text, autoescape=True)) if len(text) >= LEAST_OF_NUMBER else whole


def counts(session: Session, hall_code: str, language: str) -> Body:
    """How many wait in each box, how many are overdue, and of which items the hall has cases."""
    rows = session.execute(
        select(Case.state, func.count(), func.count().filter(Case.owed_on < clock.today()))
        .where(Case.hall_code == hall_code, Case.state.not_in(BOXES["over"]))
        .group_by(Case.state)
    ).all()
    numbers = {state: (total, late) for state, total, late in rows}
    waiting = {box: states for box, states in BOXES.items() if box != "over"}
    boxes = {box: sum(numbers.get(state, (0, 0))[0] for state in states) for box, states in waiting.items()}
    for box in ("incoming", "joint", "pickup", "asked"):
        boxes[box] = session.scalar(select(func.count()).select_from(Case).where(_box(box, hall_code))) or 0
    return {
        "boxes": boxes,
        "overdue": sum(late for _, late in numbers.values()),
        "items": _items(session, hall_code, language),
    }


def _items(session: Session, hall_code: str, language: str) -> list[Body]:
    """The items of the cases that this hall sees, by name."""
    slugs = session.scalars(select(Case.item_slug).where(seen_by(hall_code)).distinct())
    named = [{"slug": slug, "name": catalogue.item(session, slug).name.in_language(language)} for slug in slugs]
    return sorted(named, key=lambda one: str(one["name"]))


def rows(session: Session, cases: Sequence[Case], language: str) -> list[Body]:
    """Rows of the inbox."""
    whose, unread = queries.applicants(session, cases), queries.unread_of(session, cases, "citizen")
    return [
        {
            "id": case.id,
            "number": case.short_number,
            "item": {
                "slug": case.item_slug,
                "name": catalogue.item(session, case.item_slug).name.in_language(language),
            },
            "state": case.state,
            "status": case_words.STATUS[case.state].in_language(language),
            "instant": case.instant,
            "joint": case.joint,
            "channel": case.channel,
            "applicant": whose[case.id],
            "submitted_at": case.submitted_at,
            "owed_on": case.owed_on,
            "law_due_on": case.law_due_on if case.state in UNDECIDED else None,
            "colour": case_clock.colour(case),
            "reply_by": case.reply_by,
            "unread": unread[case.id],
            "fee_state": case.fee_state,
        }
        for case in cases
    ]


def view(session: Session, case: Case, principal: Principal, language: str) -> Body:
    """A case whole, with what this member of staff may do now."""
    desk = Desk(principal.id, principal.hall)
    application = session.get_one(Application, case.application_id)
    item = catalogue.item(session, case.item_slug)
    letter = commitments.of(session, application, item)
    form = commitments.form_of(session, application, letter)
    answers = profile.opened(application)
    transfer = open_transfer(session, case)
    return {
        **rows(session, [case], language)[0],
        "full_number": case.number,
        "application_id": case.application_id,
        "hall_code": case.hall_code,
        "filed_hall": case.filed_hall,
        "mode": case.mode,
        "citizen": queries.masked_contact(session, case.filer_id),
        "accept_by": case.accept_by,
        "accepted_on": case.accepted_on,
        "promise_days": case.promise_days,
        "law_days": case.law_days,
        "extended_days": case.extended_days,
        "promise_due_on": case.promise_due_on,
        "days_used": case_clock.days_used(session, case),
        "deliver_by": case.deliver_by,
        "corrected_once": case.corrected_once,
        "reason": case.reason,
        "document": case.decision_document,
        "decision": queries.decision(case),
        "fee": queries.fee(session, case, language),
        "delivery": queries.delivery_of(case, item),
        "result": {"file_id": case.result_file_id, "digest": case.result_digest, "seal": case.result_seal},
        "pages": queries.pages(form, language),
        "answers": profile.masked(form, answers),
        "materials": queries.asked(session, item, form, answers, application, language),
        "commitment": commitments.view(letter, language),
        "credit": credit.view(credit.of_case(session, case.id)) if SEES_CREDIT & principal.permissions else None,
        "corrections": _corrections(session, case),
        "unlisted": [
            {"name": one.name, "place": one.place, "told_at": one.told_at, "settled": one.settled_words}
            for one in demands.of_case(session, case.id)
        ],
        "parts": _parts(session, case, language),
        "specials": _specials(session, case),
        "steps": [
            {
                "code": one.id,
                "name": one.name.in_language(language),
                "basis": one.basis,
                "condition": one.condition.in_language(language),
                "days": one.days,
            }
            for one in versions.special_steps(session, case.item_slug, case.item_version)
        ],
        "transfer": _transfer(transfer) if transfer else None,
        "to_halls": transfers.targets(session, case),
        "visits": visits.of_hall(session, case, language),
        "checked": visits.is_checked(session, case),
        "may_scan": may_scan(case, principal) and transfer is None,
        "history": _history(session, case, language),
        "may": _may(case, principal, desk, in_transit=transfer is not None),
    }


def find(session: Session, text: str, desk: Desk) -> Case | None:
    """The case that a scanned code means: a number, or an address that ends with the case's id."""
    last = text.strip().rstrip("/").rsplit("/", 1)[-1]
    try:
        mine = Case.id == UUID(last)
    except ValueError:
        mine = or_(Case.short_number == last, Case.number == last)
    return session.scalars(select(Case).where(mine, seen_by(desk.hall_code))).one_or_none()


def may_scan(case: Case, principal: Principal) -> bool:
    """Whether this member of staff may add pages of originals: while papers are received, in the hall in charge."""
    receiving = case.state in (S.PRE_APPROVED, S.RECEIVED)
    return receiving and case.hall_code == principal.hall_code and FRONT in principal.permissions


def texts(session: Session) -> list[Body]:
    """常用语."""
    return [
        {"code": one.code, "purpose": one.purpose, "text": one.text_zh, "text_en": one.text_en}
        for one in form_queries.texts(session)
    ]


def _box(box: str, hall_code: str) -> ColumnElement[bool]:
    if box in BOXES:
        return and_(Case.hall_code == hall_code, Case.state.in_(BOXES[box]))
    if box == "incoming":
        coming = select(CaseTransfer.case_id).where(
            CaseTransfer.to_hall == hall_code, CaseTransfer.state == TransferState.IN_TRANSIT
        )
        return Case.id.in_(coming)
    if box == "joint":
        pending = select(CasePart.case_id).where(CasePart.hall_code == hall_code, CasePart.state == PartState.PENDING)
        return and_(Case.id.in_(pending), Case.state.in_(UNDECIDED))
    if box == "asked":
        owed = exists().where(CaseMessage.case_id == Case.id, CaseMessage.reply_by.is_not(None))
        return and_(Case.hall_code == hall_code, owed)
    return and_(Case.pickup_hall == hall_code, Case.state == S.READY)


def _coloured(wanted: Colour) -> ColumnElement[bool]:
    """As `case_clock.colour`, for the database."""
    today = clock.today()
    running = and_(Case.state.in_(case_clock.RUNNING), Case.half_on.is_not(None), Case.eighty_on.is_not(None))
    red = Case.owed_on < today
    orange = or_(and_(running, Case.eighty_on <= today), and_(not_(running), Case.owed_on == today))
    yellow = and_(running, Case.half_on <= today, Case.eighty_on > today)
    return {
        Colour.RED: red,
        Colour.ORANGE: and_(Case.owed_on >= today, orange),
        Colour.YELLOW: and_(Case.owed_on >= today, yellow),
        Colour.GREEN: and_(Case.owed_on >= today, not_(orange), not_(yellow)),
    }[wanted]


def _may(case: Case, principal: Principal, desk: Desk, *, in_transit: bool) -> list[str]:
    """Events of the table that this role and hall may cause now; the other hand is checked when it is tried."""
    if in_transit:
        return []
    return [
        event
        for event in CaseEvent
        if (case.state, event) in CASE.steps
        and WHO[event] in principal.permissions
        and (case.hall_code == desk.hall_code or (event == CaseEvent.DELIVER and case.pickup_hall == desk.hall_code))
        and not (event == CaseEvent.CORRECT and case.corrected_once)
    ]


def _corrections(session: Session, case: Case) -> list[Body]:
    told = session.scalars(
        select(CaseCorrection).where(CaseCorrection.case_id == case.id).order_by(CaseCorrection.told_at)
    )
    return [
        {
            "kind": one.kind,
            "words": one.words,
            "fields": one.fields,
            "materials": one.materials,
            "told_at": one.told_at,
            "answered_at": one.answered_at,
        }
        for one in told
    ]


def _parts(session: Session, case: Case, language: str) -> list[Body]:
    rows = session.execute(
        select(CasePart, Department)
        .outerjoin(Department, Department.code == CasePart.department_code)
        .where(CasePart.case_id == case.id)
        .order_by(CasePart.department_code)
    )
    return [
        {
            "id": one.id,
            "department": Text(of.name_zh, of.name_en).in_language(language) if of else one.department_code,
            "hall_code": one.hall_code,
            "state": one.state,
            "opinion": one.opinion,
        }
        for one, of in rows
    ]


def _specials(session: Session, case: Case) -> list[Body]:
    rows = session.scalars(select(CaseSpecial).where(CaseSpecial.case_id == case.id).order_by(CaseSpecial.began_on))
    return [
        {
            "code": one.step_code,
            "days": one.days,
            "began_on": one.began_on,
            "ends_by": one.ends_by,
            "ended_on": one.ended_on,
            "document": one.document,
        }
        for one in rows
    ]


def _transfer(transfer: CaseTransfer) -> Body:
    return {
        "from_hall": transfer.from_hall,
        "to_hall": transfer.to_hall,
        "reason": transfer.reason,
        "sent_at": transfer.sent_at,
        "due_at": transfer.due_at,
        "overdue": transfer.due_at <= clock.now(),
    }


def _history(session: Session, case: Case, language: str) -> list[Body]:
    rows: Sequence[CaseEventRow] = session.scalars(
        select(CaseEventRow).where(CaseEventRow.entity_id == case.id).order_by(CaseEventRow.id.desc())
    ).all()
    ids = {row.actor.removeprefix("staff:") for row in rows if row.actor.startswith("staff:")}
    names = session.execute(select(Staff.id, Staff.display_name).where(Staff.id.in_([UUID(one) for one in ids])))
    known = {f"staff:{row.id}": row.display_name for row in names}
    return [
        {
            "at": row.at,
            "event": row.event,
            "words": case_words.HAPPENED[row.event].in_language(language),
            "by": known.get(row.actor),
            "reason": row.reason,
        }
        for row in rows
    ]

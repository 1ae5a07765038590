"""Submitting: an application becomes one case, however often the button is pressed; a correction goes back into it."""

import hashlib
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.applications import (
    case_clock,
    clocks,
    commitments,
    fees,
    form_queries,
    forms,
    materials,
    moves,
    notices,
    numbers,
    profile,
    visits,
)
from backend.applications.case_models import Case, CaseCorrection, CaseEventRow
from backend.applications.commitments import Commitment
from backend.applications.errors import AnswersIncomplete, ApplicationClosed, FilesPending, NotConfirmed
from backend.applications.form_queries import Filing
from backend.applications.forms import Answers, Form
from backend.applications.materials import Requirement
from backend.applications.models import Application, ApplicationVersion
from backend.applications.states import EDITABLE, ApplicationEvent, ApplicationState, CaseEvent, CaseState
from backend.catalogue.values import Item
from backend.core import audit, clock, db
from backend.core.errors import FieldError, LevelRequired
from backend.core.states import record_event, transition
from backend.identity import queries as identity
from backend.province.kinds import Kind

REAL_NAME: Final = 2
"""Nobody files without a real-name level (seed-map 3.1)."""


@dataclass(frozen=True)
class Checked:
    """An application as it would be submitted now."""

    form: Form
    answers: Answers
    asked: list[Requirement]
    commitment: Commitment | None
    problems: list[FieldError]


def check(session: Session, application: Application, item: Item) -> Checked:
    """Answers with what the profile knows, without hidden questions; materials asked for; and what is wrong."""
    letter = commitments.of(session, application, item)
    form = commitments.form_of(session, application, letter)
    typed = profile.opened(application)
    answers = forms.shown(form, {**typed, **profile.known(session, application, form)})
    asked = materials.requirements(session, item, form, answers, application)
    wrong = [*forms.problems(form, answers), *materials.problems(asked), *commitments.problems(letter)]
    return Checked(form, answers, asked, letter, wrong)


def submit(session: Session, application: Application, *, actor: str) -> Case:
    """Hand it in; the caller holds the application's lock. A repeat gets the case that is there.

    Raises LevelRequired, NotConfirmed, AnswersIncomplete, FilesPending, ApplicationClosed, ItemEnded, NotFiledOnline.
    """
    case = case_of(session, application.id)
    if application.state == ApplicationState.SUBMITTED and case is not None:
        return case
    if application.state not in EDITABLE:
        raise ApplicationClosed()
    item, filing = form_queries.item_of(session, application.item_slug)
    _demand_identity(session, application, item)
    found = check(session, application, item)
    if any(given.state in materials.PENDING for one in found.asked for given in one.given):
        raise FilesPending()
    if found.problems:
        raise AnswersIncomplete(errors=found.problems)
    application.answers = profile.sealed(application, found.answers)
    session.flush()
    _keep_version(session, application, found, actor)
    transition(session, application, ApplicationEvent.SUBMIT, actor=actor)
    if case is None:
        form_queries.demand_online(item, filing)
        return _open_case(session, application, item, filing, found, actor)
    return _resubmit(session, case, actor)


def case_of(session: Session, application_id: UUID) -> Case | None:
    """The case of an application, once it was submitted."""
    return session.scalars(select(Case).where(Case.application_id == application_id)).one_or_none()


def receive(session: Session, case: Case, *, actor: str, repeated: bool = False) -> None:
    """收件: papers and answers are complete enough to be judged; the five days of telling begin."""
    case.received_on = clock.today()
    case.accept_by = case_clock.day_after(session, case.received_on, clocks.TELL_DAYS)
    case.reply_by = None
    moves.move(session, case, CaseEvent.RESUBMIT if repeated else CaseEvent.RECEIVE, actor=actor)


def _demand_identity(session: Session, application: Application, item: Item) -> None:
    needed = max(REAL_NAME, item.booking.level)
    level = identity.person(session, application.filer_id).level
    if application.channel == "online" and level < needed:
        raise LevelRequired(required_level=needed, level=level)
    if application.channel == "partner" and application.confirmed_at is None:
        raise NotConfirmed()


def _open_case(
    session: Session, application: Application, item: Item, filing: Filing, found: Checked, actor: str
) -> Case:
    number, short = numbers.next_numbers(session, item.code, clock.today())
    law = clocks.JOINT_DAYS if filing.joint else (item.law_days or clocks.DECISION_DAYS)
    now = clock.now()
    case = Case(
        id=db.new_id(),
        state=CaseState.SUBMITTED,
        state_at=now,
        application_id=application.id,
        number=number,
        short_number=short,
        item_slug=item.slug,
        item_version=item.version,
        instant=item.instant,
        joint=filing.joint,
        law_days=law,
        promise_days=min(item.promise_days or law, law),
        person_id=application.person_id,
        filer_id=application.filer_id,
        organisation_id=application.organisation_id,
        channel=application.channel,
        mode="full" if filing.mode == "full" else "split",
        hall_code=application.hall_code or application.wanted_hall or filing.owner_hall,
        filed_hall=application.hall_code,
        submitted_at=now,
        delivery=application.delivery,
        delivery_consent_at=application.delivery_consent_at,
        pickup_hall=application.pickup_hall,
        fee_state="later" if fees.lines(item, found.form, found.answers, clock.today()) else "none",
        fee_blocks=filing.fee_blocks,
    )
    session.add(case)
    session.flush()
    record_event(session, CaseEventRow, case.id, None, CaseState.SUBMITTED, CaseEvent.SUBMIT, actor=actor)
    audit.record(
        session, actor=actor, action="case.submitted", object_type="case", object_id=case.id, hall_code=case.hall_code
    )
    visits.follow(session, case)
    moves.tell_province(session, case, Kind.CASE, event=str(CaseEvent.SUBMIT))
    notices.tell(session, case, "case_received")
    if filing.mode == "full" or application.channel == "window":
        receive(session, case, actor=actor)
    return case


def _resubmit(session: Session, case: Case, actor: str) -> Case:
    """What was asked for has come: before acceptance back to the front desk, with a new five days."""
    kind = "correct" if case.state == CaseState.CORRECTING else "return"
    told = session.get_one(CaseCorrection, (case.id, kind))
    told.answered_at = clock.now()
    if kind == "correct":
        receive(session, case, actor=actor, repeated=True)
    else:
        case.reply_by = None
        moves.move(session, case, CaseEvent.RESUBMIT, actor=actor)
    audit.record(
        session, actor=actor, action="case.resubmitted", object_type="case", object_id=case.id, hall_code=case.hall_code
    )
    notices.tell(session, case, "case_received", key=told.kind)
    return case


def _keep_version(session: Session, application: Application, found: Checked, actor: str) -> None:
    last = session.scalar(
        select(func.max(ApplicationVersion.number)).where(ApplicationVersion.application_id == application.id)
    )
    number = (last or 0) + 1
    parts = [repr(sorted(found.answers.items()))]
    parts += [f"{one.material.id}:{given.kind}:{given.digest}" for one in found.asked for given in one.given]
    if found.commitment is not None:
        parts.append(f"{found.commitment.letter.code}:{found.commitment.letter.version}")
    text = profile.sealed_version(application, number, found.answers)
    session.add(
        ApplicationVersion(
            application_id=application.id,
            number=number,
            answers=text,
            digest=hashlib.sha256("\n".join(parts).encode()).digest(),
            submitted_by=actor,
            submitted_at=clock.now(),
        )
    )
    session.flush()

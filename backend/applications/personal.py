"""个人信息: applications and cases. A case is a record of the office: its class outlives the account."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from backend.applications import drafts, form_queries, profile
from backend.applications.case_models import (
    Case,
    CaseCorrection,
    CaseEventRow,
    CaseMessage,
    CasePart,
    CasePartEventRow,
    CaseTransfer,
    CaseTransferEventRow,
    MaterialDemand,
)
from backend.applications.issuing import RESULT
from backend.applications.materials import APPLICATION
from backend.applications.models import (
    Application,
    ApplicationEventRow,
    ApplicationVersion,
    CommitmentSignature,
    FilingCode,
)
from backend.applications.states import FINAL, UNDECIDED, ApplicationState, CaseState
from backend.applications.threads import CASE
from backend.catalogue import queries as catalogue
from backend.core import clock, holds, retention
from backend.core.errors import Text
from backend.core.personal import Blocker, Part, People, Section
from backend.credit import personal as credit
from backend.files import service as files
from backend.licences import personal as licences

CONCLUDED: Final = (CaseState.DELIVERED,)
ENDED: Final = tuple(state for state in FINAL if state not in CONCLUDED)


def purge(session: Session, limit: int) -> int:
    """Empty cases whose class is over; their number. Number, item, hall and dates stay for the figures."""
    over = or_(
        Case.state.in_(CONCLUDED) & (Case.state_at < retention.before("cases")),
        Case.state.in_(ENDED) & (Case.state_at < retention.before("cases_ended")),
    )
    spared = holds.spares(holds.PERSON, Case.person_id, Case.filer_id), holds.spares(holds.CASE, Case.id)
    query = select(Case).where(Case.emptied_at.is_(None), over, *spared).order_by(Case.state_at).limit(limit)
    found = session.scalars(query.with_for_update(skip_locked=True)).all()
    for case in found:
        _empty(session, case)
    return len(found)


def _empty(session: Session, case: Case) -> None:
    application = session.get_one(Application, case.application_id)
    for kind, subject in ((APPLICATION, application.id), (CASE, case.id), (RESULT, case.id)):
        files.remove_all(session, kind, str(subject))
    licences.forget(session, APPLICATION, str(application.id))
    application.answers, application.from_earlier = profile.sealed(application, {}), []
    case.reason, case.emptied_at = None, clock.now()
    session.flush()
    credit.forget(session, case.id)
    session.execute(delete(CommitmentSignature).where(CommitmentSignature.application_id == application.id))
    demands = update(MaterialDemand).where(MaterialDemand.case_id == case.id)
    session.execute(demands.where(MaterialDemand.settled_words.is_not(None)).values(settled_words=""))
    session.execute(delete(ApplicationVersion).where(ApplicationVersion.application_id == application.id))
    for table in (CaseMessage, CaseCorrection):
        session.execute(delete(table).where(table.case_id == case.id))
    session.execute(update(CasePart).where(CasePart.case_id == case.id).values(opinion=None))
    session.execute(update(CaseTransfer).where(CaseTransfer.case_id == case.id).values(reason=""))
    _forget_reasons(session, ApplicationEventRow, [application.id])
    _forget_reasons(session, CaseEventRow, [case.id])
    for events, owner in ((CasePartEventRow, CasePart), (CaseTransferEventRow, CaseTransfer)):
        _forget_reasons(session, events, session.scalars(select(owner.id).where(owner.case_id == case.id)).all())


def _forget_reasons(session: Session, events: Any, ids: Any) -> None:
    retention.purging(session)
    told = events.entity_id.in_(ids), events.reason.is_not(None)
    session.execute(update(events).where(*told).values(reason=None).execution_options(synchronize_session=False))


def _gives(session: Session, people: People) -> list[Section]:
    mine = or_(Application.person_id.in_(people), Application.filer_id.in_(people))
    applications = session.scalars(select(Application).where(mine).order_by(Application.created_at)).all()
    cases = session.scalars(select(Case).where(_of(people)).order_by(Case.submitted_at)).all()
    said = session.scalars(
        select(CaseMessage).where(CaseMessage.case_id.in_([one.id for one in cases])).order_by(CaseMessage.at)
    )
    numbers = {one.id: one.short_number for one in cases}
    return [
        Section(
            "applications",
            Text("申请", "Applications"),
            [
                {
                    "item": _item(session, one.item_slug),
                    "state": one.state,
                    "created_at": one.created_at,
                    "answers": _answers(session, one),
                }
                for one in applications
            ],
        ),
        Section(
            "cases",
            Text("办件", "Cases"),
            [
                {
                    "number": one.short_number,
                    "item": _item(session, one.item_slug),
                    "state": one.state,
                    "submitted_at": one.submitted_at,
                    "decided_on": one.decided_on,
                    "document": one.decision_document,
                    "reason": one.reason,
                }
                for one in cases
            ],
        ),
        Section(
            "case_messages",
            Text("办件沟通", "Messages about cases"),
            [
                {"at": one.at, "number": numbers[one.case_id], "from_you": one.side == "citizen", "words": one.words}
                for one in said
            ],
        ),
    ]


def _answers(session: Session, application: Application) -> list[dict[str, Any]]:
    """Question by question, in the words of the form."""
    form = form_queries.version_of(session, application.form_item, application.form_version)
    asked = {field["name"]: Text(**field["label"]) for field in form.fields() if "label" in field}
    given = profile.opened(application)
    return [{"question": asked.get(name, Text(name, name)), "answer": value} for name, value in given.items()]


def _item(session: Session, slug: str) -> Text:
    return catalogue.item(session, slug).name


def _of(people: People) -> ColumnElement[bool]:
    return or_(Case.person_id.in_(people), Case.filer_id.in_(people))


def _blocks(session: Session, people: People) -> list[Blocker]:
    """Cases that are not over: closing the account would leave nobody to answer to, or to give the result to."""
    query = select(Case).where(_of(people), Case.state.not_in(FINAL)).order_by(Case.submitted_at)
    return [
        Blocker(
            "case",
            Text(f"办件 {one.short_number} 还没有办结", f"Case {one.short_number} is not concluded")
            if one.state not in UNDECIDED
            else Text(
                f"办件 {one.short_number} 正在办理，可以撤回", f"Case {one.short_number} is under way; withdraw it"
            ),
            f"/cases/{one.id}",
        )
        for one in session.scalars(query)
    ]


def _erases(session: Session, people: People) -> None:
    """Drafts go at once. What was handed in stays with its case, under the case's class."""
    mine = or_(Application.person_id.in_(people), Application.filer_id.in_(people))
    opened = select(Application).where(mine, Application.state == ApplicationState.OPEN).with_for_update()
    for application in session.scalars(opened):
        drafts.discard(session, application, actor="system")
    session.execute(delete(FilingCode).where(FilingCode.person_id.in_(people)))


def _keeps(session: Session, people: People) -> bool:
    query = select(Case.id).where(_of(people), Case.emptied_at.is_(None)).limit(1)
    return session.scalar(query) is not None


def lost_under_hold(session: Session) -> list[UUID]:
    """Cases that were emptied although they, or their people, are held, for `make doctor`."""
    held = holds.held_since(holds.CASE, Case.id, Case.emptied_at) | holds.held_since(
        holds.PERSON, Case.person_id, Case.emptied_at
    )
    return list(session.scalars(select(Case.id).where(Case.emptied_at.is_not(None), held)))


PART = Part("applications", gives=_gives, erases=_erases, blocks=_blocks, keeps=_keeps, purges=purge)

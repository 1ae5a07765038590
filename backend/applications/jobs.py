"""What happens to applications and cases by time alone. Each is safe to run twice."""

import logging
from collections.abc import Callable
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from backend.applications import case_clock, drafts, front, review, transfers
from backend.applications.case_models import Case, CaseSpecial
from backend.applications.states import CaseState
from backend.core import clock
from backend.core.config import Settings
from backend.core.db import transaction

log = logging.getLogger(__name__)

BATCH = 100


def expire_applications() -> None:
    """Applications nobody touched for thirty days lose their answers."""
    while True:
        with transaction() as session:
            if len(drafts.expire(session)) < drafts.EXPIRE_BATCH:
                return


def accept_silent(settings: Settings) -> None:
    """Five working days without a word: accepted as of the day the papers came (行政许可法 32)."""
    _each(
        (Case.state == CaseState.RECEIVED) & (Case.accept_by < clock.today()),
        lambda session, case: front.accept_by_silence(session, case, region_code=settings.pay_region),
    )


def lapse_unanswered() -> None:
    """What applicants were asked for did not come in time."""
    waiting = (CaseState.CORRECTING, CaseState.PRE_RETURNED, CaseState.PRE_APPROVED)
    _each(Case.state.in_(waiting) & (Case.reply_by < clock.today()), front.lapse)


def end_special_steps() -> None:
    """Steps that have used their days: the clock goes on."""
    used = select(CaseSpecial.case_id).where(CaseSpecial.ended_on.is_(None), CaseSpecial.ends_by < clock.today())
    _each((Case.state == CaseState.SPECIAL) & Case.id.in_(used), review.end_overdue_step)


def recount_unknown() -> None:
    """Due dates that waited for a year's calendar."""
    unknown = Case.state.in_(case_clock.RUNNING) & Case.law_due_on.is_(None)

    def recount(session: Session, case: Case) -> None:
        case_clock.recount(session, case)
        case_clock.note_owed(session, case)

    _each(unknown, recount)


def warn_transfers() -> None:
    """Papers that nobody signed for in time: one alarm each."""
    with transaction() as session:
        for case_id in transfers.overdue(session, BATCH):
            log.warning("case_transfer_overdue", extra={"case": str(case_id)})


def warn_overdue() -> None:
    """Once a day: how many cases each hall owes too long."""
    with transaction() as session:
        rows = session.execute(
            select(Case.hall_code, func.count()).where(Case.owed_on < clock.today()).group_by(Case.hall_code)
        ).all()
    for hall_code, count in rows:
        log.warning("cases_overdue", extra={"hall": hall_code, "count": count})


def _each(wanted: ColumnElement[bool], act: Callable[[Session, Case], None]) -> None:
    """Every such case once, each in a transaction of its own; one that somebody else holds waits for the next run."""
    with transaction() as session:
        ids: list[UUID] = list(session.scalars(select(Case.id).where(wanted).order_by(Case.id)))
    for case_id in ids:
        with transaction() as session:
            query = select(Case).where(Case.id == case_id, wanted).with_for_update(skip_locked=True)
            case = session.scalars(query).one_or_none()
            if case is not None:
                act(session, case)

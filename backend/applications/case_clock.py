"""The clocks of one case, from the calendar and the steps it has taken."""

from collections.abc import Callable
from datetime import date
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.applications import clocks
from backend.applications.case_models import Case, CaseSpecial
from backend.applications.clocks import Colour, Marks, Pause
from backend.applications.states import CaseState
from backend.core import calendar, clock

T = TypeVar("T")
RUNNING = (CaseState.ACCEPTED, CaseState.REVIEWING, CaseState.SPECIAL)
"""The promise runs, or a special step holds it."""


def workday(session: Session) -> clocks.IsWorkday:
    """Whether halls work on a day; raises CalendarNotLoaded."""
    return lambda day: calendar.is_workday(session, day)


def day_after(session: Session, start: date, count: int) -> date | None:
    """The `count`-th working day after `start`; None until that year's calendar is published."""
    return _known(lambda: clocks.nth_workday(workday(session), start, count))


def pauses(session: Session, case: Case) -> list[Pause]:
    """The special steps of a case."""
    rows = session.scalars(select(CaseSpecial).where(CaseSpecial.case_id == case.id).order_by(CaseSpecial.began_on))
    return [Pause(row.began_on, row.ended_on, row.days) for row in rows]


def recount(session: Session, case: Case) -> None:
    """Write the dates that follow from acceptance, steps and extension.

    The promise of a case that waits for its fee begins when that is paid; the law's limit does not wait.
    """
    if case.accepted_on is None:
        return
    began, stopped, works = case.accepted_on, pauses(session, case), workday(session)
    waited = case.paid_on if case.fee_blocks == "review" and case.paid_on else began
    extended = case.extended_days
    promise: Marks | None = _known(
        lambda: clocks.marks(works, max(began, waited), case.promise_days + extended, stopped)
    )
    law: Marks | None = _known(lambda: clocks.marks(works, began, case.law_days + extended, stopped))
    case.half_on = promise.half_on if promise else None
    case.eighty_on = promise.eighty_on if promise else None
    case.promise_due_on = promise.due_on if promise else None
    case.law_due_on = law.due_on if law else None
    session.flush()


def days_used(session: Session, case: Case) -> int | None:
    """Working days used, until the decision or today; None before acceptance, or while the calendar is missing."""
    began, until = case.accepted_on, case.decided_on or clock.today()
    if began is None:
        return None
    works, stopped = workday(session), pauses(session, case)
    return _known(lambda: clocks.days_used(works, began, until, stopped))


def colour(case: Case) -> Colour | None:
    """The colour of what is owed next; None when nothing is. Telling and delivery turn orange on their last day."""
    if case.owed_on is None:
        return None
    running = case.state in RUNNING and case.half_on is not None and case.eighty_on is not None
    half, eighty = (case.half_on, case.eighty_on) if running else (case.owed_on, case.owed_on)
    return clocks.colour(Marks(half or case.owed_on, eighty or case.owed_on, case.owed_on), clock.today())


def note_owed(session: Session, case: Case) -> None:
    """Write by when staff owe the next thing, after every step; nothing while the applicant or nobody acts."""
    case.owed_on = {
        **dict.fromkeys((CaseState.SUBMITTED, CaseState.RECEIVED), case.accept_by),
        **dict.fromkeys((CaseState.ACCEPTED, CaseState.REVIEWING, CaseState.SPECIAL), case.promise_due_on),
        **dict.fromkeys((CaseState.GRANTED, CaseState.DENIED, CaseState.CONCLUDED), case.deliver_by),
    }.get(case.state)
    session.flush()


def _known(find: Callable[[], T]) -> T | None:
    try:
        return find()
    except calendar.CalendarNotLoaded:
        return None

"""Rating once, adding words once, answering bad ratings in time, and setting one aside only after review."""

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import audit, calendar, clock, db
from backend.core.errors import Conflict, NotFound, Text
from backend.core.states import record_event, transition
from backend.ratings.models import FollowUp, FollowUpEvent, Rating
from backend.ratings.states import Event, State
from notify.service import notify

BAD = 2
"""This grade or worse opens a follow-up."""

ANSWER_WORKDAYS = 15
SUPPLEMENT_DAYS = 30


class RatedAlready(Conflict):
    """One service, one rating."""

    code = "rated_already"
    title = Text("这次服务你已经评过了", "You have rated this visit already")


class CannotSupplement(Conflict):
    """Words are added once, within thirty days, to one's own rating."""

    code = "cannot_supplement"
    title = Text("现在不能再补充评价", "No more words can be added to this rating")


def rate(
    session: Session,
    *,
    subject_type: str,
    subject_id: str,
    hall_code: str,
    person_id: UUID | None,
    grade: int,
    words: str | None,
) -> Rating:
    """评价 with grade 1 to 5 (5 is best); a bad one opens a follow-up at once. Raises RatedAlready."""
    made = session.scalar(
        insert(Rating)
        .values(
            id=db.new_id(),
            subject_type=subject_type,
            subject_id=subject_id,
            hall_code=hall_code,
            person_id=person_id,
            grade=grade,
            words=words,
            at=clock.now(),
        )
        .on_conflict_do_nothing()
        .returning(Rating.id)
    )
    if made is None:
        raise RatedAlready()
    rating = session.get_one(Rating, made)
    if grade <= BAD:
        _open_follow_up(session, rating)
    return rating


def supplement(session: Session, *, subject_type: str, subject_id: str, words: str) -> Rating:
    """追评: more words, once. Raises NotFound and CannotSupplement."""
    rating = _of(session, subject_type, subject_id)
    if rating is None:
        raise NotFound()
    if not can_supplement(rating):
        raise CannotSupplement()
    rating.supplement, rating.supplemented_at = words, clock.now()
    session.flush()
    return rating


def can_supplement(rating: Rating) -> bool:
    """Whether words may still be added."""
    recent = clock.now() < rating.at + timedelta(days=SUPPLEMENT_DAYS)
    return rating.supplement is None and rating.invalid_at is None and recent


def answer(session: Session, *, follow_up_id: UUID, hall_code: str, staff_actor: str, words: str) -> FollowUp:
    """What the hall did about it; the citizen is told. Raises NotFound and InvalidTransition."""
    found = session.scalars(
        select(FollowUp).where(FollowUp.id == follow_up_id, FollowUp.hall_code == hall_code).with_for_update()
    ).one_or_none()
    if found is None:
        raise NotFound()
    found.answer = words
    session.flush()
    transition(session, found, Event.ANSWER, actor=staff_actor, reason=words)
    _record(session, found.rating_id, hall_code, staff_actor, "rating.answered", words)
    rating = session.get_one(Rating, found.rating_id)
    if rating.person_id is not None:
        notify(
            session,
            person_id=rating.person_id,
            template="rating_answered",
            params={"answer": words},
            subject_type=rating.subject_type,
            subject_id=rating.subject_id,
            link=None,
            dedupe_key=f"rating_answered:{rating.id}",
        )
    return found


def set_aside(session: Session, *, rating_id: UUID, staff_actor: str, reason: str) -> Rating:
    """A rating that is not about the service counts no more, after review, with a reason; it is not deleted."""
    rating = session.scalars(select(Rating).where(Rating.id == rating_id).with_for_update()).one_or_none()
    if rating is None:
        raise NotFound()
    if rating.invalid_at is not None:
        return rating
    rating.invalid_at, rating.invalid_reason = clock.now(), reason
    session.flush()
    task = session.scalars(
        select(FollowUp).where(FollowUp.rating_id == rating_id, FollowUp.state != State.VOIDED).with_for_update()
    ).one_or_none()
    if task is not None:
        transition(session, task, Event.VOID, actor=staff_actor, reason=reason)
    _record(session, rating.id, rating.hall_code, staff_actor, "rating.set_aside", reason)
    return rating


def of_subject(session: Session, subject_type: str, subject_id: str) -> Rating | None:
    """The rating of a visit or case."""
    query = select(Rating).where(Rating.subject_type == subject_type, Rating.subject_id == subject_id)
    return session.scalars(query).one_or_none()


def due_on(session: Session, opened: date) -> date:
    """The last day to answer: fifteen working days later. Beyond the loaded calendar, three weeks."""
    try:
        return calendar.add_workdays(session, opened, ANSWER_WORKDAYS)
    except calendar.CalendarNotLoaded:
        return opened + timedelta(weeks=3)


def _of(session: Session, subject_type: str, subject_id: str) -> Rating | None:
    query = select(Rating).where(Rating.subject_type == subject_type, Rating.subject_id == subject_id)
    return session.scalars(query.with_for_update()).one_or_none()


def _open_follow_up(session: Session, rating: Rating) -> None:
    task = FollowUp(
        id=db.new_id(),
        state=State.OPEN,
        state_at=clock.now(),
        rating_id=rating.id,
        hall_code=rating.hall_code,
        opened_at=clock.now(),
        due_on=due_on(session, clock.today()),
    )
    session.add(task)
    session.flush()
    record_event(session, FollowUpEvent, task.id, None, State.OPEN, Event.START, actor="system")


def _record(session: Session, rating_id: UUID, hall_code: str, actor: str, action: str, reason: str) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="rating",
        object_id=rating_id,
        hall_code=hall_code,
        reason=reason,
    )

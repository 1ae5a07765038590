"""What a visit is for: the cases that applications tell of, the one a visit carries, and 先审后约."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.appointments import errors
from backend.appointments.models import Appointment, AppointmentLine, VisitMatter
from backend.appointments.states import OPEN, State
from backend.catalogue.values import BookableItem
from backend.core import audit, clock, db
from backend.core.errors import FieldError, NotFound, Text


def note(
    session: Session,
    matter_id: UUID,
    *,
    item_slug: str,
    person_id: UUID,
    filer_id: UUID,
    case_id: UUID | None = None,
    number: str | None = None,
    checked: bool | None = None,
    still_open: bool = True,
) -> None:
    """Write down an application or its case as it is now; `checked` None leaves the mark 材料已预审 as it was."""
    now = clock.now()
    about: dict[str, Any] = {"case_id": case_id, "number": number, "open": still_open}
    made = insert(VisitMatter).values(
        id=matter_id,
        item_slug=item_slug,
        person_id=person_id,
        filer_id=filer_id,
        checked_at=now if checked else None,
        **about,
    )
    if checked is not None:
        about["checked_at"] = func.coalesce(VisitMatter.checked_at, now) if checked else None
    session.execute(made.on_conflict_do_update(index_elements=[VisitMatter.id], set_=about))


def close(session: Session, matter_id: UUID) -> None:
    """No visit for it makes sense any more."""
    session.execute(update(VisitMatter).where(VisitMatter.id == matter_id).values(open=False))


def body(session: Session, matter_id: UUID | None) -> dict[str, Any] | None:
    """The shape `VisitMatter` of the API."""
    if matter_id is None:
        return None
    found = session.get_one(VisitMatter, matter_id, populate_existing=True)
    return {
        "application_id": found.id,
        "case_id": found.case_id,
        "number": found.number,
        "checked": found.checked_at is not None,
    }


def of_visit(
    session: Session, matter_id: UUID | None, items: Sequence[BookableItem], *, booker_id: UUID, person_id: UUID
) -> UUID | None:
    """The case an online booking is for: the one named, or one whose papers were checked where an item asks for that.

    Raises MatterDoesNotFit, MatterHasVisit, and PreCheckNeeded for an item whose papers nobody has looked at. Bookings
    by staff and at devices do not come here, and tickets never do (circular, clause 12).
    """
    named = _named(session, matter_id, booker_id=booker_id, person_id=person_id) if matter_id else None
    if named is not None and named.item_slug not in {item.slug for item in items}:
        raise _unfit()
    for item in items:
        if item.pre_check:
            named = _checked(session, item.slug, named, person_id)
    return named.id if named else None


def attach(session: Session, *, booker_id: UUID, appointment_id: UUID, matter_id: UUID) -> None:
    """A booked visit is for this application from now on; a repeat changes nothing.

    Raises NotFound, MatterDoesNotFit, MatterHasVisit.
    """
    mine = select(Appointment).where(Appointment.id == appointment_id, Appointment.booker_id == booker_id)
    found = session.scalars(mine.with_for_update()).one_or_none()
    if found is None:
        raise NotFound()
    if found.matter_id == matter_id:
        return
    matter = session.get_one(VisitMatter, matter_id, populate_existing=True)
    ordered = exists().where(AppointmentLine.appointment_id == found.id, AppointmentLine.item_slug == matter.item_slug)
    another = found.matter_id and session.get_one(VisitMatter, found.matter_id, populate_existing=True).open
    fits = matter.open and matter.person_id == found.person_id and session.scalar(select(ordered))
    if found.state is not State.BOOKED or another or not fits:
        raise _unfit()
    found.matter_id = matter_id
    with one_visit():
        session.flush()
    audit.record(
        session,
        actor=f"person:{booker_id}",
        action="appointment.for_case",
        object_type="appointment",
        object_id=found.id,
        hall_code=found.hall_code,
        data={"application": str(matter_id)},
    )


def coming(session: Session, matter_id: UUID) -> Sequence[Appointment]:
    """The visits for a case that are booked or under way, soonest first."""
    theirs = Appointment.matter_id == matter_id, Appointment.state.in_(OPEN)
    return session.scalars(select(Appointment).where(*theirs).order_by(Appointment.start)).all()


def let_go_if_booked_again(session: Session, found: Appointment) -> None:
    """A check-in is taken back, and its case has been booked anew since: this visit is for no case then."""
    again = exists().where(Appointment.matter_id == found.matter_id, Appointment.state == State.BOOKED)
    if found.matter_id is not None and session.scalar(select(again)):
        found.matter_id = None


@contextmanager
def one_visit() -> Iterator[None]:
    """Raises MatterHasVisit where the partial unique index refuses: a visit for this case is booked already."""
    try:
        yield
    except IntegrityError as error:
        if db.sqlstate(error) == "23505":
            raise errors.MatterHasVisit() from None
        raise


def _named(session: Session, matter_id: UUID, *, booker_id: UUID, person_id: UUID) -> VisitMatter:
    found = session.get(VisitMatter, matter_id, populate_existing=True)
    if found is None or booker_id not in (found.filer_id, found.person_id):
        raise _unfit()
    if found.person_id != person_id or not found.open:
        raise _unfit()
    booked = select(Appointment.id).where(Appointment.matter_id == matter_id, Appointment.state == State.BOOKED)
    there = session.scalar(booked)
    if there is not None:
        raise errors.MatterHasVisit(appointment_id=str(there))
    return found


def _checked(session: Session, slug: str, named: VisitMatter | None, person_id: UUID) -> VisitMatter:
    """The named case when it is this item's; else the newest of the person's that was checked and is not booked."""
    if named is not None and named.item_slug == slug:
        if named.checked_at is None:
            raise errors.PreCheckNeeded(item=slug)
        return named
    booked = exists().where(Appointment.matter_id == VisitMatter.id, Appointment.state == State.BOOKED)
    found = session.scalars(
        select(VisitMatter)
        .where(VisitMatter.person_id == person_id, VisitMatter.item_slug == slug)
        .where(VisitMatter.checked_at.is_not(None), VisitMatter.open, ~booked)
        .order_by(VisitMatter.checked_at.desc())
        .limit(1)
    ).one_or_none()
    if found is None:
        raise errors.PreCheckNeeded(item=slug)
    return named or found


def _unfit() -> errors.MatterDoesNotFit:
    words = Text("请从自己的办件里重新预约", "Book again from your own case")
    return errors.MatterDoesNotFit(errors=[FieldError("/application_id", words)])

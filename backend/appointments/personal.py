"""个人信息: appointments, missed visits and appeals."""

from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from backend.appointments import quotas, service
from backend.appointments.conduct_models import ConductEvent, ConductMark
from backend.appointments.models import Appointment, AppointmentEvent, AppointmentLine, AppointmentSlot
from backend.appointments.states import Event, State
from backend.catalogue import queries as catalogue
from backend.core import clock, holds, retention
from backend.core.errors import Text
from backend.core.personal import Blocker, Part, People, Section
from backend.core.states import transition

ACTOR = "system"
ENDED_BY = "account_closed"


def purge(session: Session, limit: int) -> int:
    """Delete appointments two years old, with their marks; their number. Their check-ins and tickets went before."""
    old = list(
        session.scalars(
            select(Appointment.id)
            .where(Appointment.day < clock.civil(retention.before("visits")).date())
            .where(holds.spares(holds.PERSON, Appointment.person_id, Appointment.booker_id))
            .order_by(Appointment.day)
            .limit(limit)
        )
    )
    retention.purging(session)
    marks = list(session.scalars(select(ConductMark.id).where(ConductMark.appointment_id.in_(old))))
    session.execute(update(Appointment).where(Appointment.rescheduled_to.in_(old)).values(rescheduled_to=None))
    for table, which in (
        (ConductEvent, ConductEvent.entity_id.in_(marks)),
        (ConductMark, ConductMark.id.in_(marks)),
        (AppointmentLine, AppointmentLine.appointment_id.in_(old)),
        (AppointmentSlot, AppointmentSlot.appointment_id.in_(old)),
        (AppointmentEvent, AppointmentEvent.entity_id.in_(old)),
        (Appointment, Appointment.id.in_(old)),
    ):
        session.execute(delete(table).where(which).execution_options(synchronize_session=False))
    return len(old)


def has_visits(session: Session, people: People) -> bool:
    """Whether an appointment of theirs has not outlived its class."""
    return session.scalar(select(Appointment.id).where(_of(people)).limit(1)) is not None


def _of(people: People) -> ColumnElement[bool]:
    return or_(Appointment.person_id.in_(people), Appointment.booker_id.in_(people))


def _gives(session: Session, people: People) -> list[Section]:
    visits = session.scalars(select(Appointment).where(_of(people)).order_by(Appointment.start)).all()
    marks = session.scalars(select(ConductMark).where(ConductMark.person_id.in_(people)).order_by(ConductMark.at))
    return [
        Section("visits", Text("预约", "Appointments"), [_visit(session, one) for one in visits]),
        Section(
            "marks",
            Text("守约记录", "Missed visits"),
            [
                {
                    "at": one.at,
                    "kind": one.kind,
                    "state": one.state,
                    "words": one.appeal_reason,
                    "answer": one.appeal_answer,
                }
                for one in marks
            ],
        ),
    ]


def _visit(session: Session, one: Appointment) -> dict[str, Any]:
    slugs = session.scalars(select(AppointmentLine.item_slug).where(AppointmentLine.appointment_id == one.id))
    names = [catalogue.item(session, slug).name for slug in slugs]
    return {
        "start": one.start,
        "hall": catalogue.hall(session, one.hall_code).name,
        "item": Text("、".join(name.zh for name in names), ", ".join(name.en for name in names)),
        "state": one.state,
        "code": one.code,
        "ticket": one.ticket_number,
        "created_at": one.created_at,
    }


def _blocks(session: Session, people: People) -> list[Blocker]:
    """A visit that is going on in the hall; what is only booked is cancelled with the account."""
    query = select(Appointment).where(_of(people), Appointment.state == State.CHECKED_IN)
    words = Text("你正在大厅办事，办完再注销", "You are being served in a hall; close the account afterwards")
    return [Blocker("visit", words, f"/appointments/{one.id}") for one in session.scalars(query)]


def _erases(session: Session, people: People) -> None:
    """Coming visits end and give their places back; what was typed goes. What remains: which opaque id came when."""
    query = select(Appointment).where(_of(people), Appointment.state.in_([State.HELD, State.BOOKED]))
    for one in session.scalars(query.with_for_update().execution_options(populate_existing=True)):
        _end(session, one)
    ids = select(Appointment.id).where(_of(people))
    marks = select(ConductMark.id).where(ConductMark.person_id.in_(people))
    retention.purging(session)
    for events, owners in ((AppointmentEvent, ids), (ConductEvent, marks)):
        told = events.entity_id.in_(owners), events.reason.is_not(None)
        session.execute(update(events).where(*told).values(reason=None).execution_options(synchronize_session=False))
    appeals = update(ConductMark).where(ConductMark.person_id.in_(people))
    session.execute(appeals.values(appeal_reason=None, appeal_answer=None).execution_options(synchronize_session=False))


def _end(session: Session, one: Appointment) -> None:
    if one.state is State.HELD:
        transition(session, one, Event.RELEASE, actor=ACTOR, reason=ENDED_BY)
        quotas.give_back_held(session, service.slot_ids(session, one.id), one.channel)
    elif clock.now() <= one.end:
        service.cancel_found(session, one, actor=ACTOR, reason=ENDED_BY)
    else:
        transition(session, one, Event.MISS, actor=ACTOR, reason=ENDED_BY)


PART = Part("appointments", gives=_gives, erases=_erases, blocks=_blocks, purges=purge)

"""代约: staff book, move and cancel for somebody at the desk or on the phone, in their own hall."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.appointments import errors, rules, service
from backend.appointments.models import Appointment, SlotQuota
from backend.appointments.states import OPEN
from backend.core import audit, clock
from backend.core.errors import NotFound
from backend.identity import people
from backend.identity import queries as identity
from backend.identity import service as service_of_persons
from notify import queries as notices


@dataclass(frozen=True)
class Caller:
    """Who is served: a checked id number with the name on it, or the phone number they log in with."""

    id_number: str | None = None
    name: str | None = None
    phone: str | None = None


def identify(session: Session, caller: Caller, *, create: bool) -> UUID:
    """The person; `create` makes one for a new id number. Raises PersonUnknown and NameDiffers."""
    if caller.id_number and caller.name:
        if create:
            known: UUID | None = service_of_persons.create_unseen(session, id_number=caller.id_number, name=caller.name)
        else:
            known = people.by_document(session, caller.id_number)
    else:
        known = people.by_phone(session, caller.phone or "")
    if known is None:
        raise errors.PersonUnknown()
    if caller.name and not people.is_called(session, known, caller.name):
        raise errors.NameDiffers()
    return known


def book(
    session: Session,
    *,
    caller: Caller,
    hall_code: str,
    slot_id: UUID,
    slugs: Sequence[str],
    people_count: int,
    actor: str,
) -> Appointment:
    """Book at once from the hall's own places. Raises as `identify` and `service.book_at_once`."""
    person_id = identify(session, caller, create=True)
    return service.book_at_once(
        session,
        person_id=person_id,
        slot_id=slot_id,
        hall_code=hall_code,
        slugs=slugs,
        people=people_count,
        actor=actor,
        channel=_pool(session),
    )


def coming(
    session: Session, *, caller: Caller, hall_code: str | None, actor: str
) -> tuple[UUID, Sequence[Appointment]]:
    """Somebody's coming appointments, soonest first, in this hall or everywhere; looking is audited.

    Raises as `identify`.
    """
    person_id = identify(session, caller, create=False)
    audit.record(
        session,
        actor=actor,
        action="appointment.looked_up",
        object_type="person",
        object_id=person_id,
        hall_code=hall_code,
    )
    query = select(Appointment).where(Appointment.person_id == person_id, Appointment.end > clock.now())
    if hall_code is not None:
        query = query.where(Appointment.hall_code == hall_code)
    return person_id, session.scalars(query.where(Appointment.state.in_(OPEN)).order_by(Appointment.start)).all()


def cancel(session: Session, *, hall_code: str, appointment_id: UUID, reason: str, actor: str) -> Appointment:
    """Cancel for them, by the same cut-off. Raises NotFound for another hall's appointment, and AlreadyOver."""
    found = _locked(session, hall_code, appointment_id)
    service.cancel_found(session, found, actor=actor, reason=reason)
    return found


def reschedule(
    session: Session, *, hall_code: str, appointment_id: UUID, slot_id: UUID, reason: str, actor: str
) -> Appointment:
    """Move it within the hall's own places. Raises NotFound, and as `service.move`."""
    booker = session.scalar(
        select(Appointment.booker_id).where(Appointment.id == appointment_id, Appointment.hall_code == hall_code)
    )
    if booker is None:
        raise NotFound()
    rules.lock_person(session, booker)
    found = _locked(session, hall_code, appointment_id)
    return service.move(
        session, found, slot_id=slot_id, hall_code=hall_code, actor=actor, channel=_pool(session), reason=reason
    )


def is_reachable(session: Session, person_id: UUID) -> bool:
    """Whether a notice leaves the house; otherwise the code has to be written down."""
    return notices.has_contact(session, person_id)


def masked(session: Session, person_id: UUID) -> str | None:
    """张*"""
    return identity.masked_name(session, person_id)


def _pool(session: Session) -> Callable[[Sequence[UUID]], str]:
    """Places for staff where every slot has some, else the ones of everybody online."""

    def choose(slot_ids: Sequence[UUID]) -> str:
        shares = session.scalars(
            select(SlotQuota.capacity).where(SlotQuota.slot_id.in_(slot_ids), SlotQuota.channel == "staff")
        ).all()
        return "staff" if len(shares) == len(slot_ids) and all(shares) else service.ONLINE

    return choose


def _locked(session: Session, hall_code: str, appointment_id: UUID) -> Appointment:
    found = session.scalars(
        select(Appointment)
        .where(Appointment.id == appointment_id, Appointment.hall_code == hall_code)
        .where(Appointment.code.is_not(None))
        .with_for_update()
    ).one_or_none()
    if found is None:
        raise NotFound()
    return found

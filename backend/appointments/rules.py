"""Who may book what, where and when: the checks that a hold, a change and a booking by staff share."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import Table, bindparam, func, or_, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.appointments import errors, visits
from backend.appointments.models import Appointment, BookingPolicy, Slot
from backend.appointments.policy import closes_at, released_until
from backend.appointments.states import State
from backend.catalogue.queries import items_for_booking
from backend.catalogue.values import BookableItem
from backend.core import clock, db
from backend.core.errors import LevelRequired
from backend.core.prepared import Prepared

_TABLE = cast("Table", Appointment.__table__)
_COUNTS = Prepared(
    select(
        func.count().filter(_TABLE.c.state == State.HELD, _TABLE.c.expires_at > bindparam("now")),
        func.count().filter(_TABLE.c.state == State.BOOKED),
    ).where(_TABLE.c.booker_id == bindparam("booker_id"), _TABLE.c.end > bindparam("now"))
)
"""Live holds and coming appointments of one booker."""
_LOCK_PERSON = Prepared(text("SELECT pg_advisory_xact_lock(hashtextextended(:person, 0))"))


def bookable(
    session: Session, slugs: Sequence[str], slot: Slot, *, people: int, level: int
) -> tuple[BookableItem, ...]:
    """The items, if this slot's hall handles them all in one visit.

    Raises ItemEnded, ItemEnds, MixedCategories, NotHere, TooMany, LevelRequired.
    """
    items = items_for_booking(session, list(dict.fromkeys(slugs)), slot.day)
    if any(item.category_code != items[0].category_code for item in items):
        raise errors.MixedCategories()
    if any(slot.hall_code not in item.hall_codes for item in items) or items[0].category_code != slot.category_code:
        raise errors.NotHere()
    if people > min(item.max_people for item in items) or len(items) > min(item.max_items for item in items):
        raise errors.TooMany()
    required = max(1, *(item.level for item in items))
    if level < required:
        raise LevelRequired(required_level=required, level=level)
    return items


def consecutive(session: Session, first: Slot, items: Sequence[BookableItem], people: int) -> list[Slot]:
    """As many slots in a row as the items and people need."""
    minutes = visits.minutes_of(items, people)
    if first.end - first.start >= timedelta(minutes=minutes):
        return [first]
    query = (
        select(Slot)
        .where(Slot.hall_code == first.hall_code, Slot.category_code == first.category_code, Slot.day == first.day)
        .where(Slot.start >= first.start, Slot.open)
        .order_by(Slot.start)
    )
    row = visits.run(session.scalars(query).all(), 0, minutes, lambda slot: (slot.start, slot.end))
    if not row:
        raise errors.SlotClosed()
    return list(row)


def refuse_closed(session: Session, policy: BookingPolicy, slot: Slot) -> None:
    """Raises SlotClosed before the slot's release and after its closing time."""
    if slot.day > released_until(session, policy) or clock.now() > closes_at(policy, slot.start):
        raise errors.SlotClosed()


def lock_person(session: Session, person_id: UUID) -> None:
    """Limits per person are counted under this lock, so parallel requests see each other."""
    _LOCK_PERSON.run(session, {"person": str(person_id)})


def refuse_too_many(session: Session, booker_id: UUID, policy: BookingPolicy, *, new_hold: bool) -> None:
    """Live holds and coming appointments of a booker, counted under their lock. Raises TooManyHolds, TooManyOpen."""
    now = clock.now()
    [(held, booked)] = _COUNTS.run(session, {"booker_id": booker_id, "now": now})
    if new_hold and held >= policy.live_holds:
        raise errors.TooManyHolds()
    if booked >= policy.open_total:
        raise errors.TooManyOpen()


class one_a_day:  # noqa: N801 - reads as a statement
    """The partial unique index refused: the person has an appointment of this family that day."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, IntegrityError) and db.sqlstate(error) == "23505":
            raise errors.DuplicateBooking() from None


def times(policy: BookingPolicy, slot: Slot) -> dict[str, datetime]:
    """Cut-off and check-in window of a visit that starts with this slot."""
    return {
        "cancel_until": slot.start - timedelta(hours=policy.cancel_hours),
        "check_in_from": slot.start - timedelta(minutes=policy.early_minutes),
        "check_in_until": slot.start + timedelta(minutes=policy.grace_minutes),
    }


def refuse_too_many_principals(
    session: Session, booker_id: UUID, person_id: UUID, day: date, policy: BookingPolicy
) -> None:
    """Raises TooManyPrincipals when `person_id` would be one too many whom `booker_id` serves on `day`.

    Live holds count. Counted under the booker's lock, so parallel requests see each other.
    """
    if person_id == booker_id:
        return
    live = (Appointment.state == State.HELD) & (Appointment.expires_at > clock.now())
    others = session.scalar(
        select(func.count(Appointment.person_id.distinct()))
        .where(Appointment.booker_id == booker_id, Appointment.day == day)
        .where(Appointment.person_id.not_in([booker_id, person_id]))
        .where(or_(live, Appointment.state.in_((State.BOOKED, State.CHECKED_IN, State.FULFILLED))))
    )
    if (others or 0) >= policy.agent_principals:
        raise errors.TooManyPrincipals(limit=policy.agent_principals)

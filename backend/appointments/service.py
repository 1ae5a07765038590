"""Booking: hold → confirm, release, cancel, reschedule. The database decides every race."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from backend.appointments import errors, quotas
from backend.appointments.models import (
    Appointment,
    AppointmentEvent,
    AppointmentLine,
    AppointmentSlot,
    BookingPolicy,
    ReturnedPlace,
    Slot,
)
from backend.appointments.policy import closes_at, defaults, policy_for, released_until
from backend.appointments.queries import particulars
from backend.appointments.states import Event, State
from backend.catalogue.queries import hall, items_for_booking
from backend.catalogue.values import BookableItem
from backend.core import audit, clock, db
from backend.core.errors import LevelRequired, NotFound
from backend.core.states import record_event, transition
from backend.identity import queries as identity
from notify.service import notify

ONLINE = "online"
RETURN_DELAY_MINUTES = (5, 30)
"""A cancelled place comes back after a random delay, so that nobody can hand it to a buyer."""

_draw = secrets.SystemRandom()

_TABLE = cast("Table", Appointment.__table__)
_LINE = cast("Table", AppointmentLine.__table__)
_FILLED = cast("Table", AppointmentSlot.__table__)
_COLUMNS = tuple(_TABLE.columns.keys())
_LOCK_PERSON = text("SELECT pg_advisory_xact_lock(hashtextextended(:person, 0))")
_other = aliased(Appointment)
_BOOKED_BY_THEM = select(func.count()).where(
    _other.booker_id == bindparam("booker_id"), _other.state == State.BOOKED, _other.end > bindparam("now")
)
_HELD_BY_THEM = (
    select(Appointment, BookingPolicy, _BOOKED_BY_THEM.scalar_subquery())
    .outerjoin(
        BookingPolicy,
        (BookingPolicy.hall_code == Appointment.hall_code) & (BookingPolicy.category_code == Appointment.category_code),
    )
    .where(
        Appointment.id == bindparam("appointment_id"),
        Appointment.booker_id == bindparam("booker_id"),
        Appointment.state == State.HELD,
    )
    .with_for_update(of=Appointment)
)
"""The hold, locked, with the hall's own settings and the number of coming appointments of its booker."""
_COUNTS = select(
    func.count().filter(_TABLE.c.state == State.HELD, _TABLE.c.expires_at > bindparam("now")),
    func.count().filter(_TABLE.c.state == State.BOOKED),
).where(_TABLE.c.booker_id == bindparam("booker_id"), _TABLE.c.end > bindparam("now"))
"""Live holds and coming appointments of one booker."""
_ONE_EACH = (
    select(func.min(_LINE.c.item_slug)).where(_LINE.c.appointment_id == bindparam("mine")).group_by(_LINE.c.family)
)
_ACTIVATE = (
    update(_LINE)
    .where(_LINE.c.appointment_id == bindparam("mine"), _LINE.c.item_slug.in_(_ONE_EACH))
    .values(active=True)
)
_INSERT = (
    insert(_TABLE)
    .on_conflict_do_nothing(
        index_elements=[_TABLE.c.hall_code, _TABLE.c.day, _TABLE.c.code], index_where=_TABLE.c.code.is_not(None)
    )
    .returning(_TABLE.c.id)
)


def hold(
    session: Session,
    *,
    booker_id: UUID,
    level: int,
    slot_id: UUID,
    slugs: Sequence[str],
    people: int,
    person_id: UUID | None,
) -> Appointment:
    """占号: keep a place for this person while they check their answers.

    Raises SlotFull, SlotClosed, TooManyHolds, TooManyOpen, MixedCategories, NotHere, TooMany, MayNotActFor and
    LevelRequired.
    """
    served = person_id or booker_id
    if not identity.may_act_for(session, booker_id, served):
        raise errors.MayNotActFor()
    first = session.get(Slot, slot_id)
    if first is None or not first.open:
        raise errors.SlotClosed()
    items = _bookable(session, slugs, first, people=people, level=level)
    policy = policy_for(session, first.hall_code, first.category_code)
    slots = _consecutive(session, first, items, people, policy)
    _refuse_closed(session, policy, first)
    _lock_person(session, booker_id)
    _refuse_too_many(session, booker_id, policy)
    _take(session, [slot.id for slot in slots])
    now = clock.now()
    appointment = Appointment(
        id=db.new_id(),
        state=State.HELD,
        state_at=now,
        hall_code=first.hall_code,
        category_code=first.category_code,
        person_id=served,
        booker_id=booker_id,
        channel=ONLINE,
        day=first.day,
        start=first.start,
        end=slots[-1].end,
        people=people,
        expires_at=min(now + timedelta(minutes=policy.hold_minutes), closes_at(policy, first.start)),
        reschedules_left=policy.reschedules,
        created_at=now,
        **_times(policy, first),
    )
    _insert(session, appointment, [slot.id for slot in slots], items, Event.HOLD, active=False)
    return appointment


def confirm(session: Session, *, booker_id: UUID, appointment_id: UUID) -> Appointment:
    """确认: the hold becomes an appointment in place.

    Raises NotFound, HoldExpired, DuplicateBooking, TooManyOpen.
    """
    _lock_person(session, booker_id)
    now = clock.now()
    asked = {"appointment_id": appointment_id, "booker_id": booker_id, "now": now}
    found = session.execute(_HELD_BY_THEM, asked).one_or_none()
    if found is None:
        raise errors.HoldExpired() if _exists(session, booker_id, appointment_id) else NotFound()
    held: Appointment = found[0]
    policy, booked = found[1:]
    if held.expires_at is None or held.expires_at <= now:
        raise errors.HoldExpired()
    if booked >= (policy or defaults(held.hall_code, held.category_code)).open_total:
        raise errors.TooManyOpen()
    _activate(session, held.id)
    quotas.book_held(session, particulars(session, held).slot_ids, held.channel)
    transition(session, held, Event.CONFIRM, actor=f"person:{booker_id}")
    _tell(session, held, "appointment_booked", "appointment.booked")
    return held


def release(session: Session, *, booker_id: UUID, appointment_id: UUID) -> None:
    """放弃占号: the place is free again at once. NotFound for another person's hold; a repeat changes nothing."""
    held = _mine(session, booker_id, appointment_id)
    if transition(session, held, Event.RELEASE, actor=f"person:{booker_id}"):
        quotas.give_back_held(session, slot_ids(session, held.id), held.channel)


def cancel(session: Session, *, booker_id: UUID, appointment_id: UUID, reason: str | None) -> Appointment:
    """取消: before the cut-off freely; later the place goes to the people in the hall."""
    found = _mine(session, booker_id, appointment_id)
    if clock.now() > found.end and found.state is State.BOOKED:
        raise errors.AlreadyOver()
    late = clock.now() > found.cancel_until
    if not transition(
        session, found, Event.CANCEL_LATE if late else Event.CANCEL, actor=f"person:{booker_id}", reason=reason
    ):
        return found
    _deactivate(session, found.id)
    places = slot_ids(session, found.id)
    if late:
        quotas.move_to_onsite(session, places, found.channel)
    else:
        _return_later(session, places, found.channel)
    _tell(session, found, "appointment_cancelled", "appointment.cancelled")
    return found


def reschedule(session: Session, *, booker_id: UUID, appointment_id: UUID, slot_id: UUID) -> Appointment:
    """改约: the new place is taken before the old one is given back, in one transaction."""
    old = _mine(session, booker_id, appointment_id)
    if old.reschedules_left <= 0:
        raise errors.NoReschedulesLeft()
    if clock.now() > old.cancel_until:
        raise errors.TooLateToChange()
    first = session.get(Slot, slot_id)
    if first is None or not first.open or first.category_code != old.category_code:
        raise errors.SlotClosed()
    slugs = session.scalars(select(AppointmentLine.item_slug).where(AppointmentLine.appointment_id == old.id)).all()
    items = _bookable(session, slugs, first, people=old.people, level=3)
    policy = policy_for(session, first.hall_code, first.category_code)
    slots = _consecutive(session, first, items, old.people, policy)
    _refuse_closed(session, policy, first)
    _take(session, [slot.id for slot in slots], booked=True)
    transition(session, old, Event.RESCHEDULE, actor=f"person:{booker_id}")
    _deactivate(session, old.id)
    _return_later(session, slot_ids(session, old.id), old.channel)
    new = Appointment(
        id=db.new_id(),
        state=State.BOOKED,
        state_at=clock.now(),
        hall_code=first.hall_code,
        category_code=first.category_code,
        person_id=old.person_id,
        booker_id=booker_id,
        channel=ONLINE,
        day=first.day,
        start=first.start,
        end=slots[-1].end,
        people=old.people,
        reschedules_left=old.reschedules_left - 1,
        created_at=clock.now(),
        **_times(policy, first),
    )
    _insert(session, new, [slot.id for slot in slots], items, Event.RESCHEDULE, active=True)
    session.execute(update(Appointment).where(Appointment.id == old.id).values(rescheduled_to=new.id))
    _tell(session, new, "appointment_changed", "appointment.rescheduled")
    return new


def slot_ids(session: Session, appointment_id: UUID) -> list[UUID]:
    """The slots an appointment fills, in id order."""
    query = select(AppointmentSlot.slot_id).where(AppointmentSlot.appointment_id == appointment_id)
    return list(session.scalars(query.order_by(AppointmentSlot.slot_id)))


def expire(session: Session, *, limit: int = 200, only: Sequence[UUID] = ()) -> int:
    """Give back the places of holds whose time is over; several sweepers may run at once."""
    query = select(Appointment).where(Appointment.state == State.HELD, Appointment.expires_at <= clock.now())
    if only:
        there = select(AppointmentSlot.appointment_id).where(AppointmentSlot.slot_id.in_(only))
        query = query.where(Appointment.id.in_(there))
    gone = session.scalars(query.limit(limit).with_for_update(skip_locked=True)).all()
    for held in gone:
        transition(session, held, Event.RELEASE, actor="system", reason="expired")
        quotas.give_back_held(session, slot_ids(session, held.id), held.channel)
    return len(gone)


def _bookable(
    session: Session, slugs: Sequence[str], slot: Slot, *, people: int, level: int
) -> tuple[BookableItem, ...]:
    items = items_for_booking(session, list(dict.fromkeys(slugs)))
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


def _consecutive(
    session: Session, first: Slot, items: Sequence[BookableItem], people: int, policy: BookingPolicy
) -> list[Slot]:
    """As many slots in a row as the items and people need."""
    minutes = sum(item.minutes + item.extra_minutes * (people - 1) for item in items)
    count = max(1, -(-minutes // policy.slot_minutes))
    if count == 1:
        return [first]
    query = (
        select(Slot)
        .where(Slot.hall_code == first.hall_code, Slot.category_code == first.category_code, Slot.day == first.day)
        .where(Slot.start >= first.start, Slot.open)
        .order_by(Slot.start)
        .limit(count)
    )
    slots = list(session.scalars(query))
    gaps = any(before.end != after.start for before, after in zip(slots, slots[1:], strict=False))
    if len(slots) < count or gaps:
        raise errors.SlotClosed()
    return slots


def _refuse_closed(session: Session, policy: BookingPolicy, slot: Slot) -> None:
    if slot.day > released_until(session, policy) or clock.now() > closes_at(policy, slot.start):
        raise errors.SlotClosed()


def _lock_person(session: Session, person_id: UUID) -> None:
    """Limits per person are counted under this lock, so parallel requests see each other."""
    session.connection().execute(_LOCK_PERSON, {"person": str(person_id)})


def _refuse_too_many(session: Session, booker_id: UUID, policy: BookingPolicy) -> None:
    now = clock.now()
    counts = session.connection().execute(_COUNTS, {"booker_id": booker_id, "now": now}).one()
    if counts[0] >= policy.live_holds:
        raise errors.TooManyHolds()
    if counts[1] >= policy.open_total:
        raise errors.TooManyOpen()


def _take(session: Session, places: Sequence[UUID], *, booked: bool = False) -> None:
    """A place in every slot; a full slot first loses its expired holds. Raises SlotFull."""
    if len(places) == 1:
        if quotas.take(session, places, ONLINE, booked=booked):
            return
    else:
        with session.begin_nested() as savepoint:
            if quotas.take(session, places, ONLINE, booked=booked):
                return
            savepoint.rollback()
    if not expire(session, only=places) or not quotas.take(session, places, ONLINE, booked=booked):
        raise errors.SlotFull()


def _times(policy: BookingPolicy, slot: Slot) -> dict[str, datetime]:
    return {
        "cancel_until": slot.start - timedelta(hours=policy.cancel_hours),
        "check_in_from": slot.start - timedelta(minutes=policy.early_minutes),
        "check_in_until": slot.start + timedelta(minutes=policy.grace_minutes),
    }


def _insert(
    session: Session,
    appointment: Appointment,
    places: Sequence[UUID],
    items: Sequence[BookableItem],
    event: Event,
    *,
    active: bool,
) -> None:
    """The row with its code, eight digits unique in this hall on this day, its slots, lines and first event."""
    connection = session.connection()
    values = {column: getattr(appointment, column) for column in _COLUMNS}
    values["code"] = _draw_code()
    while connection.execute(_INSERT, values).first() is None:
        values["code"] = _draw_code()
    for column, value in values.items():
        set_committed_value(appointment, column, value)
    make_transient_to_detached(appointment)
    session.add(appointment)
    connection.execute(insert(_FILLED), [{"appointment_id": appointment.id, "slot_id": place} for place in places])
    lines = [
        {
            "appointment_id": appointment.id,
            "item_slug": item.slug,
            "family": item.family,
            "person_id": appointment.person_id,
            "day": appointment.day,
            "active": False,
        }
        for item in items
    ]
    connection.execute(insert(_LINE), lines)
    if active:
        _activate(session, appointment.id)
    actor = f"person:{appointment.booker_id}"
    record_event(session, AppointmentEvent, appointment.id, None, appointment.state, event, actor=actor)


def _activate(session: Session, appointment_id: UUID) -> None:
    """One line of each family stands for it: two items of a family in one visit are one booking of that family."""
    with _one_a_day():
        session.connection().execute(_ACTIVATE, {"mine": appointment_id})


def _deactivate(session: Session, appointment_id: UUID) -> None:
    session.execute(
        update(AppointmentLine).where(AppointmentLine.appointment_id == appointment_id).values(active=False),
        execution_options={"synchronize_session": False},
    )


class _one_a_day:  # noqa: N801 - reads as a statement
    """The partial unique index refused: the person has an appointment of this family that day."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, IntegrityError) and db.sqlstate(error) == "23505":
            raise errors.DuplicateBooking() from None


def _draw_code() -> str:
    return f"{_draw.randrange(10_000_000, 100_000_000)}"


def _return_later(session: Session, places: Sequence[UUID], channel: str) -> None:
    due = clock.now() + timedelta(minutes=_draw.uniform(*RETURN_DELAY_MINUTES))
    session.execute(insert(ReturnedPlace), [{"slot_id": place, "channel": channel, "due_at": due} for place in places])


def _mine(session: Session, booker_id: UUID, appointment_id: UUID) -> Appointment:
    mine = select(Appointment).where(Appointment.id == appointment_id, Appointment.booker_id == booker_id)
    found = session.scalars(mine.with_for_update()).one_or_none()
    if found is None:
        raise NotFound()
    return found


def _exists(session: Session, booker_id: UUID, appointment_id: UUID) -> bool:
    mine = select(Appointment.id).where(Appointment.id == appointment_id, Appointment.booker_id == booker_id)
    return session.scalar(mine) is not None


def _tell(session: Session, appointment: Appointment, template: str, action: str) -> None:
    """One notice row and one audit row for every booking, change and cancellation."""
    place = hall(session, appointment.hall_code)
    known = particulars(session, appointment)
    item = items_for_booking(session, known.slugs)[0]
    params: dict[str, Any] = {
        "code": appointment.code,
        "hall": place.name.zh,
        "hall_en": place.name.en,
        "address": place.address.zh if place.address else "地址待核实",
        "item": item.name_zh,
        "item_en": item.name_en,
        "start": appointment.start.isoformat(),
        "person": known.person_masked or "",
    }
    notify(
        session,
        person_id=appointment.booker_id,
        template=template,
        params=params,
        subject_type="appointment",
        subject_id=str(appointment.id),
        link=f"/appointments/{appointment.id}",
        dedupe_key=f"{template}:{appointment.id}",
        useless_after=appointment.end,
    )
    audit.record(
        session,
        actor=f"person:{appointment.booker_id}",
        action=action,
        object_type="appointment",
        object_id=appointment.id,
        hall_code=appointment.hall_code,
    )

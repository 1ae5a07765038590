"""Booking: hold → confirm, release, cancel, reschedule. The database decides every race."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from backend.appointments import conduct_service, errors, matters, quotas, rules
from backend.appointments.models import (
    Appointment,
    AppointmentEvent,
    AppointmentLine,
    AppointmentSlot,
    BookingPolicy,
    ReturnedPlace,
    Slot,
)
from backend.appointments.notices import visit_params, withdraw_reminders
from backend.appointments.policy import closes_at, defaults, policy_for
from backend.appointments.queries import particulars
from backend.appointments.states import Event, State
from backend.catalogue.values import BookableItem
from backend.core import audit, clock, db
from backend.core.errors import NotFound
from backend.core.prepared import Prepared
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
_other = aliased(Appointment)
_BOOKED_BY_THEM = select(func.count()).where(
    _other.booker_id == bindparam("booker_id"), _other.state == State.BOOKED, _other.end > bindparam("now")
)
_HELD_BY_THEM = Prepared(
    select(*_TABLE.c, BookingPolicy.open_total, _BOOKED_BY_THEM.scalar_subquery())
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
"""The hold, locked, with the hall's own limit and the number of coming appointments of its booker."""
_ONE_EACH = (
    select(func.min(_LINE.c.item_slug)).where(_LINE.c.appointment_id == bindparam("mine")).group_by(_LINE.c.family)
)
_ACTIVATE = Prepared(
    update(_LINE)
    .where(_LINE.c.appointment_id == bindparam("mine"), _LINE.c.item_slug.in_(_ONE_EACH))
    .values(active=True)
)
_INSERT = Prepared(
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
    matter_id: UUID | None = None,
) -> Appointment:
    """占号: keep a place for this person while they check their answers; `matter_id`: the visit is for this case.

    Raises SlotFull, SlotClosed, TooManyHolds, TooManyOpen, MixedCategories, NotHere, TooMany, MayNotActFor,
    OnlineBookingBlocked, LevelRequired, MatterDoesNotFit, MatterHasVisit and PreCheckNeeded.
    """
    served = person_id or booker_id
    if not identity.may_act_for(session, booker_id, served):
        raise errors.MayNotActFor()
    conduct_service.refuse_blocked(session, booker_id)
    first = session.get(Slot, slot_id)
    if first is None or not first.open:
        raise errors.SlotClosed()
    items = rules.bookable(session, slugs, first, people=people, level=level)
    matter = matters.of_visit(session, matter_id, items, booker_id=booker_id, person_id=served)
    policy = policy_for(session, first.hall_code, first.category_code)
    slots = rules.consecutive(session, first, items, people)
    rules.refuse_closed(session, policy, first)
    rules.lock_person(session, booker_id)
    rules.refuse_too_many(session, booker_id, policy, new_hold=True)
    rules.refuse_too_many_principals(session, booker_id, served, first.day, policy)
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
        matter_id=matter,
        created_at=now,
        **rules.times(policy, first),
    )
    _insert(session, appointment, [slot.id for slot in slots], items, Event.HOLD, active=False)
    return appointment


def confirm(session: Session, *, booker_id: UUID, appointment_id: UUID) -> Appointment:
    """确认: the hold becomes an appointment in place.

    Raises NotFound, HoldExpired, DuplicateBooking, TooManyOpen, MatterHasVisit.
    """
    rules.lock_person(session, booker_id)
    now = clock.now()
    asked = {"appointment_id": appointment_id, "booker_id": booker_id, "now": now}
    found = _HELD_BY_THEM.run(session, asked)
    if not found:
        raise errors.HoldExpired() if _exists(session, booker_id, appointment_id) else NotFound()
    *values, open_total, booked = found[0]
    held = _as_committed(Appointment(), values)
    if held.expires_at is None or held.expires_at <= now:
        raise errors.HoldExpired()
    if booked >= (open_total or defaults(held.hall_code, held.category_code).open_total):
        raise errors.TooManyOpen()
    _activate(session, held.id)
    quotas.book_held(session, particulars(session, held).slot_ids, held.channel)
    with matters.one_visit():
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
    cancel_found(session, found, actor=f"person:{booker_id}", reason=reason)
    return found


def cancel_found(session: Session, found: Appointment, *, actor: str, reason: str | None) -> None:
    """Cancel a locked appointment as `actor`; a repeat changes nothing. Raises AlreadyOver."""
    if clock.now() > found.end and found.state is State.BOOKED:
        raise errors.AlreadyOver()
    late = clock.now() > found.cancel_until
    if not transition(session, found, Event.CANCEL_LATE if late else Event.CANCEL, actor=actor, reason=reason):
        return
    _end(session, found.id)
    places = slot_ids(session, found.id)
    if late:
        quotas.move_to_onsite(session, places, found.channel)
        conduct_service.mark_late_cancel(session, found)
    else:
        _return_later(session, places, found.channel)
    _tell(session, found, "appointment_cancelled", "appointment.cancelled", actor=actor)


def hall_closes(session: Session, found: Appointment, *, actor: str, reason: str | None, reason_en: str | None) -> None:
    """大厅取消: a locked hold ends; a locked appointment is cancelled with a notice and without any blame."""
    places = slot_ids(session, found.id)
    if found.state is State.HELD:
        transition(session, found, Event.RELEASE, actor=actor, reason="hall_closed")
        quotas.give_back_held(session, places, found.channel)
        return
    if transition(session, found, Event.HALL_CLOSES, actor=actor, reason=reason):
        _end(session, found.id)
        quotas.give_back_booked(session, places, found.channel)
        words = {"reason": reason, "reason_en": reason_en or reason}
        _tell(session, found, "appointment_hall_cancelled", "appointment.hall_cancelled", actor=actor, words=words)


def reschedule(session: Session, *, booker_id: UUID, appointment_id: UUID, slot_id: UUID) -> Appointment:
    """改约: the new place is taken before the old one is given back, in one transaction."""
    rules.lock_person(session, booker_id)
    old = _mine(session, booker_id, appointment_id)
    return move(session, old, slot_id=slot_id, actor=f"person:{booker_id}")


def move(
    session: Session,
    old: Appointment,
    *,
    slot_id: UUID,
    actor: str,
    channel: Callable[[Sequence[UUID]], str] = lambda _: ONLINE,
    reason: str | None = None,
    hall_code: str | None = None,
) -> Appointment:
    """Take the new place, then give back the old one; `old` and its booker are locked.

    `channel` chooses the pool of the new places, `hall_code` keeps it in that hall.
    Raises NoReschedulesLeft, TooLateToChange, SlotClosed, SlotFull, NotHere and TooManyPrincipals.
    """
    if old.reschedules_left <= 0:
        raise errors.NoReschedulesLeft()
    if clock.now() > old.cancel_until:
        raise errors.TooLateToChange()
    first = session.get(Slot, slot_id)
    if first is None or not first.open or first.category_code != old.category_code:
        raise errors.SlotClosed()
    if hall_code and first.hall_code != hall_code:
        raise errors.NotHere()
    slugs = session.scalars(select(AppointmentLine.item_slug).where(AppointmentLine.appointment_id == old.id)).all()
    items = rules.bookable(session, slugs, first, people=old.people, level=3)
    policy = policy_for(session, first.hall_code, first.category_code)
    slots = [slot.id for slot in rules.consecutive(session, first, items, old.people)]
    rules.refuse_closed(session, policy, first)
    rules.refuse_too_many_principals(session, old.booker_id, old.person_id, first.day, policy)
    pool = channel(slots)
    _take(session, slots, channel=pool, booked=True)
    transition(session, old, Event.RESCHEDULE, actor=actor, reason=reason)
    _end(session, old.id)
    _return_later(session, slot_ids(session, old.id), old.channel)
    new = _booked(
        session,
        first,
        slots,
        items,
        policy,
        person_id=old.person_id,
        booker_id=old.booker_id,
        channel=pool,
        people=old.people,
        reschedules_left=old.reschedules_left - 1,
        matter_id=old.matter_id,
        event=Event.RESCHEDULE,
        actor=actor,
    )
    session.execute(update(Appointment).where(Appointment.id == old.id).values(rescheduled_to=new.id))
    _tell(session, new, "appointment_changed", "appointment.rescheduled", actor=actor)
    return new


def book_at_once(
    session: Session,
    *,
    person_id: UUID,
    slot_id: UUID,
    hall_code: str,
    slugs: Sequence[str],
    people: int,
    actor: str,
    channel: Callable[[Sequence[UUID]], str],
) -> Appointment:
    """代约: a member of staff books for a person in front of them or on the phone, without a hold in between.

    The limits are those of everybody; blocks of online booking do not apply. Raises as `hold` and `confirm` do.
    """
    first = session.get(Slot, slot_id)
    if first is None or not first.open or first.hall_code != hall_code:
        raise errors.SlotClosed()
    items = rules.bookable(session, slugs, first, people=people, level=3)
    policy = policy_for(session, first.hall_code, first.category_code)
    slots = [slot.id for slot in rules.consecutive(session, first, items, people)]
    rules.refuse_closed(session, policy, first)
    rules.lock_person(session, person_id)
    rules.refuse_too_many(session, person_id, policy, new_hold=False)
    pool = channel(slots)
    _take(session, slots, channel=pool, booked=True)
    made = _booked(
        session,
        first,
        slots,
        items,
        policy,
        person_id=person_id,
        booker_id=person_id,
        channel=pool,
        people=people,
        reschedules_left=policy.reschedules,
        event=Event.CONFIRM,
        actor=actor,
    )
    _tell(session, made, "appointment_booked", "appointment.booked", actor=actor)
    return made


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


def _take(session: Session, places: Sequence[UUID], *, channel: str = ONLINE, booked: bool = False) -> None:
    """A place in every slot; a full slot first loses its expired holds. Raises SlotFull."""
    if len(places) == 1:
        if quotas.take(session, places, channel, booked=booked):
            return
    else:
        with session.begin_nested() as savepoint:
            if quotas.take(session, places, channel, booked=booked):
                return
            savepoint.rollback()
    if not expire(session, only=places) or not quotas.take(session, places, channel, booked=booked):
        raise errors.SlotFull()


def _booked(
    session: Session,
    first: Slot,
    places: Sequence[UUID],
    items: Sequence[BookableItem],
    policy: BookingPolicy,
    *,
    person_id: UUID,
    booker_id: UUID,
    channel: str,
    people: int,
    reschedules_left: int,
    event: Event,
    actor: str,
    matter_id: UUID | None = None,
) -> Appointment:
    """An appointment that starts its life as booked, with its code; its places are taken already."""
    now = clock.now()
    new = Appointment(
        id=db.new_id(),
        state=State.BOOKED,
        state_at=now,
        hall_code=first.hall_code,
        category_code=first.category_code,
        person_id=person_id,
        booker_id=booker_id,
        channel=channel,
        day=first.day,
        start=first.start,
        end=session.scalars(select(func.max(Slot.end)).where(Slot.id.in_(places))).one(),
        people=people,
        reschedules_left=reschedules_left,
        matter_id=matter_id,
        created_at=now,
        **rules.times(policy, first),
    )
    _insert(session, new, places, items, event, active=True, actor=actor)
    return new


def _insert(
    session: Session,
    appointment: Appointment,
    places: Sequence[UUID],
    items: Sequence[BookableItem],
    event: Event,
    *,
    active: bool,
    actor: str | None = None,
) -> None:
    """The row with its code, eight digits unique in this hall on this day, its slots, lines and first event."""
    connection = session.connection()
    values = {column: getattr(appointment, column) for column in _COLUMNS}
    values["code"] = _draw_code()
    while not _INSERT.run(session, values):
        values["code"] = _draw_code()
    _as_committed(appointment, values.values())
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
    by = actor or f"person:{appointment.booker_id}"
    record_event(session, AppointmentEvent, appointment.id, None, appointment.state, event, actor=by)


def _as_committed(appointment: Appointment, values: Iterable[Any]) -> Appointment:
    """Give every column the value that the database has, as a load by the session would."""
    for column, value in zip(_COLUMNS, values, strict=True):
        set_committed_value(appointment, column, value)
    return appointment


def _activate(session: Session, appointment_id: UUID) -> None:
    """One line of each family stands for it: two items of a family in one visit are one booking of that family."""
    with rules.one_a_day():
        _ACTIVATE.run(session, {"mine": appointment_id})


def _end(session: Session, appointment_id: UUID) -> None:
    """Nobody comes to this visit: its items may be booked again that day, and nobody is reminded of it."""
    withdraw_reminders(session, appointment_id)
    session.execute(
        update(AppointmentLine).where(AppointmentLine.appointment_id == appointment_id).values(active=False),
        execution_options={"synchronize_session": False},
    )


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


def _tell(
    session: Session,
    appointment: Appointment,
    template: str,
    action: str,
    *,
    actor: str | None = None,
    words: dict[str, str | None] | None = None,
) -> None:
    """One notice row and one audit row for every booking, change and cancellation."""
    notify(
        session,
        person_id=appointment.booker_id,
        template=template,
        params={**visit_params(session, appointment), **(words or {})},
        subject_type="appointment",
        subject_id=str(appointment.id),
        link=f"/appointments/{appointment.id}",
        dedupe_key=f"{template}:{appointment.id}",
        useless_after=appointment.end,
    )
    audit.record(
        session,
        actor=actor or f"person:{appointment.booker_id}",
        action=action,
        object_type="appointment",
        object_id=appointment.id,
        hall_code=appointment.hall_code,
    )

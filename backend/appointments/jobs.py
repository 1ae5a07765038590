"""What the worker does for appointments; every function opens its own transactions and may run twice."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from uuid import UUID

from sqlalchemy import Interval, delete, exists, literal, select, tuple_, update
from sqlalchemy.orm import Session

from backend.appointments import closing, conduct_service, ending, quotas, service, slots
from backend.appointments.conduct_models import ScannerBeat
from backend.appointments.models import Appointment, ReturnedPlace, Slot, SlotQuota
from backend.appointments.notices import visit_params
from backend.appointments.states import State
from backend.core import clock
from backend.core.db import retrying, transaction
from notify import queries as notices
from notify.service import notify

SOON = timedelta(days=30)
MISSED_AFTER = timedelta(minutes=30)
BEATS_KEPT = timedelta(days=60)
BATCH = 50
REMIND_BATCH = 200
AHEAD = timedelta(hours=2)
EVE = time(18)
"""In Xiamen, on the day before."""


def materialise_slots() -> None:
    """Slots as far ahead as they are kept, a day a transaction."""
    today = clock.today()
    for day in slots.days(today, today + slots.AHEAD):
        with transaction() as session:
            slots.materialise(session, first=day, last=day)


def first_slots() -> None:
    """What a first start must wait for; on later ones the periodic job is soon enough."""
    with transaction() as session:
        there = session.scalar(select(exists().where(Slot.day > clock.today() + SOON)))
    if not there:
        materialise_slots()


def sweep_holds() -> None:
    """Expired holds give their places back; a late sweep does no harm, expiry is read by the clock."""
    while True:
        with transaction() as session:
            if service.expire(session) == 0:
                return


def cancel_closed() -> None:
    """Tell everybody whose slot was closed, one transaction each; what a crash leaves, the next run finishes."""
    while True:
        with transaction() as session:
            waiting = closing.waiting_in_closed_slots(session)
        if sum(_cancel_closed(appointment_id) for appointment_id in waiting) == 0:
            return


@retrying
def _cancel_closed(appointment_id: UUID) -> bool:
    with transaction() as session:
        return closing.cancel_closed(session, appointment_id)


def cancel_ended() -> None:
    """Visits for an item that is done no more on their day are cancelled with a notice, one transaction each."""
    while True:
        with transaction() as session:
            waiting = ending.waiting(session)
        if sum(_cancel_ended(appointment_id) for appointment_id in waiting) == 0:
            return


@retrying
def _cancel_ended(appointment_id: UUID) -> bool:
    with transaction() as session:
        return ending.cancel(session, appointment_id)


def return_places() -> None:
    """Cancelled places whose random delay is over may be booked again."""
    with transaction() as session:
        due = session.execute(
            delete(ReturnedPlace)
            .where(ReturnedPlace.due_at <= clock.now())
            .returning(ReturnedPlace.slot_id, ReturnedPlace.channel)
        ).all()
        for place in sorted(due):
            quotas.give_back_booked(session, [place.slot_id], place.channel)


def fall_to_onsite() -> None:
    """Places nobody booked online go to the people in the hall when the slot begins (never the other way)."""
    now = clock.now()
    begun = select(Slot.id).where(Slot.start <= now, Slot.start > now - timedelta(hours=2))
    spare = SlotQuota.capacity - SlotQuota.held - SlotQuota.booked
    with transaction() as session:
        unused = session.execute(
            select(SlotQuota.slot_id, SlotQuota.channel, spare.label("spare"))
            .where(SlotQuota.slot_id.in_(begun), SlotQuota.channel != "onsite", spare > 0)
            .order_by(SlotQuota.slot_id)
            .with_for_update()
        ).all()
        for row in unused:
            mine = SlotQuota.slot_id == row.slot_id
            session.execute(
                update(SlotQuota)
                .where(mine, SlotQuota.channel == row.channel)
                .values(capacity=SlotQuota.capacity - row.spare)
            )
            session.execute(
                update(SlotQuota)
                .where(mine, SlotQuota.channel == "onsite")
                .values(capacity=SlotQuota.capacity + row.spare)
            )


def mark_missed() -> None:
    """爽约: half an hour after its slot's end nobody has come; a batch a transaction, several workers at once."""
    over = Appointment.state == State.BOOKED, Appointment.end <= clock.now() - MISSED_AFTER
    query = select(Appointment).where(*over).order_by(Appointment.end).limit(BATCH).with_for_update(skip_locked=True)
    while True:
        with transaction() as session:
            missed = session.scalars(query).all()
            for appointment in missed:
                conduct_service.miss(session, appointment)
        if not missed:
            return


def forget_beats() -> None:
    """Old proof that scanners worked is of no use."""
    with transaction() as session:
        session.execute(delete(ScannerBeat).where(ScannerBeat.at < clock.now() - BEATS_KEPT))


def remind() -> None:
    """Tell people of tomorrow's visits at 18:00, and of each visit two hours ahead; once each, whoever has booked.

    Somebody who booked after that moment knows already. What was cancelled or moved is no longer booked.
    """
    now = clock.now()
    today = clock.civil(now).date()
    evening = clock.instant(today, EVE)
    _remind("appointment_soon", start=now, end=now + AHEAD, ahead=AHEAD)
    if now >= evening:
        tomorrow, after = (clock.instant(today + timedelta(days=days), time(0)) for days in (1, 2))
        _remind("appointment_tomorrow", start=tomorrow, end=after, booked_before=evening)


def _remind(
    template: str,
    *,
    start: datetime,
    end: datetime,
    ahead: timedelta | None = None,
    booked_before: datetime | None = None,
) -> None:
    """One transaction a batch, by start and id; a reminder that exists already is left alone."""
    known_before = Appointment.start - literal(ahead, Interval()) if ahead is not None else booked_before
    last: tuple[datetime, UUID] = (start, UUID(int=0))
    while True:
        with transaction() as session:
            page = session.scalars(
                select(Appointment)
                .where(Appointment.state == State.BOOKED, Appointment.start <= end)
                .where(tuple_(Appointment.start, Appointment.id) > last, Appointment.created_at < known_before)
                .order_by(Appointment.start, Appointment.id)
                .limit(REMIND_BATCH)
            ).all()
            there = notices.written(session, [f"{template}:{appointment.id}" for appointment in page])
            fresh = [appointment.id for appointment in page if f"{template}:{appointment.id}" not in there]
            for appointment in _still_booked(session, fresh):
                notify(
                    session,
                    person_id=appointment.booker_id,
                    template=template,
                    params=visit_params(session, appointment),
                    subject_type="appointment",
                    subject_id=str(appointment.id),
                    link=f"/appointments/{appointment.id}",
                    dedupe_key=f"{template}:{appointment.id}",
                    useless_after=appointment.start,
                )
        if len(page) < REMIND_BATCH:
            return
        last = page[-1].start, page[-1].id


def _still_booked(session: Session, appointment_ids: Sequence[UUID]) -> Sequence[Appointment]:
    """Those that stand, until this transaction ends: a cancellation waits and withdraws what is written here."""
    query = select(Appointment).where(Appointment.id.in_(appointment_ids), Appointment.state == State.BOOKED)
    return session.scalars(query.order_by(Appointment.id).with_for_update(read=True)).all() if appointment_ids else ()

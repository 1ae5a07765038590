"""停办与加开: half-days that differ from the calendar, and what becomes of the people who booked them.

Setting one closes or opens its slots at once; the appointments in closed slots are cancelled one by one, each in its
own transaction, by a job that may stop and start again at any point.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.appointments import conduct_service, service, slots
from backend.appointments.errors import DayIsOver, OpeningHasEffect
from backend.appointments.models import Appointment, AppointmentSlot, DayOverride, Slot, SlotQuota
from backend.appointments.slots import Half
from backend.appointments.states import State
from backend.core import audit, calendar, clock
from backend.core.errors import NotFound
from backend.core.jobs import defer

Part = Literal["day", "morning", "afternoon"]

HALVES: Final[dict[Part, tuple[Half, ...]]] = {
    "day": ("morning", "afternoon"),
    "morning": ("morning",),
    "afternoon": ("afternoon",),
}
WAITING = (State.HELD, State.BOOKED)
"""Who loses a place when the hall closes; whoever is checked in is served."""

LOOK_BACK = timedelta(days=30)

TASK = "appointments.cancel_closed"


@dataclass(frozen=True)
class Effect:
    """How many slots still to come stand there, and how many appointments and live holds are in them."""

    slots: int
    booked: int
    held: int


def preview(session: Session, *, hall_codes: Sequence[str], day: date, part: Part) -> Effect:
    """What closing would affect now."""
    there = _still_to_come(hall_codes, day, part)
    count = session.scalar(select(func.count()).where(there, Slot.open)) or 0
    inside = select(AppointmentSlot.appointment_id).join(Slot, Slot.id == AppointmentSlot.slot_id).where(there)
    live = (Appointment.state == State.HELD) & (Appointment.expires_at > clock.now())
    row = session.execute(
        select(
            func.count().filter(Appointment.state == State.BOOKED).label("booked"),
            func.count().filter(live).label("held"),
        ).where(Appointment.id.in_(inside))
    ).one()
    return Effect(count, row.booked, row.held)


def affected(
    session: Session, *, hall_code: str, day: date, part: Part, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Appointment]:
    """The appointments that closing would cancel now, soonest first."""
    inside = (
        select(AppointmentSlot.appointment_id)
        .join(Slot, Slot.id == AppointmentSlot.slot_id)
        .where(_still_to_come([hall_code], day, part))
    )
    query = select(Appointment).where(Appointment.id.in_(inside), Appointment.state == State.BOOKED)
    if after is not None:
        query = query.where(tuple_(Appointment.start, Appointment.id) > after)
    return session.scalars(query.order_by(Appointment.start, Appointment.id).limit(limit)).all()


def set_override(
    session: Session,
    *,
    hall_codes: Sequence[str],
    day: date,
    part: Part,
    open_: bool,
    reason: str,
    reason_en: str | None,
    actor: str,
) -> Effect:
    """Close these halls for that part of the day, or open them; `reason` is shown to citizens.

    Raises DayIsOver, and CalendarNotLoaded when a day without a calendar is to be opened.
    """
    _refuse_past(day)
    slots.lock(session)
    effect = preview(session, hall_codes=hall_codes, day=day, part=part)
    before = _shown_by_hall(session, hall_codes, day)
    values = {"open": open_, "note": reason, "note_en": reason_en, "set_by": actor}
    for hall_code in hall_codes:
        for half in HALVES[part]:
            session.execute(
                insert(DayOverride)
                .values(hall_code=hall_code, day=day, half=half, **values)
                .on_conflict_do_update(
                    index_elements=[DayOverride.hall_code, DayOverride.day, DayOverride.half], set_=values
                )
            )
    if open_:
        slots.reopen(session, day=day, hall_codes=hall_codes)
    else:
        _close(session, _still_to_come(hall_codes, day, part))
        _forgive(session, hall_codes, day, part, actor=actor, reason=reason)
        defer(session, TASK)
    _audit(session, before, hall_codes, day, action="hall.day_set", reason=reason, actor=actor)
    return effect


def remove_override(session: Session, *, hall_code: str, day: date, part: Part, reason: str, actor: str) -> None:
    """Back to the calendar: a closed workday opens again; appointments already cancelled stay cancelled.

    Raises NotFound, DayIsOver, and OpeningHasEffect when it would close a day that was opened (close it instead).
    """
    _refuse_past(day)
    slots.lock(session)
    before = _shown_by_hall(session, [hall_code], day)
    gone = session.scalars(
        delete(DayOverride)
        .where(DayOverride.hall_code == hall_code, DayOverride.day == day, DayOverride.half.in_(HALVES[part]))
        .returning(DayOverride.open)
    ).all()
    if not gone:
        raise NotFound()
    if any(gone) and not calendar.is_workday(session, day):
        raise OpeningHasEffect()
    with suppress(calendar.CalendarNotLoaded):
        slots.reopen(session, day=day, hall_codes=[hall_code])
    _audit(session, before, [hall_code], day, action="hall.day_removed", reason=reason, actor=actor)


def overrides(session: Session, *, hall_code: str, first: date, last: date) -> list[dict[str, Any]]:
    """A hall's overrides from `first` to `last`; two halves that agree are one whole day."""
    rows = session.scalars(
        select(DayOverride)
        .where(DayOverride.hall_code == hall_code, DayOverride.day.between(first, last))
        .order_by(DayOverride.day, DayOverride.half.desc())
    )
    return _joined(rows.all())


def waiting_in_closed_slots(session: Session, limit: int = 100) -> Sequence[UUID]:
    """Appointments and holds in closed slots, soonest first; of late days too, should no worker have run."""
    return session.scalars(
        select(Appointment.id)
        .join(AppointmentSlot, AppointmentSlot.appointment_id == Appointment.id)
        .join(Slot, Slot.id == AppointmentSlot.slot_id)
        .where(~Slot.open, Slot.day > clock.today() - LOOK_BACK, Appointment.state.in_(WAITING))
        .group_by(Appointment.id)
        .order_by(Appointment.start, Appointment.id)
        .limit(limit)
    ).all()


def cancel_closed(session: Session, appointment_id: UUID) -> bool:
    """Release the hold, or cancel the appointment with a notice, if it still stands in a closed slot.

    The slots are read under a lock: a hall that opened again in the meantime keeps its people.
    """
    found = session.scalars(
        select(Appointment)
        .where(Appointment.id == appointment_id, Appointment.state.in_(WAITING))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        return False
    places = service.slot_ids(session, found.id)
    still_open = session.scalars(select(Slot.open).where(Slot.id.in_(places)).with_for_update(read=True)).all()
    if all(still_open):
        return False
    override = session.scalars(
        select(DayOverride)
        .where(DayOverride.hall_code == found.hall_code, DayOverride.day == found.day, ~DayOverride.open)
        .limit(1)
    ).one_or_none()
    service.hall_closes(
        session,
        found,
        actor=override.set_by if override else "system",
        reason=override.note if override else None,
        reason_en=override.note_en if override else None,
    )
    return True


def _close(session: Session, there: ColumnElement[bool]) -> None:
    """Slots first, then their quotas in order: a booking under way has the place before this, or never.

    The slots' keys stay readable, since a booking that has its place still writes rows that refer to them.
    """
    closing = session.scalars(
        select(Slot.id).where(there, Slot.open).order_by(Slot.id).with_for_update(key_share=True)
    ).all()
    session.execute(update(Slot).where(Slot.id.in_(closing)).values(open=False))
    session.execute(
        select(SlotQuota.slot_id)
        .where(SlotQuota.slot_id.in_(closing))
        .order_by(SlotQuota.slot_id, SlotQuota.channel)
        .with_for_update()
    )
    session.execute(update(SlotQuota).where(SlotQuota.slot_id.in_(closing)).values(open=False))


def _forgive(session: Session, hall_codes: Sequence[str], day: date, part: Part, *, actor: str, reason: str) -> None:
    """Visits missed earlier in that part of the day were missed because of the hall."""
    for hall_code in hall_codes:
        for half in HALVES[part]:
            first, last = slots.span(day, half)
            conduct_service.blame_hall(session, hall_code=hall_code, first=first, last=last, actor=actor, reason=reason)


def _still_to_come(hall_codes: Sequence[str], day: date, part: Part) -> ColumnElement[bool]:
    return slots.in_halves(day, HALVES[part]) & Slot.hall_code.in_(hall_codes) & (Slot.end > clock.now())


def _refuse_past(day: date) -> None:
    if day < clock.today():
        raise DayIsOver()


def _shown_by_hall(session: Session, hall_codes: Sequence[str], day: date) -> dict[str, list[dict[str, Any]]]:
    shown = {}
    for hall_code in hall_codes:
        rows = overrides(session, hall_code=hall_code, first=day, last=day)
        shown[hall_code] = [{"part": row["part"], "open": row["open"], "reason": row["reason"]} for row in rows]
    return shown


def _joined(rows: Sequence[DayOverride]) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    for row in rows:
        one = {"day": row.day, "open": row.open, "reason": row.note, "reason_en": row.note_en}
        if shown and {name: shown[-1][name] for name in one} == one:
            shown[-1]["part"] = "day"
        else:
            shown.append({**one, "part": row.half})
    return shown


def _audit(
    session: Session,
    before: dict[str, list[dict[str, Any]]],
    hall_codes: Sequence[str],
    day: date,
    *,
    action: str,
    reason: str,
    actor: str,
) -> None:
    after = _shown_by_hall(session, hall_codes, day)
    for hall_code in hall_codes:
        audit.record(
            session,
            actor=actor,
            action=action,
            object_type="day",
            object_id=day,
            hall_code=hall_code,
            reason=reason,
            data={"before": before[hall_code], "after": after[hall_code]},
        )

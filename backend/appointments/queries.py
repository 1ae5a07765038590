"""Reading slots and appointments."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, Text, Uuid, bindparam, exists, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from backend.appointments import matters, visits
from backend.appointments.models import (
    Appointment,
    AppointmentEvent,
    AppointmentLine,
    AppointmentSlot,
    DayOverride,
    Slot,
    SlotQuota,
)
from backend.appointments.policy import closes_at, next_release, policies_for, policy_for, released_until
from backend.appointments.states import OPEN, State
from backend.catalogue import queries as catalogue
from backend.catalogue.bodies import hall_body
from backend.catalogue.values import Hall
from backend.core import calendar, clock
from backend.core.errors import NotFound
from backend.core.prepared import Prepared
from backend.identity import queries as identity


@dataclass(frozen=True)
class Particulars:
    """What never changes about an appointment."""

    slugs: tuple[str, ...]
    slot_ids: tuple[UUID, ...]
    first_slot_id: UUID
    person_masked: str | None


_LINE, _FILLED = cast("Table", AppointmentLine.__table__), cast("Table", AppointmentSlot.__table__)
_SLOT = cast("Table", Slot.__table__)
_LINES = select(_LINE.c.item_slug).where(_LINE.c.appointment_id == bindparam("appointment_id"))
_SLOTS = select(_FILLED.c.slot_id).where(_FILLED.c.appointment_id == bindparam("appointment_id"))
_FIRST_SLOT = select(_SLOT.c.id).where(
    _SLOT.c.hall_code == bindparam("hall_code"),
    _SLOT.c.category_code == bindparam("category_code"),
    _SLOT.c.start == bindparam("start"),
)
_PARTICULARS = Prepared(
    select(
        func.array(_LINES.order_by(_LINE.c.item_slug).scalar_subquery(), type_=ARRAY(Text())),
        func.array(_SLOTS.order_by(_FILLED.c.slot_id).scalar_subquery(), type_=ARRAY(Uuid())),
        _FIRST_SLOT.scalar_subquery(),
        identity.sealed_name(bindparam("person_id", type_=Uuid())),
    )
)


def particulars(session: Session, row: Appointment) -> Particulars:
    """Items, slots and masked name, read once however often a request needs them."""
    if row.particulars is None:
        place = {"hall_code": row.hall_code, "category_code": row.category_code, "start": row.start}
        asked = {"appointment_id": row.id, "person_id": row.person_id, **place}
        [(slugs, slots, first, sealed)] = _PARTICULARS.run(session, asked)
        name = identity.mask_sealed_name(sealed, row.person_id)
        row.particulars = Particulars(tuple(slugs), tuple(slots), first, name)
    found: Particulars = row.particulars
    return found


def picker(
    session: Session,
    *,
    hall_code: str,
    slugs: Sequence[str],
    people: int,
    first: date | None,
    days: int,
    language: str,
) -> dict[str, Any]:
    """The slots of one hall from which a visit for these items and people has room, day by day, from today or `first`.

    Raises ItemNotFound, ItemNotBookable and HallNotFound.
    """
    items = catalogue.items_for_booking(session, slugs)
    shown = slot_days(
        session,
        hall_code=hall_code,
        category_code=items[0].category_code,
        first=first or clock.today(),
        days=days,
        language=language,
    )
    _end(session, shown["days"], slugs, language)
    visits.fit(shown["days"], visits.minutes_of(items, people))
    return shown


def _end(session: Session, days: list[dict[str, Any]], slugs: Sequence[str], language: str) -> None:
    """Days from which one of the items is done no more have no slots, and say so."""
    ending = catalogue.first_to_end(session, slugs)
    for day in days:
        if ending is not None and not ending.done_on(day["date"]):
            words = catalogue.no_longer_done(ending).in_language(language)
            day.update(state="closed", note=words, left=0, slots=[])


def slot_days(
    session: Session, *, hall_code: str, category_code: str, first: date, days: int, language: str
) -> dict[str, Any]:
    """The slots a citizen may see, day by day. Nothing of a slot is in the answer before its release."""
    hall, category = catalogue.hall(session, hall_code), catalogue.category(session, category_code)
    policy = policy_for(session, hall_code, category_code)
    released = released_until(session, policy)
    last = first + timedelta(days=days - 1)
    rows = session.execute(
        select(Slot.id, Slot.day, Slot.start, Slot.end, SlotQuota.capacity - SlotQuota.held - SlotQuota.booked)
        .join(SlotQuota, (SlotQuota.slot_id == Slot.id) & (SlotQuota.channel == "online"))
        .where(Slot.hall_code == hall_code, Slot.category_code == category_code, Slot.open)
        .where(Slot.day.between(first, min(last, released)))
        .order_by(Slot.start)
    ).all()
    by_day: dict[date, list[dict[str, Any]]] = defaultdict(list)
    now = clock.now()
    for slot_id, day, start, end, left in rows:
        past = now > closes_at(policy, start)
        state = "past" if past else "free" if left > 0 else "full"
        by_day[day].append({"id": slot_id, "start": start, "end": end, "left": 0 if past else left, "state": state})
    notes = _notes(session, hall_code, first, last, language)
    shown = []
    for number in range(days):
        day = first + timedelta(days=number)
        shown.append(_day(session, day, by_day.get(day, []), released=day <= released, note=notes.get(day)))
    return {
        "hall": hall_view(hall, language),
        "category": {"code": category.code, "name": category.name.in_language(language)},
        "opens": {"released_until": released, "next_release_at": next_release(policy)},
        "days": shown,
    }


def next_free(
    session: Session,
    *,
    hall_codes: Sequence[str],
    category_code: str,
    minutes: int,
    per_hall: int = 1,
    before: date | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """The earliest starts of each hall from which a visit of `minutes` has free slots: one statement for all halls.

    `before` is the first day on which there is no such visit any more.
    """
    policies = policies_for(session, hall_codes, category_code)
    released = {code: released_until(session, policy) for code, policy in policies.items()}
    rows = session.execute(
        select(Slot.hall_code, Slot.day, Slot.id, Slot.start, Slot.end)
        .join(SlotQuota, (SlotQuota.slot_id == Slot.id) & (SlotQuota.channel == "online"))
        .where(Slot.hall_code.in_(hall_codes), Slot.category_code == category_code, Slot.open)
        .where(SlotQuota.capacity - SlotQuota.held - SlotQuota.booked > 0)
        .where(Slot.start > clock.now(), Slot.day <= max(released.values(), default=clock.today()))
        .order_by(Slot.start)
    )
    by_hall: dict[str, list[dict[str, Any]]] = {code: [] for code in hall_codes}
    for code, day, slot_id, start, end in rows:
        if before is not None and day >= before:
            continue
        if day <= released[code] and clock.now() <= closes_at(policies[code], start):
            by_hall[code].append({"id": slot_id, "start": start, "end": end})
    return {
        code: list(
            islice((free[at] for at in range(len(free)) if visits.run(free, at, minutes, visits.hours_of)), per_hall)
        )
        for code, free in by_hall.items()
    }


def expected_soon(session: Session, hall_code: str, *, within: timedelta) -> dict[str, int]:
    """By category, how many appointments are due within that time and have not been checked in."""
    now = clock.now()
    query = select(Appointment.category_code, func.count()).where(
        Appointment.hall_code == hall_code,
        Appointment.day == clock.today(),
        Appointment.state == State.BOOKED,
        Appointment.check_in_until > now,
        Appointment.start <= now + within,
    )
    return {code: count for code, count in session.execute(query.group_by(Appointment.category_code))}


def appointments(
    session: Session, *, booker_id: UUID, scope: str, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Appointment]:
    """A person's coming appointments, soonest first, or their history, newest first."""
    query = select(Appointment).where(Appointment.booker_id == booker_id).limit(limit)
    coming = Appointment.state.in_(OPEN) & (Appointment.end > clock.now() - timedelta(hours=12))
    if scope == "open":
        return session.scalars(query.where(coming).order_by(Appointment.start)).all()
    unseen = (State.HELD, State.RELEASED)
    query = query.where(~coming, Appointment.state.not_in(unseen)).order_by(
        Appointment.start.desc(), Appointment.id.desc()
    )
    if before is not None:
        query = query.where(tuple_(Appointment.start, Appointment.id) < before)
    return session.scalars(query).all()


def holds(session: Session, booker_id: UUID) -> Sequence[Appointment]:
    """Live holds; expiry is read by the clock."""
    live = Appointment.state == State.HELD, Appointment.expires_at > clock.now()
    return session.scalars(select(Appointment).where(Appointment.booker_id == booker_id, *live)).all()


def appointment(session: Session, *, booker_id: UUID, appointment_id: UUID) -> Appointment:
    """One's own appointment. Raises NotFound for anybody else's."""
    found = session.scalars(
        select(Appointment).where(
            Appointment.id == appointment_id,
            Appointment.booker_id == booker_id,
            Appointment.state.not_in((State.HELD, State.RELEASED)),
        )
    ).one_or_none()
    if found is None:
        raise NotFound()
    return found


def view(session: Session, row: Appointment, language: str) -> dict[str, Any]:
    """An appointment or hold as its owner sees it."""
    known = particulars(session, row)
    category = catalogue.category(session, row.category_code)
    now, booked = clock.now(), row.state == State.BOOKED
    items = [catalogue.item(session, slug) for slug in known.slugs]
    return {
        "id": row.id,
        "code": row.code,
        "state": row.state.value,
        "hall": hall_view(catalogue.hall(session, row.hall_code), language),
        "category": {"code": category.code, "name": category.name.in_language(language)},
        "items": [{"slug": item.slug, "name": item.name.in_language(language)} for item in items],
        "people": row.people,
        "for_person": {
            "id": row.person_id,
            "name_masked": known.person_masked,
            "is_me": row.person_id == row.booker_id,
        },
        "slot": {"id": known.first_slot_id, "start": row.start, "end": row.end},
        "check_in_from": row.check_in_from,
        "check_in_until": row.check_in_until,
        "cancel_until": row.cancel_until,
        "can_cancel": booked and now < row.end,
        "can_reschedule": booked and now <= row.cancel_until and row.reschedules_left > 0,
        "reschedules_left": row.reschedules_left,
        "created_at": row.created_at,
        "ticket": {"number": row.ticket_number, "link": row.ticket_link} if row.ticket_number else None,
        "rescheduled_to": row.rescheduled_to,
        "closed_why": _closed_why(session, row, language) if row.state == State.HALL_CANCELLED else None,
        "matter": matters.body(session, row.matter_id),
        "expires_at": row.expires_at,
        "server_time": now,
    }


def _closed_why(session: Session, row: Appointment, language: str) -> str | None:
    """Why the hall cancelled it; in English where whoever closed the day wrote that too."""
    cancelled = AppointmentEvent.entity_id == row.id, AppointmentEvent.to_state == State.HALL_CANCELLED
    reason = session.scalar(select(AppointmentEvent.reason).where(*cancelled))
    if language != "en":
        return reason
    closing = DayOverride.hall_code == row.hall_code, DayOverride.day == row.day, DayOverride.note == reason
    return session.scalar(select(DayOverride.note_en).where(*closing).limit(1)) or reason


def hall_view(hall: Hall, language: str) -> dict[str, Any]:
    """A hall as the catalogue shows it; an unverified address is said to be so."""
    return hall_body(hall, language)


def newest_change(session: Session, appointment_id: UUID) -> int:
    """How many events an appointment has: the SEQUENCE of its calendar file."""
    query = select(func.count()).where(AppointmentEvent.entity_id == appointment_id)
    return session.scalar(query) or 0


def _notes(session: Session, hall_code: str, first: date, last: date, language: str) -> dict[date, str | None]:
    words = func.coalesce(DayOverride.note_en, DayOverride.note) if language == "en" else DayOverride.note
    query = (
        select(DayOverride.day, words)
        .where(DayOverride.hall_code == hall_code, DayOverride.day.between(first, last))
        .order_by(DayOverride.open.desc())
    )
    return {day: note for day, note in session.execute(query)}


def _day(
    session: Session, day: date, slots: list[dict[str, Any]], *, released: bool, note: str | None
) -> dict[str, Any]:
    left = sum(slot["left"] for slot in slots)
    if slots:
        state = "open" if left else "full"
    else:
        try:
            open_day = calendar.is_workday(session, day)
        except calendar.CalendarNotLoaded:
            open_day = False
        state = "not_released" if open_day and not released else "closed"
    return {"date": day, "state": state, "note": note, "left": left, "slots": slots}


def concerns(session: Session, *, hall_code: str, person_id: UUID, first: datetime, last: datetime) -> bool:
    """Whether the person is served, or has booked for another, in this hall between the two instants."""
    theirs = or_(Appointment.person_id == person_id, Appointment.booker_id == person_id)
    there = Appointment.hall_code == hall_code, Appointment.start.between(first, last)
    only_held = Appointment.state.in_((State.HELD, State.RELEASED))
    return session.scalar(select(exists().where(theirs, *there, ~only_held))) or False

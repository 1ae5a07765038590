"""Any day of a hall, played with the real services: settings and events are drawn, every event is one transaction."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.appointments import capacity, closing, jobs, slots
from backend.appointments import service as booking
from backend.appointments.models import Appointment, BookingPolicy, OpeningRule, Slot
from backend.appointments.passes import PassKeys
from backend.appointments.states import State as Booking
from backend.core import clock, db
from backend.core.errors import ServiceError
from backend.identity import queries as identities
from backend.queueing import calling, errors, service, tickets, windows
from backend.queueing import closing as ending
from backend.queueing.models import CheckIn, QueuePolicy, Ticket, WindowSession
from backend.queueing.ordering import Kind
from backend.queueing.states import IN_LINE, OPEN, State
from tests.backend.queueing.hall_people import HALL, ITEM, PEOPLE, QUEUES, TODAY, TOMORROW, People

NOON = time(13, 0)
CLERKS = 3
PARTS = ("day", "morning", "afternoon")
OF_QUEUE = Slot.category_code == QUEUES[0]

REFUSALS = (errors.HallClosed, errors.HallFull)
"""All that may keep somebody from a number (circular, clause 12)."""


@dataclass(frozen=True)
class Settings:
    """What a lead may have set. `halves`: start, end and places of each half-day, Xiamen wall-clock time."""

    halves: tuple[tuple[time, time, int], ...]
    policy: dict[str, Any]
    queue: dict[str, Any]
    windows: tuple[tuple[str, ...], ...]
    booked: tuple[int, ...]
    """For which of the first slots of the day the citizens booked the day before; the first citizen cannot."""


@dataclass
class Called:
    """What the line looked like when a number was called in turn."""

    ticket: UUID
    kind: Kind
    queue: str
    overtaken: list[UUID]
    walk_in_could_be_called: bool
    walk_in_waits: bool


@dataclass
class Day:
    """One day under way. A refusal rolls the event back, as at an entry point, and is kept in `refused`."""

    people: People
    settings: Settings
    keys: PassKeys
    now: datetime = datetime(2026, 11, 25, 0, 0, tzinfo=UTC)
    closed: dict[tuple[date, str], bool] = field(default_factory=dict)
    calls: list[Called] = field(default_factory=list)
    refused: ServiceError | None = None
    replanned: bool = False

    def begin(self) -> None:
        """Store the settings, make today's and tomorrow's slots, open the windows."""
        clock.replace(lambda: self.now)
        with db.transaction() as session:
            session.add(QueuePolicy(hall_code=HALL, **self.settings.queue))
            session.add_all(
                BookingPolicy(hall_code=HALL, category_code=code, **self.settings.policy) for code in QUEUES
            )
            session.add_all(
                OpeningRule(
                    id=db.new_id(),
                    hall_code=HALL,
                    category_code=code,
                    weekday=day.isoweekday(),
                    start=start,
                    end=end,
                    windows=1,
                    capacity=places,
                    valid_from=date(2026, 1, 1),
                )
                for code in QUEUES
                for day in (TODAY, TOMORROW)
                for start, end, places in self.settings.halves
            )
            session.flush()
            slots.materialise(session, first=TODAY, last=TOMORROW, hall_codes=[HALL])
            ahead = session.scalars(select(Slot.id).where(OF_QUEUE, Slot.start >= self.now).order_by(Slot.start)).all()
            for number, served in enumerate(self.settings.windows, 1):
                windows.open_window(
                    session,
                    hall_code=HALL,
                    staff_id=self.people.staff[number - 1],
                    window=number,
                    categories=list(served),
                )
        if not ahead:
            return
        begins, self.now = self.now, clock.instant(TODAY - timedelta(days=1), time(12))
        for citizen, place in zip(self.people.citizens[1:], self.settings.booked, strict=False):
            with suppress(ServiceError):
                self.book(citizen, ahead[place % len(ahead)])
        self.now = begins

    def book(self, citizen: UUID, slot: UUID) -> None:
        """Online, in two steps."""
        with db.transaction() as session:
            held = booking.hold(
                session, booker_id=citizen, level=1, slot_id=slot, slugs=[ITEM], people=1, person_id=None
            )
        with db.transaction() as session:
            booking.confirm(session, booker_id=citizen, appointment_id=held.id)

    def play(self, event: str, who: int, pick: int, minutes: int) -> None:
        """Time goes on; then this event happens, or is refused."""
        self.now += timedelta(minutes=minutes)
        self.refused = None
        try:
            EVENTS[event](self, who, pick)
        except ServiceError as error:
            self.refused = error

    def hours(self) -> tuple[datetime, datetime] | None:
        """When the hall works today by its rules and closures alone: booking settings have no say."""
        found = [
            (clock.instant(TODAY, begins), clock.instant(TODAY, ends))
            for start, end, _ in self.settings.halves
            for half, begins, ends in (("morning", start, min(end, NOON)), ("afternoon", max(start, NOON), end))
            if begins < ends and not self.closed.get((TODAY, half), False)
        ]
        return (min(first for first, _ in found), max(last for _, last in found)) if found else None

    def is_open(self) -> bool:
        """Whether tickets are given at this moment."""
        hours = self.hours()
        early = timedelta(minutes=self.settings.queue["opens_before_minutes"])
        return hours is not None and hours[0] - early <= self.now < hours[1]

    def is_full(self, session: Session) -> bool:
        """Whether the building holds no more."""
        limit = self.settings.queue["capacity"]
        if limit is None:
            return False
        inside = select(func.coalesce(func.sum(Ticket.people), 0)).where(Ticket.day == TODAY, Ticket.state.in_(OPEN))
        return (session.scalar(inside) or 0) >= limit

    def take(self, session: Session, who: int, pick: int) -> Ticket:
        """A number at the desk, the kiosk or by phone; `who` past the citizens is nobody known."""
        known = self.people.citizens[who] if who < PEOPLE else None
        born = identities.person(session, known).born if known else None
        return tickets.take(
            session,
            hall_code=HALL,
            category_code=QUEUES[pick % 2],
            slugs=[],
            taker=tickets.Taker(
                holder=identities.holder(session, known) if known else None,
                person_id=known,
                lane="elder" if identities.is_elder(born) else ("pregnant" if pick % 7 == 6 else None),
                people=1 + pick % 3 // 2,
            ),
            source=("desk", "kiosk", "phone")[pick % 3] if known else "desk",
            actor="test",
        )

    def clerk(self, who: int) -> UUID:
        """One of those who sat down first."""
        return self.people.staff[who % len(self.settings.windows)]


def book(day: Day, who: int, pick: int) -> None:
    with db.transaction() as session:
        ahead = session.scalars(select(Slot.id).where(OF_QUEUE, Slot.start > day.now).order_by(Slot.start)).all()
    if ahead:
        day.book(day.people.citizens[who % PEOPLE], ahead[pick % len(ahead)])


def hold(day: Day, who: int, pick: int) -> None:
    with db.transaction() as session:
        ahead = session.scalars(select(Slot.id).where(OF_QUEUE, Slot.start > day.now)).all()
        if ahead:
            booking.hold(
                session,
                booker_id=day.people.citizens[who % PEOPLE],
                level=1,
                slot_id=ahead[pick % len(ahead)],
                slugs=[ITEM],
                people=1,
                person_id=None,
            )


def _appointment(session: Session, pick: int) -> Appointment | None:
    coming = (Booking.BOOKED, Booking.NO_SHOW, Booking.EXCUSED)
    query = select(Appointment).where(Appointment.state.in_(coming), Appointment.day >= TODAY)
    found = session.scalars(query.order_by(Appointment.start, Appointment.id)).all()
    return found[pick % len(found)] if found else None


def cancel(day: Day, who: int, pick: int) -> None:
    with db.transaction() as session:
        found = _appointment(session, pick)
        if found:
            booking.cancel(session, booker_id=found.booker_id, appointment_id=found.id, reason=None)


def reschedule(day: Day, who: int, pick: int) -> None:
    with db.transaction() as session:
        found = _appointment(session, who)
        ahead = session.scalars(select(Slot.id).where(OF_QUEUE, Slot.start > day.now)).all()
        if found and ahead:
            chosen = ahead[pick % len(ahead)]
            booking.reschedule(session, booker_id=found.booker_id, appointment_id=found.id, slot_id=chosen)


def take(day: Day, who: int, pick: int) -> None:
    with db.transaction() as session:
        day.take(session, who, pick)


def crowd(day: Day, who: int, pick: int) -> None:
    """Several people whom nobody knows, one after the other."""
    for number in range(1 + pick % 4):
        with db.transaction() as session:
            day.take(session, PEOPLE, 2 * number)


def check_in(day: Day, who: int, pick: int) -> None:
    """Everybody whose time has come, or anybody: too early, late, on another day."""
    with db.transaction() as session:
        found = _appointment(session, pick)
    codes = due(day) if who % 2 else [found.code if found else None]
    for code in codes:
        if code:
            with db.transaction() as session:
                staff = day.people.staff[3]
                service.check_in(session, text=code, hall_code=HALL, staff_id=staff, identified=True, keys=day.keys)


def due(day: Day) -> Sequence[str | None]:
    """The codes of those who may check in now."""
    with db.transaction() as session:
        expected = select(Appointment.code).where(Appointment.state == Booking.BOOKED, Appointment.day == TODAY)
        return session.scalars(expected.where(Appointment.check_in_from <= day.now)).all()


def rush(day: Day, who: int, pick: int) -> None:
    """The hall's fullest quarter: bookings come to their time and others with them, while all windows work."""
    with db.transaction() as session:
        coming = (Appointment.state == Booking.BOOKED, Appointment.day == TODAY, Appointment.start > day.now)
        first = session.scalars(select(Appointment).where(*coming).order_by(Appointment.start).limit(1)).one_or_none()
    if first is not None:
        day.now = max(day.now, first.check_in_from, first.start - timedelta(minutes=pick % 3 * 5))
    check_in(day, 1, pick)
    with suppress(*REFUSALS):
        crowd(day, who, pick)
    for number in range(len(day.settings.windows)):
        with suppress(ServiceError):
            work_off(day, number, who)


def undo(day: Day, who: int, pick: int) -> None:
    with db.transaction() as session:
        last = session.scalar(select(CheckIn.id).order_by(CheckIn.at.desc(), CheckIn.id.desc()).limit(1))
        if last:
            service.undo(session, check_in_id=last, hall_code=HALL, staff_id=day.people.staff[3])


def call(day: Day, who: int, pick: int) -> None:
    clerk = day.clerk(who)
    with db.transaction() as session:
        seats = session.scalars(select(WindowSession).where(WindowSession.closed_at.is_(None))).all()
        line = session.scalars(select(Ticket).where(Ticket.day == TODAY, Ticket.state.in_(IN_LINE))).all()
        before = {one.id: (one.due_at, one.created_at, one.id) for one in line if one.state is State.WAITING}
        walkers = [one for one in line if one.state is State.WAITING and one.kind is Kind.WALK_IN]
        resumed = [one.id for one in line if one.state is State.WAITING_PRIORITY]
        called = calling.call_next(session, staff_id=clerk)
    if called.id in resumed:
        return
    window = next(seat for seat in seats if seat.staff_id == clerk)
    working = {seat.window for seat in seats}
    may = [
        one
        for one in walkers
        if one.category_code in window.categories
        and (one.wanted_window in (None, window.window) or one.wanted_window not in working)
    ]
    queue = called.category_code
    day.calls.append(
        Called(
            called.id,
            called.kind,
            queue,
            overtaken=[one.id for one in may if before[one.id] < before[called.id]],
            walk_in_could_be_called=any(one.category_code == queue for one in may),
            walk_in_waits=any(one.category_code == queue for one in walkers),
        )
    )


def _of_clerk(act: Callable[..., Any], **more: Any) -> Callable[[Day, int, int], None]:
    def event(day: Day, who: int, pick: int) -> None:
        with db.transaction() as session:
            act(session, staff_id=day.clerk(who), **more)

    return event


def work_off(day: Day, who: int, pick: int) -> None:
    """A window calls and serves a few people, one after the other."""
    for _ in range(2 + pick % 4):
        call(day, who, pick)
        serve(day, who, pick)


def serve(day: Day, who: int, pick: int) -> None:
    """Somebody who was called is served to the end; nobody is there otherwise."""
    with suppress(ServiceError), db.transaction() as session:
        calling.answer(session, staff_id=day.clerk(who))
    with db.transaction() as session:
        calling.finish(session, staff_id=day.clerk(who), outcome="done", count=1, note=None)


def _ticket(session: Session, state: State, pick: int) -> Ticket | None:
    query = select(Ticket).where(Ticket.day == TODAY, Ticket.state == state).order_by(Ticket.created_at, Ticket.id)
    found = session.scalars(query.with_for_update()).all()
    return found[pick % len(found)] if found else None


def come_back(day: Day, who: int, pick: int) -> None:
    with db.transaction() as session:
        found = _ticket(session, State.PASSED, pick)
        if found:
            calling.come_back(session, hall_code=HALL, ticket_id=found.id, actor="test")


def unpark(day: Day, who: int, pick: int) -> None:
    with db.transaction() as session:
        found = _ticket(session, State.PARKED, pick)
        if found:
            calling.unpark(session, staff_id=day.clerk(who), ticket_id=found.id)


def choose(day: Day, who: int, pick: int) -> None:
    with db.transaction() as session:
        found = _ticket(session, State.WAITING, pick)
        if found:
            calling.call_chosen(session, staff_id=day.clerk(who), ticket_id=found.id, reason="孩子发烧")


def give_up(day: Day, who: int, pick: int) -> None:
    with db.transaction() as session:
        found = _ticket(session, State.WAITING, pick)
        if found:
            tickets.give_up(session, found, actor="ticket")


def transfer(day: Day, who: int, pick: int) -> None:
    with db.transaction() as session:
        calling.transfer(
            session,
            staff_id=day.clerk(who),
            category_code=QUEUES[pick % 2],
            window=1 + pick % CLERKS if pick % 4 == 3 else None,
            reason="走错了",
        )


def pause(day: Day, who: int, pick: int) -> None:
    with db.transaction() as session:
        (windows.pause if pick % 2 else windows.resume)(session, day.clerk(who))


def sit(day: Day, who: int, pick: int) -> None:
    """A clerk moves to a window and queues, takes over from a colleague, or leaves."""
    with db.transaction() as session:
        if pick % 3 == 0:
            windows.leave(session, day.clerk(who))
            return
        windows.open_window(
            session,
            hall_code=HALL,
            staff_id=day.clerk(who),
            window=1 + pick % CLERKS,
            categories=list(day.settings.windows[pick % len(day.settings.windows)]),
            take_over=pick % 3 == 1,
        )


def shut(day: Day, who: int, pick: int) -> None:
    """A closure of today or tomorrow, whole or half; or one is taken back."""
    on, part = (TODAY, TOMORROW)[who % 2], PARTS[pick % 3]
    with db.transaction() as session:
        if pick % 4 == 3:
            closing.remove_override(session, hall_code=HALL, day=on, part=part, reason="恢复", actor="staff:test")
        else:
            closing.set_override(
                session,
                hall_codes=[HALL],
                day=on,
                part=part,
                open_=False,
                reason="台风",
                reason_en=None,
                actor="staff:test",
            )
    day.closed |= {(on, half): pick % 4 != 3 for half in closing.HALVES[part]}


def replan(day: Day, who: int, pick: int) -> None:
    """A lead changes a slot's places, or the settings of booking."""
    with db.transaction() as session:
        if pick % 2:
            slot = session.scalars(select(Slot.id).where(Slot.start > day.now).order_by(Slot.start).limit(1)).first()
            if slot:
                capacity.change_slot(
                    session, hall_code=HALL, slot_id=slot, capacity=who, reason="人手不够", actor="staff:test"
                )
        else:
            capacity.change_policy(
                session,
                hall_code=HALL,
                category_code=QUEUES[0],
                values={"slot_minutes": 10 + 15 * who, "onsite_percent": 30 + 10 * who, "same_day": bool(pick % 3)},
                reason="试行",
                actor="staff:test",
            )
    day.replanned = True


def work(day: Day, who: int, pick: int) -> None:
    """What the worker does every minute."""
    for job in (jobs.sweep_holds, jobs.cancel_closed, jobs.return_places, jobs.fall_to_onsite, jobs.mark_missed):
        job()


def send_home(day: Day, who: int, pick: int) -> None:
    """An emergency: everybody's number is carried over."""
    with db.transaction() as session:
        ending.carry_over(session, hall_code=HALL, actor="staff:test", reason="停电")


EVENTS: dict[str, Callable[[Day, int, int], None]] = {
    "book": book,
    "hold": hold,
    "cancel": cancel,
    "reschedule": reschedule,
    "take": take,
    "crowd": crowd,
    "rush": rush,
    "work_off": work_off,
    "check_in": check_in,
    "undo": undo,
    "call": call,
    "serve": serve,
    "answer": _of_clerk(calling.answer),
    "recall": _of_clerk(calling.recall),
    "pass": _of_clerk(calling.pass_over),
    "park": _of_clerk(calling.park, note=None),
    "come_back": come_back,
    "unpark": unpark,
    "choose": choose,
    "give_up": give_up,
    "transfer": transfer,
    "pause": pause,
    "sit": sit,
    "shut": shut,
    "replan": replan,
    "work": work,
    "send_home": send_home,
}
OFTEN = {
    "rush": 8,
    "take": 3,
    "crowd": 5,
    "check_in": 6,
    "call": 3,
    "serve": 3,
    "work_off": 6,
    "transfer": 2,
    "pass": 2,
}
"""How often each event is drawn, next to once for all others."""
DRAWN = [event for event in EVENTS for _ in range(OFTEN.get(event, 1))]

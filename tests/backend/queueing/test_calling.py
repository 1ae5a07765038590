"""A window's day at the service: calling in turn, missing, coming back, parking, moving, finishing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.appointments.models import Appointment, SlotQuota
from backend.appointments.states import State as Booking
from backend.core.errors import InvalidTransition
from backend.identity.models import Staff
from backend.identity.staff import create_staff
from backend.queueing import calling, closing, doctor, errors, jobs, tickets, windows
from backend.queueing.models import Call, Leg, QueuePolicy, Ticket, TicketItem
from backend.queueing.ordering import Kind
from backend.queueing.states import State
from notify.models import Notification
from tests.backend.appointments.test_booking import book
from tests.conftest import Clock

HALL, QUEUE, OTHER = "XM", "exit-entry", "vehicle"
NINE = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)

Take = Callable[..., Ticket]


@pytest.fixture
def nine(clock: Clock) -> Clock:
    """Wednesday, 09:00 in Xiamen."""
    clock.set(NINE)
    return clock


@pytest.fixture
def take(session: Session, nine: Clock) -> Take:
    """A walk-in takes a number."""

    def one(category: str = QUEUE, *, hall: str = HALL, slugs: list[str] | None = None, **taker: object) -> Ticket:
        return tickets.take(
            session,
            hall_code=hall,
            category_code=category,
            slugs=slugs or [],
            taker=tickets.Taker(**taker),
            source="desk",
            actor="staff:test",
        )

    return one


@pytest.fixture
def clerk(session: Session, nine: Clock) -> Callable[..., UUID]:
    """A member of staff who sits down at a window."""

    def sit(window: int, categories: list[str] | None = None) -> UUID:
        username = f"clerk-{uuid4().hex[:8]}"
        create_staff(
            session,
            username=username,
            display_name="窗口",
            password="a-long-test-password",
            roles=[("window_clerk", HALL)],
        )
        staff_id = session.scalars(select(Staff.id).where(Staff.username == username)).one()
        windows.open_window(session, hall_code=HALL, staff_id=staff_id, window=window, categories=categories or [QUEUE])
        return staff_id

    return sit


def booked(session: Session, take: Take, *, due: timedelta) -> Ticket:
    """A ticket that counts as booked, due at an offset from nine."""
    ticket = take()
    session.execute(
        update(Ticket).where(Ticket.id == ticket.id).values(kind=Kind.BOOKED, due_at=NINE + due, source="appointment")
    )
    session.expire_all()
    return ticket


def serve(session: Session, staff: UUID, outcome: str = "done") -> Ticket:
    calling.answer(session, staff_id=staff)
    return calling.finish(session, staff_id=staff, outcome=outcome, count=1, note=None)


def test_numbers_run_on_and_a_holder_keeps_the_one_ticket(session: Session, take: Take) -> None:
    first, second = take(holder=b"a" * 32), take(holder=b"b" * 32)
    again = take(holder=b"a" * 32, slugs=["passport-first"])
    assert (first.seq, second.seq, again.id) == (1, 2, first.id)
    assert session.scalars(select(TicketItem.item_slug).where(TicketItem.ticket_id == first.id)).all() == [
        "passport-first"
    ]
    assert take(OTHER, holder=b"a" * 32).id != first.id
    assert take().number != take().number
    assert broken(session) == []


def broken(session: Session) -> list[str]:
    session.flush()
    return doctor.invariants(session)


def test_a_walk_in_counts_against_the_onsite_places_and_is_never_refused_by_them(
    session: Session, take: Take, slots: list[UUID]
) -> None:
    session.execute(
        update(SlotQuota).where(SlotQuota.slot_id.in_(slots), SlotQuota.channel == "onsite").values(capacity=1)
    )
    given = [take() for _ in range(len(slots) + 5)]
    counted = [ticket.slot_id for ticket in given]
    assert counted[: len(slots)] == slots
    assert counted[len(slots) :] == [None] * 5
    assert broken(session) == []


def test_closed_full_and_unknown_are_the_only_refusals(session: Session, take: Take, nine: Clock) -> None:
    with pytest.raises(errors.NoSuchQueue):
        take("marriage")
    with pytest.raises(errors.NotThisQueue):
        take(OTHER, slugs=["passport-first"])
    nine.set(NINE - timedelta(minutes=31))
    with pytest.raises(errors.HallClosed) as early:
        take()
    assert early.value.extension == {"opens_at": "2026-11-25T00:30:00Z"}
    nine.set(NINE + timedelta(hours=8))
    with pytest.raises(errors.HallClosed):
        take()
    nine.set(NINE)
    session.add(QueuePolicy(hall_code=HALL, capacity=2, **{n: 5 for n in ("allowance_minutes", "late_credit_minutes")}))
    session.flush()
    take(people=2)
    with pytest.raises(errors.HallFull):
        take()


def test_due_first_and_the_guard_lets_a_walk_in_go(session: Session, take: Take, clerk: Callable[..., UUID]) -> None:
    early = [booked(session, take, due=timedelta(minutes=minute)) for minute in (0, 1, 2, 3)]
    walkers = [take(), take()]
    staff = clerk(1)
    order = []
    for _ in range(6):
        order.append(calling.call_next(session, staff_id=staff).id)
        serve(session, staff)
    assert order == [early[0].id, walkers[0].id, early[1].id, walkers[1].id, early[2].id, early[3].id]
    with pytest.raises(errors.NobodyWaiting):
        calling.call_next(session, staff_id=staff)
    assert broken(session) == []


def test_a_green_ticket_is_due_at_arrival(
    session: Session, take: Take, clerk: Callable[..., UUID], nine: Clock
) -> None:
    take()
    nine.advance(minutes=5)
    green = take(lane="pregnant")
    assert calling.call_next(session, staff_id=clerk(1)).id == green.id


def test_recall_miss_and_coming_back_after_three_people(
    session: Session, take: Take, clerk: Callable[..., UUID], nine: Clock
) -> None:
    line = []
    for _ in range(6):
        line.append(take())
        nine.advance(minutes=1)
    staff = clerk(1)
    called = calling.call_next(session, staff_id=staff)
    with pytest.raises(errors.FinishFirst):
        calling.call_next(session, staff_id=staff)
    assert calling.recall(session, staff_id=staff).calls == 2
    calling.pass_over(session, staff_id=staff)
    assert session.get_one(Ticket, called.id).state is State.PASSED
    calling.come_back(session, hall_code=HALL, ticket_id=called.id, actor="staff:test")
    order = []
    for _ in range(6):
        order.append(calling.call_next(session, staff_id=staff).id)
        serve(session, staff)
    assert order == [line[1].id, line[2].id, line[3].id, line[0].id, line[4].id, line[5].id]
    kinds = session.scalars(select(Call.kind).where(Call.ticket_id == called.id).order_by(Call.id)).all()
    assert kinds == ["next", "recall", "next"]


def test_parked_people_are_served_again_or_first_at_their_window(
    session: Session, take: Take, clerk: Callable[..., UUID]
) -> None:
    parked, second, third = take(), take(), take()
    one, two = clerk(1), clerk(2)
    calling.call_next(session, staff_id=one)
    calling.answer(session, staff_id=one)
    calling.park(session, staff_id=one, note="去复印")
    assert calling.unpark(session, staff_id=one, ticket_id=parked.id).state is State.SERVING
    calling.park(session, staff_id=one, note=None)
    assert calling.call_next(session, staff_id=one).id == second.id
    assert calling.unpark(session, staff_id=one, ticket_id=parked.id).state is State.WAITING_PRIORITY
    assert calling.call_next(session, staff_id=two).id == third.id, "window one works, so it keeps its number"
    serve(session, one)
    assert calling.call_next(session, staff_id=one).id == parked.id
    serve(session, one)
    legs = session.scalars(select(Leg.outcome).where(Leg.ticket_id == parked.id).order_by(Leg.started_at, Leg.id)).all()
    assert sorted(str(leg) for leg in legs) == ["done", "parked", "parked"]
    assert broken(session) == []


def test_a_window_that_left_does_not_keep_its_parked_people(
    session: Session, take: Take, clerk: Callable[..., UUID]
) -> None:
    parked, other = take(), take()
    one, two = clerk(1), clerk(2)
    calling.call_next(session, staff_id=one)
    calling.answer(session, staff_id=one)
    calling.park(session, staff_id=one, note=None)
    calling.call_next(session, staff_id=one)
    calling.unpark(session, staff_id=one, ticket_id=parked.id)
    serve(session, one)
    windows.leave(session, one)
    assert calling.call_next(session, staff_id=two).id == parked.id
    assert session.get_one(Ticket, other.id).state is State.DONE


def test_moving_to_another_queue_keeps_number_and_time(
    session: Session, take: Take, clerk: Callable[..., UUID], nine: Clock
) -> None:
    moved = take(holder=b"m" * 32)
    nine.advance(minutes=3)
    waiting = take(OTHER)
    number, due = moved.number, moved.due_at
    one, two = clerk(1), clerk(2, [OTHER])
    calling.call_next(session, staff_id=one)
    calling.answer(session, staff_id=one)
    with pytest.raises(errors.NoSuchQueue):
        calling.transfer(session, staff_id=one, category_code="marriage", window=None, reason="走错了")
    calling.transfer(session, staff_id=one, category_code=OTHER, window=None, reason="还要办车驾管")
    kept = session.get_one(Ticket, moved.id)
    assert (kept.number, kept.due_at, kept.category_code, kept.state) == (number, due, OTHER, State.WAITING)
    assert calling.call_next(session, staff_id=two).id == moved.id
    serve(session, two)
    assert calling.call_next(session, staff_id=two).id == waiting.id
    assert broken(session) == []


def test_a_chosen_number_needs_a_reason_and_leaves_a_trace(
    session: Session, take: Take, clerk: Callable[..., UUID]
) -> None:
    take()
    last = take()
    staff = clerk(1)
    assert calling.call_chosen(session, staff_id=staff, ticket_id=last.id, reason="孩子发烧").id == last.id
    row = session.execute(select(Call.kind, Call.reason).where(Call.ticket_id == last.id)).one()
    assert tuple(row) == ("chosen", "孩子发烧")


def test_pause_hand_over_and_leaving(session: Session, take: Take, clerk: Callable[..., UUID]) -> None:
    ticket = take()
    one, two = clerk(1), clerk(2)
    windows.pause(session, one)
    with pytest.raises(errors.WindowPaused):
        calling.call_next(session, staff_id=one)
    windows.resume(session, one)
    calling.call_next(session, staff_id=one)
    with pytest.raises(errors.FinishFirst):
        windows.leave(session, one)
    with pytest.raises(errors.WindowTaken):
        windows.open_window(session, hall_code=HALL, staff_id=two, window=1, categories=[QUEUE])
    windows.open_window(session, hall_code=HALL, staff_id=two, window=1, categories=[QUEUE], take_over=True)
    with pytest.raises(errors.NotAtWindow):
        calling.answer(session, staff_id=one)
    assert serve(session, two).id == ticket.id
    windows.leave(session, two)
    assert broken(session) == []


def test_the_end_of_the_day_closes_what_is_left(
    session: Session, take: Take, clerk: Callable[..., UUID], nine: Clock
) -> None:
    waiting, missed, served = take(), take(), take()
    staff = clerk(1)
    calling.call_chosen(session, staff_id=staff, ticket_id=missed.id, reason="试叫一下")
    calling.pass_over(session, staff_id=staff)
    calling.call_chosen(session, staff_id=staff, ticket_id=served.id, reason="试叫一下")
    calling.answer(session, staff_id=staff)
    while closing.close(session, hall_code=HALL, until=NINE.date()):
        session.flush()
    session.expire_all()
    states = [session.get_one(Ticket, ticket.id).state for ticket in (waiting, missed, served)]
    assert states == [State.CLOSED, State.ABANDONED, State.CLOSED]
    with pytest.raises(errors.NotAtWindow):
        windows.current(session, staff)
    assert broken(session) == []


def test_the_job_closes_only_days_that_are_over(
    session: Session, take: Take, clerk: Callable[..., UUID], nine: Clock
) -> None:
    old = take()
    left = clerk(1)
    session.commit()
    nine.advance(days=1)
    new = take()
    today = clerk(2)
    session.commit()
    jobs.close_days()
    session.expire_all()
    assert [session.get_one(Ticket, ticket.id).state for ticket in (old, new)] == [State.CLOSED, State.WAITING]
    assert windows.current(session, today).window == 2
    with pytest.raises(errors.NotAtWindow):
        windows.current(session, left)
    nine.advance(hours=13)
    jobs.close_days()
    session.expire_all()
    assert session.get_one(Ticket, new.id).state is State.CLOSED


def test_an_emergency_carries_the_line_over_in_its_order(
    session: Session, take: Take, clerk: Callable[..., UUID], nine: Clock
) -> None:
    first, second = take(holder=b"c" * 32), take(lane="disabled")
    made = closing.carry_over(session, hall_code=HALL, actor="staff:lead", reason="停电")
    assert [ticket.carried_from for ticket in made] == [second.id, first.id]
    assert {ticket.seq for ticket in made} == {1, 2}
    nine.set(NINE + timedelta(days=1))
    newcomer = take(lane="disabled")
    staff = clerk(1)
    assert calling.call_next(session, staff_id=staff).carried_from == second.id
    serve(session, staff)
    assert calling.call_next(session, staff_id=staff).carried_from == first.id
    serve(session, staff)
    assert calling.call_next(session, staff_id=staff).id == newcomer.id
    assert broken(session) == []


def test_people_are_told_three_ahead_and_when_called(
    session: Session,
    take: Take,
    clerk: Callable[..., UUID],
    citizen: Callable[[], tuple[UUID, dict[str, str]]],
    nine: Clock,
) -> None:
    people = [citizen()[0] for _ in range(6)]
    for person in people:
        take(person_id=person, holder=person.bytes * 2)
        nine.advance(seconds=1)
    staff = clerk(1)
    calling.call_next(session, staff_id=staff)
    sent = {
        template: set(session.scalars(select(Notification.person_id).where(Notification.template == template)))
        for template in ("queue_called", "queue_near")
    }
    assert sent == {"queue_called": {people[0]}, "queue_near": set(people[1:5])}
    serve(session, staff)
    calling.call_next(session, staff_id=staff)
    near = session.scalars(select(Notification.person_id).where(Notification.template == "queue_near")).all()
    assert sorted(near) == sorted(people[1:])


def test_giving_up_is_once_and_not_at_a_window(session: Session, take: Take, clerk: Callable[..., UUID]) -> None:
    gone, called = take(), take()
    tickets.give_up(session, gone, actor="citizen")
    tickets.give_up(session, gone, actor="citizen")
    calling.call_next(session, staff_id=clerk(1))
    with pytest.raises(InvalidTransition):
        tickets.give_up(session, session.get_one(Ticket, called.id), actor="citizen")
    assert broken(session) == []


def test_a_served_appointment_is_fulfilled(post, citizen, slots, session, clock, gate, clerk) -> None:
    clock.set(datetime(2026, 11, 24, 1, 0, tzinfo=UTC))
    _, who = citizen()
    made = book(post, who, slots[3])
    clock.set(datetime.fromisoformat(made["slot"]["start"]))
    let_in = post("/staff/check-ins", gate(), {"code": made["code"], "identity_checked": True}).json
    assert let_in["verdict"] == "on_time"
    staff = clerk(1)
    assert calling.call_next(session, staff_id=staff).number == let_in["ticket"]["number"]
    serve(session, staff)
    session.commit()
    session.expire_all()
    assert session.get_one(Appointment, UUID(made["id"])).state is Booking.FULFILLED
    assert broken(session) == []


def test_a_window_that_may_not_call_a_walk_in_does_not_start_the_guard_anew(
    session: Session, take: Take, clerk: Callable[..., UUID]
) -> None:
    """Somebody was sent to window two; what window one calls meanwhile must not keep them waiting longer."""
    one, two = clerk(1), clerk(2)
    sent = take()
    calling.call_next(session, staff_id=one)
    calling.answer(session, staff_id=one)
    calling.transfer(session, staff_id=one, category_code=QUEUE, window=2, reason="要到二号窗口盖章")
    for minute in range(4):
        booked(session, take, due=timedelta(minutes=minute))
    order = []
    for staff in (two, one, two):
        order.append(calling.call_next(session, staff_id=staff).id)
        serve(session, staff)
    assert order[2] == sent.id


def test_whoever_gives_up_after_checking_in_has_left(post, citizen, slots, session, clock, gate) -> None:
    clock.set(datetime(2026, 11, 24, 1, 0, tzinfo=UTC))
    _, who = citizen()
    made = book(post, who, slots[3])
    clock.set(datetime.fromisoformat(made["slot"]["start"]))
    let_in = post("/staff/check-ins", gate(), {"code": made["code"], "identity_checked": True}).json
    tickets.give_up(session, session.get_one(Ticket, UUID(let_in["ticket"]["id"])), actor="ticket")
    session.commit()
    session.expire_all()
    assert session.get_one(Appointment, UUID(made["id"])).state is Booking.LEFT
    assert broken(session) == []


def test_a_second_emergency_on_a_day_keeps_both_numbers_of_a_person(session: Session, take: Take) -> None:
    take(holder=b"c" * 32)
    closing.carry_over(session, hall_code=HALL, actor="staff:lead", reason="停电")
    take(holder=b"c" * 32)
    made = closing.carry_over(session, hall_code=HALL, actor="staff:lead", reason="又停电")
    assert [ticket.seq for ticket in made] == [2]
    assert broken(session) == []


def test_somebody_served_before_is_still_known_after_a_transfer(
    session: Session, take: Take, clerk: Callable[..., UUID]
) -> None:
    one, two = clerk(1), clerk(2, [OTHER])
    take(OTHER, holder=b"d" * 32)
    calling.call_next(session, staff_id=two)
    serve(session, two)
    moved = take(holder=b"d" * 32)
    calling.call_next(session, staff_id=one)
    calling.transfer(session, staff_id=one, category_code=OTHER, window=None, reason="走错了")
    session.flush()
    assert take(OTHER, holder=b"d" * 32).id == moved.id

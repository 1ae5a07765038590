"""叫号: which ticket a window gets, and what it does with it. Two windows never get the same ticket."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session, aliased

from backend.appointments import redemption
from backend.core import audit, clock
from backend.core.errors import NotFound
from backend.core.states import transition
from backend.queueing import errors, legs, ordering, tell, tickets, windows
from backend.queueing.legs import appointment_of
from backend.queueing.models import Call, QueueGuard, Ticket, WindowSession
from backend.queueing.ordering import Kind
from backend.queueing.policy import policy_for, queue
from backend.queueing.states import IN_LINE, Event, State


def call_next(session: Session, *, staff_id: UUID) -> Ticket:
    """The next ticket of the window's queues. Raises NotAtWindow, WindowPaused, FinishFirst and NobodyWaiting."""
    window = _free(session, staff_id)
    day = clock.today()
    runs = _lock_queues(session, window.hall_code, day, window.categories)
    resumed = _resumed(session, window, day)
    if resumed is not None:
        return _call(session, window, resumed, "resumed")
    policy = policy_for(session, window.hall_code)
    waiting = _walk_ins_waiting(session, window, day)
    owed = [code for code, callable_here in waiting.items() if callable_here and runs[code] + 1 >= policy.guard_every]
    found = session.scalars(
        select(Ticket)
        .where(*_line(window, day), Ticket.state == State.WAITING)
        .where(or_(Ticket.category_code.not_in(owed), Ticket.kind == Kind.WALK_IN))
        .order_by(Ticket.due_at, Ticket.created_at, Ticket.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if found is None:
        raise errors.NobodyWaiting()
    code = found.category_code
    if found.kind is Kind.WALK_IN or waiting.get(code, True):
        run = ordering.run_after(found.kind, booked_run=runs[code], walk_in_waits=code in waiting)
        mine = QueueGuard.hall_code == window.hall_code, QueueGuard.day == day, QueueGuard.category_code == code
        session.execute(update(QueueGuard).where(*mine).values(booked_run=run))
    return _call(session, window, found, "next")


def call_chosen(session: Session, *, staff_id: UUID, ticket_id: UUID, reason: str) -> Ticket:
    """指定叫号: out of turn, with a permission and a reason, audited. Raises NotFound and InvalidTransition."""
    window = _free(session, staff_id)
    _lock_queues(session, window.hall_code, clock.today(), window.categories)
    ticket = _of_hall(session, window.hall_code, ticket_id)
    audit.record(
        session,
        actor=f"staff:{staff_id}",
        action="ticket.called_out_of_turn",
        object_type="ticket",
        object_id=ticket.id,
        hall_code=window.hall_code,
        reason=reason,
    )
    return _call(session, window, ticket, "chosen", reason)


def recall(session: Session, *, staff_id: UUID) -> Ticket:
    """重呼: call the same number again. Raises NobodyAtWindow."""
    window, ticket = _at_window(session, staff_id)
    transition(session, ticket, Event.RECALL, actor=f"staff:{staff_id}")
    ticket.calls += 1
    _record_call(session, window, ticket, "recall", None)
    return ticket


def answer(session: Session, *, staff_id: UUID) -> Ticket:
    """应答: the person is here; serving begins."""
    window, ticket = _at_window(session, staff_id)
    transition(session, ticket, Event.ANSWER, actor=f"staff:{staff_id}")
    legs.begin(session, ticket, window)
    return ticket


def pass_over(session: Session, *, staff_id: UUID) -> Ticket:
    """过号: nobody came. The person may come back until closing."""
    _, ticket = _at_window(session, staff_id)
    transition(session, ticket, Event.MISS, actor=f"staff:{staff_id}")
    tell.passed(session, ticket)
    return ticket


def come_back(session: Session, *, hall_code: str, ticket_id: UUID, actor: str) -> Ticket:
    """过号重排: in again after the next few people of the queue. Raises NotFound and InvalidTransition."""
    ticket = _of_hall(session, hall_code, ticket_id)
    return rejoin(session, ticket, actor=actor)


def rejoin(session: Session, ticket: Ticket, *, actor: str) -> Ticket:
    """The passed ticket joins the line again: due just after the person `return_after` places down the line."""
    policy = policy_for(session, ticket.hall_code)
    dues = session.scalars(
        select(Ticket.due_at)
        .where(*_same_queue(ticket), Ticket.state.in_(IN_LINE))
        .order_by(Ticket.due_at)
        .limit(policy.return_after)
    ).all()
    ticket.due_at = max([clock.now(), *(due + timedelta(microseconds=1) for due in dues)]) if dues else clock.now()
    ticket.calls, ticket.near_told, ticket.wanted_window = 0, False, None
    session.flush()
    transition(session, ticket, Event.RETURN, actor=actor)
    return ticket


def park(session: Session, *, staff_id: UUID, note: str | None) -> Ticket:
    """挂起: the person fetches or fills in something and comes back to this window."""
    window, ticket = _at_window(session, staff_id)
    legs.end(session, ticket, outcome="parked", note=note)
    ticket.wanted_window = window.window
    session.flush()
    transition(session, ticket, Event.PARK, actor=f"staff:{staff_id}", reason=note)
    return ticket


def unpark(session: Session, *, staff_id: UUID, ticket_id: UUID) -> Ticket:
    """恢复: serve on at once when this window is free, else first in line for the window that parked it."""
    window = windows.current(session, staff_id)
    ticket = _of_hall(session, window.hall_code, ticket_id)
    if windows.number_at(session, window) is None and window.paused_at is None:
        ticket.session_id = window.id
        session.flush()
        transition(session, ticket, Event.SERVE_AGAIN, actor=f"staff:{staff_id}")
        legs.begin(session, ticket, window)
        return ticket
    transition(session, ticket, Event.RESUME, actor=f"staff:{staff_id}")
    return ticket


def transfer(session: Session, *, staff_id: UUID, category_code: str, window: int | None, reason: str) -> Ticket:
    """转移 to another queue, or to one window of it: number and due time stay. Raises NoSuchQueue, NoSuchWindow."""
    mine, ticket = _at_window(session, staff_id)
    queue(session, mine.hall_code, category_code)
    if window is not None:
        windows.refuse_elsewhere(session, mine.hall_code, window)
    if ticket.state is State.SERVING:
        legs.end(session, ticket, outcome="transferred", note=reason)
    if category_code != ticket.category_code and tickets.holds_another(session, ticket, ticket.day, category_code):
        ticket.holder = None
    ticket.category_code, ticket.wanted_window = category_code, window
    ticket.calls, ticket.near_told = 0, False
    session.flush()
    transition(session, ticket, Event.TRANSFER, actor=f"staff:{staff_id}", reason=reason)
    return ticket


def add_item(session: Session, *, staff_id: UUID, slug: str) -> Ticket:
    """One more item of the same queue (一类一号). Raises NotThisQueue and ItemNotFound."""
    _, ticket = _at_window(session, staff_id)
    tickets.refuse_other_queue(session, ticket.category_code, [slug])
    tickets.add_items(session, ticket.id, [slug])
    return ticket


def for_matter(session: Session, *, staff_id: UUID, matter_id: UUID) -> Ticket:
    """The number at this window is for this case: its serving counts as a visit of the case."""
    window, ticket = _at_window(session, staff_id)
    ticket.matter_id = matter_id
    session.flush()
    audit.record(
        session,
        actor=f"staff:{staff_id}",
        action="ticket.for_case",
        object_type="ticket",
        object_id=ticket.id,
        hall_code=window.hall_code,
        data={"application": str(matter_id)},
    )
    return ticket


def finish(session: Session, *, staff_id: UUID, outcome: str, count: int, note: str | None) -> Ticket:
    """办结: the outcome and how many files were done; an appointment is fulfilled with its ticket."""
    _, ticket = _at_window(session, staff_id)
    legs.end(session, ticket, outcome=outcome, note=note, count=count)
    transition(session, ticket, Event.FINISH, actor=f"staff:{staff_id}")
    visited = appointment_of(session, ticket)
    if visited is not None:
        redemption.fulfil(session, appointment_id=visited, actor=f"staff:{staff_id}")
    tell.finished(session, ticket)
    return ticket


def _free(session: Session, staff_id: UUID) -> WindowSession:
    window = windows.current(session, staff_id)
    if window.paused_at is not None:
        raise errors.WindowPaused()
    if windows.number_at(session, window) is not None:
        raise errors.FinishFirst()
    return window


def _at_window(session: Session, staff_id: UUID) -> tuple[WindowSession, Ticket]:
    window = windows.current(session, staff_id)
    ticket = windows.number_at(session, window)
    if ticket is None:
        raise errors.NobodyAtWindow()
    return window, ticket


def _of_hall(session: Session, hall_code: str, ticket_id: UUID) -> Ticket:
    query = select(Ticket).where(Ticket.id == ticket_id, Ticket.hall_code == hall_code, Ticket.day == clock.today())
    found = session.scalars(query.with_for_update()).one_or_none()
    if found is None:
        raise NotFound()
    return found


def _lock_queues(session: Session, hall_code: str, day: date, categories: Sequence[str]) -> dict[str, int]:
    """One call at a time in each queue, so that the guard counts right; in code order, so that none waits in a ring."""
    codes = sorted(categories)
    rows = [{"hall_code": hall_code, "day": day, "category_code": code} for code in codes]
    session.execute(upsert(QueueGuard).values(rows).on_conflict_do_nothing())
    found = session.execute(
        select(QueueGuard.category_code, QueueGuard.booked_run)
        .where(QueueGuard.hall_code == hall_code, QueueGuard.day == day, QueueGuard.category_code.in_(codes))
        .order_by(QueueGuard.category_code)
        .with_for_update()
    )
    return {code: run for code, run in found}


def _line(window: WindowSession, day: date) -> tuple[ColumnElement[bool], ...]:
    """Tickets this window may call."""
    return (*_in_queues(window, day), _may_call(window))


def _in_queues(window: WindowSession, day: date) -> tuple[ColumnElement[bool], ...]:
    """Tickets of this window's queues."""
    return Ticket.hall_code == window.hall_code, Ticket.day == day, Ticket.category_code.in_(window.categories)


def _may_call(window: WindowSession) -> ColumnElement[bool]:
    wanted = Ticket.wanted_window
    return or_(wanted.is_(None), wanted == window.window, ~_works(wanted, window))


def _works(number: ColumnElement[Any] | Any, window: WindowSession) -> ColumnElement[bool]:
    """Whether somebody works at the wanted window; if not, any window of the queue may call."""
    other = aliased(WindowSession)
    return exists().where(other.hall_code == window.hall_code, other.window == number, other.closed_at.is_(None))


def _resumed(session: Session, window: WindowSession, day: date) -> Ticket | None:
    return session.scalars(
        select(Ticket)
        .where(*_line(window, day), Ticket.state == State.WAITING_PRIORITY)
        .order_by(Ticket.state_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()


def _walk_ins_waiting(session: Session, window: WindowSession, day: date) -> dict[str, bool]:
    """The queues in which somebody without an appointment waits, and whether this window may call one of them."""
    query = select(Ticket.category_code, func.bool_or(_may_call(window))).group_by(Ticket.category_code)
    waiting = Ticket.state == State.WAITING, Ticket.kind == Kind.WALK_IN
    return {
        code: callable_here for code, callable_here in session.execute(query.where(*_in_queues(window, day), *waiting))
    }


def _call(session: Session, window: WindowSession, ticket: Ticket, kind: str, reason: str | None = None) -> Ticket:
    ticket.session_id = window.id
    ticket.calls = 1
    session.flush()
    transition(session, ticket, Event.CALL, actor=f"staff:{window.staff_id}", reason=reason)
    _record_call(session, window, ticket, kind, reason)
    tell.called(session, ticket, window.window)
    tell.nearly(session, ticket.hall_code, ticket.day, ticket.category_code)
    return ticket


def _record_call(session: Session, window: WindowSession, ticket: Ticket, kind: str, reason: str | None) -> None:
    session.execute(
        insert(Call).values(
            ticket_id=ticket.id,
            session_id=window.id,
            hall_code=window.hall_code,
            day=ticket.day,
            window=window.window,
            kind=kind,
            reason=reason,
            at=clock.now(),
        )
    )


def _same_queue(ticket: Ticket) -> tuple[ColumnElement[bool], ...]:
    return (
        Ticket.hall_code == ticket.hall_code,
        Ticket.day == ticket.day,
        Ticket.category_code == ticket.category_code,
    )

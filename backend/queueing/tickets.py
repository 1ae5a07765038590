"""Giving tickets: one sequence a hall, day and prefix, whoever takes the number and wherever."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.appointments import quotas, redemption
from backend.catalogue import queries as catalogue
from backend.core import clock, db
from backend.core.errors import NotFound
from backend.core.states import record_event, transition
from backend.identity import idnumber, people
from backend.identity import queries as identity
from backend.identity import service as identities
from backend.queueing import errors, legs, ordering
from backend.queueing.models import Ticket, TicketCounter, TicketEvent, TicketItem
from backend.queueing.ordering import Kind
from backend.queueing.policy import policy_for, queue, refuse_full, refuse_outside_hours
from backend.queueing.states import IN_LINE, OPEN, Event, State

LINK_BYTES = 12


@dataclass(frozen=True)
class Taker:
    """Who takes a ticket: `holder` is a blind index of an id document or phone; an anonymous taker has none."""

    holder: bytes | None = None
    person_id: UUID | None = None
    lane: str | None = None
    people: int = 1


@dataclass(frozen=True)
class Visit:
    """The appointment behind a ticket: its slot's start, whether the person is late, its check-in, and its case."""

    slot_start: datetime
    late: bool
    check_in_id: UUID
    matter_id: UUID | None = None


def take(
    session: Session, *, hall_code: str, category_code: str, slugs: Sequence[str], taker: Taker, source: str, actor: str
) -> Ticket:
    """现场取号: a walk-in's ticket, counted against the on-site places and never refused by them.

    Neither conduct nor appointments matter here. Raises HallClosed, HallFull, NoSuchQueue and NotThisQueue.
    """
    policy = policy_for(session, hall_code)
    refuse_outside_hours(session, policy, clock.now())
    waiting = _same_holder(session, hall_code, category_code, taker)
    if waiting is None:
        refuse_full(session, policy)
    refuse_other_queue(session, category_code, slugs)
    if waiting is not None:
        add_items(session, waiting.id, slugs)
        return waiting
    slot_id = quotas.count_walk_in(session, hall_code, category_code, clock.now())
    ticket = _insert(session, hall_code, category_code, taker, source, None, actor, slot_id)
    add_items(session, ticket.id, slugs)
    return ticket


def taker_of_card(session: Session, number: str, *, lane: str | None = None, count: int = 1) -> Taker:
    """Who takes a ticket with this checked id number; older people are in the green lane without asking."""
    elder = identity.is_elder(idnumber.birth_date(number))
    return Taker(
        holder=identities.document_index(number),
        person_id=people.by_document(session, number),
        lane=lane or ("elder" if elder else None),
        people=count,
    )


def admit(
    session: Session,
    *,
    hall_code: str,
    category_code: str,
    slugs: Sequence[str],
    taker: Taker,
    visit: Visit,
    actor: str,
) -> Ticket:
    """The ticket of a checked-in appointment. A ticket the same person holds in this queue becomes it."""
    waiting = _same_holder(session, hall_code, category_code, taker)
    if waiting is None or waiting.check_in_id is not None or waiting.state not in IN_LINE:
        taker = taker if waiting is None else Taker(person_id=taker.person_id, lane=taker.lane, people=taker.people)
        waiting = _insert(session, hall_code, category_code, taker, "appointment", visit, actor)
    else:
        waiting.check_in_id, waiting.matter_id = visit.check_in_id, visit.matter_id or waiting.matter_id
        waiting.kind = _kind(visit)
        waiting.due_at = min(waiting.due_at, _due(session, hall_code, taker, visit))
    add_items(session, waiting.id, slugs)
    session.flush()
    return waiting


def refuse_other_queue(session: Session, category_code: str, slugs: Sequence[str]) -> None:
    """Every item belongs to this queue. Raises NotThisQueue and ItemNotFound."""
    for slug in slugs:
        if catalogue.item(session, slug).booking.category_code != category_code:
            raise errors.NotThisQueue()


def add_items(session: Session, ticket_id: UUID, slugs: Sequence[str]) -> None:
    """One ticket carries several items of its category; an item it has already changes nothing."""
    if slugs:
        rows = [{"ticket_id": ticket_id, "item_slug": slug} for slug in slugs]
        session.execute(insert(TicketItem).values(rows).on_conflict_do_nothing())


def by_link(session: Session, link: str, *, lock: bool = False) -> Ticket:
    """The ticket whose live page has this address. Raises NotFound."""
    query = select(Ticket).where(Ticket.link == link)
    found = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise NotFound()
    return found


def give_up(session: Session, ticket: Ticket, *, actor: str) -> None:
    """退号: the person does not wait any longer; a repeat changes nothing. Raises InvalidTransition at a window."""
    if not transition(session, ticket, Event.GIVE_UP, actor=actor):
        return
    visited = legs.appointment_of(session, ticket)
    if visited is not None:
        redemption.leave(session, appointment_id=visited, actor=actor)


def refuse_unfinished(ticket: Ticket) -> None:
    """Only a finished visit is rated. Raises NotFinished."""
    if ticket.state is not State.DONE:
        raise errors.NotFinished()


def new_link() -> str:
    """The secret end of a live position page's address."""
    return secrets.token_urlsafe(LINK_BYTES)


def next_number(session: Session, hall_code: str, day: date, prefix: str) -> int:
    """The next number; the counter's row makes others wait until this one is certain, so that none is left out."""
    seq: int = session.execute(
        insert(TicketCounter)
        .values(hall_code=hall_code, day=day, prefix=prefix, last=1)
        .on_conflict_do_update(
            index_elements=[TicketCounter.hall_code, TicketCounter.day, TicketCounter.prefix],
            set_={"last": TicketCounter.last + 1},
        )
        .returning(TicketCounter.last)
    ).scalar_one()
    return seq


def holds_another(session: Session, ticket: Ticket, day: date, category_code: str) -> bool:
    """Whether this ticket's holder has another open one in that queue on that day. Locks the holder there."""
    if ticket.holder is None:
        return False
    _lock_holder(session, ticket.hall_code, category_code, ticket.holder)
    mine = Ticket.hall_code == ticket.hall_code, Ticket.holder == ticket.holder, Ticket.id != ticket.id
    there = Ticket.day == day, Ticket.category_code == category_code, Ticket.state.in_(OPEN)
    return session.scalar(select(Ticket.id).where(*mine, *there).limit(1)) is not None


def _lock_holder(session: Session, hall_code: str, category_code: str, holder: bytes) -> None:
    """Two who give this holder a number of this queue see each other."""
    lock = f"ticket:{hall_code}:{category_code}:{holder.hex()}"
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:lock, 0))"), {"lock": lock})


def _same_holder(session: Session, hall_code: str, category_code: str, taker: Taker) -> Ticket | None:
    """The open ticket this holder has in this queue. Locks the holder."""
    if taker.holder is None:
        return None
    _lock_holder(session, hall_code, category_code, taker.holder)
    return session.scalars(
        select(Ticket)
        .where(
            Ticket.hall_code == hall_code,
            Ticket.day == clock.today(),
            Ticket.category_code == category_code,
            Ticket.holder == taker.holder,
            Ticket.state.in_(OPEN),
        )
        .with_for_update()
    ).one_or_none()


def _insert(
    session: Session,
    hall_code: str,
    category_code: str,
    taker: Taker,
    source: str,
    visit: Visit | None,
    actor: str,
    slot_id: UUID | None = None,
) -> Ticket:
    """The number comes last: everybody else waits for its counter until this transaction ends."""
    category, due = queue(session, hall_code, category_code), _due(session, hall_code, taker, visit)
    now, day = clock.now(), clock.today()
    ticket = Ticket(
        id=db.new_id(),
        state=State.WAITING,
        state_at=now,
        check_in_id=visit.check_in_id if visit else None,
        matter_id=visit.matter_id if visit else None,
        person_id=taker.person_id,
        holder=taker.holder,
        hall_code=hall_code,
        day=day,
        category_code=category_code,
        prefix=category.prefix,
        seq=next_number(session, hall_code, day, category.prefix),
        source=source,
        kind=_kind(visit),
        lane=taker.lane,
        people=taker.people,
        due_at=due,
        created_at=now,
        slot_id=slot_id,
        link=new_link(),
    )
    session.add(ticket)
    session.flush()
    record_event(session, TicketEvent, ticket.id, None, State.WAITING, Event.TAKE, actor=actor)
    return ticket


def _kind(visit: Visit | None) -> Kind:
    return Kind.WALK_IN if visit is None or visit.late else Kind.BOOKED


def _due(session: Session, hall_code: str, taker: Taker, visit: Visit | None) -> datetime:
    policy = policy_for(session, hall_code)
    return ordering.due_at(
        arrived=clock.now(),
        slot_start=visit.slot_start if visit else None,
        late=visit.late if visit else False,
        green=taker.lane is not None,
        allowance=timedelta(minutes=policy.allowance_minutes),
        late_credit=timedelta(minutes=policy.late_credit_minutes),
    )

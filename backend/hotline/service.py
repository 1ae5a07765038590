"""Questions to the hotline: asked, handed over once, and how they stand. The calls are made by `jobs` and `api`."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.catalogue import queries as catalogue
from backend.core import audit, clock, crypto, db
from backend.core.auth import Principal
from backend.core.errors import NotFound
from backend.core.states import record_event, transition
from backend.files import subjects
from backend.hotline.models import HotlineTicket, HotlineTicketEvent
from backend.hotline.office import Order, Standing, Taken
from backend.hotline.states import Event, State

LEASE = timedelta(minutes=1)
WAITS_S = (5, 15, 60, 180, 600, 1800)
"""Seconds to the next try after each failure; the last goes on for ever."""
MOST_SHOWN = 50


@dataclass(frozen=True)
class Question:
    """What a citizen asks, and what about: an item's slug at the stage `guide`, a case's id at the others."""

    stage: str
    reference: str
    category: str
    words: str


def ask(session: Session, question: Question, *, asker: Principal) -> HotlineTicket:
    """A question that the worker hands over at once, with the right reference.

    Raises ItemNotFound, and NotFound for a case that the asker may not read.
    """
    now, ticket_id = clock.now(), db.new_id()
    made = HotlineTicket(
        id=ticket_id,
        state=State.SENDING,
        state_at=now,
        person_id=asker.id,
        stage=question.stage,
        reference=_reference(session, question, asker),
        category=question.category,
        words=crypto.seal(question.words, table="hotline_ticket", column="words", row=ticket_id),
        created_at=now,
        next_try_at=now,
    )
    session.add(made)
    session.flush()
    record_event(session, HotlineTicketEvent, ticket_id, None, State.SENDING, Event.ASK, actor=asker.actor)
    audit.record(session, actor=asker.actor, action="hotline.asked", object_type="hotline_ticket", object_id=ticket_id)
    return made


def _reference(session: Session, question: Question, asker: Principal) -> str:
    if question.stage == "guide":
        return catalogue.item(session, question.reference).slug
    kind = subjects.of("case")
    if not kind.reads(session, asker, question.reference):
        raise NotFound()
    return kind.number_of(session, question.reference)


def claim_due(session: Session, limit: int) -> list[tuple[UUID, Order]]:
    """Questions to hand over now; each is leased, so another worker leaves it alone."""
    now = clock.now()
    found = session.scalars(
        select(HotlineTicket)
        .where(HotlineTicket.next_try_at <= now)
        .order_by(HotlineTicket.next_try_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for ticket in found:
        ticket.next_try_at = now + LEASE
    session.flush()
    return [(ticket.id, _order(ticket)) for ticket in found]


def taken(session: Session, ticket_id: UUID, answer: Taken) -> None:
    """The hotline has it. Told twice, it changes nothing."""
    ticket = _sending(session, ticket_id)
    if ticket is not None:
        ticket.serial, ticket.status, ticket.seen_at = answer.serial, "accepted", clock.now()
        ticket.query_code = crypto.seal(answer.query_code, table="hotline_ticket", column="query_code", row=ticket.id)
        _end(session, ticket, Event.TAKE)


def refused(session: Session, ticket_id: UUID, code: str) -> None:
    """The hotline does not take such questions."""
    ticket = _sending(session, ticket_id)
    if ticket is not None:
        ticket.failure = code
        _end(session, ticket, Event.REFUSE)


def try_again(session: Session, ticket_id: UUID, code: str) -> None:
    """Nobody knows whether it arrived: it is sent again under the same number."""
    ticket = _sending(session, ticket_id)
    if ticket is not None:
        wait = WAITS_S[min(ticket.tries, len(WAITS_S) - 1)]
        ticket.tries, ticket.failure = min(ticket.tries + 1, 1000), code
        ticket.next_try_at = clock.now() + timedelta(seconds=wait)
        session.flush()


def seen(session: Session, ticket_id: UUID, standing: Standing) -> None:
    """How it stands now, in the hotline's words."""
    ticket = session.get_one(HotlineTicket, ticket_id, with_for_update=True)
    ticket.status, ticket.seen_at = standing.status, clock.now()
    ticket.reply = crypto.seal(standing.reply, table="hotline_ticket", column="reply", row=ticket_id)
    session.flush()


def own(session: Session, ticket_id: UUID, person_id: UUID) -> HotlineTicket:
    """One of my questions. Raises NotFound."""
    found = session.get(HotlineTicket, ticket_id, populate_existing=True)
    if found is None or found.person_id != person_id:
        raise NotFound()
    return found


def mine(session: Session, person_id: UUID) -> list[HotlineTicket]:
    """My questions, newest first."""
    query = select(HotlineTicket).where(HotlineTicket.person_id == person_id)
    return list(session.scalars(query.order_by(HotlineTicket.created_at.desc()).limit(MOST_SHOWN)))


def number_of(ticket: HotlineTicket) -> Taken | None:
    """The number and code under which the hotline shows it, None before it has taken it."""
    code = opened(ticket, "query_code")
    return None if ticket.serial is None or code is None else Taken(ticket.serial, code)


def opened(ticket: HotlineTicket, column: str) -> str | None:
    """A sealed column: what was asked (`words`), the answer (`reply`), or the `query_code`."""
    sealed: bytes | None = getattr(ticket, column)
    return None if sealed is None else crypto.unseal(sealed, table="hotline_ticket", column=column, row=ticket.id)


def adopt(session: Session, *, person_id: UUID, former_id: UUID) -> None:
    """Two records were one person: questions follow the one that remains."""
    session.execute(update(HotlineTicket).where(HotlineTicket.person_id == former_id).values(person_id=person_id))


def _order(ticket: HotlineTicket) -> Order:
    words = crypto.unseal(ticket.words, table="hotline_ticket", column="words", row=ticket.id)
    return Order(ticket.id.hex, ticket.category, ticket.stage, ticket.reference, words)


def _sending(session: Session, ticket_id: UUID) -> HotlineTicket | None:
    query = select(HotlineTicket).where(HotlineTicket.id == ticket_id, HotlineTicket.state == State.SENDING)
    return session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()


def _end(session: Session, ticket: HotlineTicket, event: Event) -> None:
    ticket.next_try_at = None
    session.flush()
    transition(session, ticket, event, actor="hotline")

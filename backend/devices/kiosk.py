"""What somebody does at a device with their id card in the reader: take a number, book, look up, cancel, check in."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.appointments import assist, conduct_service, redemption, service
from backend.appointments.assist import Caller
from backend.appointments.models import Appointment
from backend.appointments.passes import PassKeys
from backend.core import clock
from backend.core.errors import NotFound
from backend.devices import errors
from backend.identity import queries as identity
from backend.identity import service as identities
from backend.queueing import service as entrance
from backend.queueing import tickets
from backend.queueing.models import Ticket
from backend.queueing.service import Arrival
from backend.queueing.states import OPEN


@dataclass(frozen=True)
class Card:
    """What the reader gives: a checked id number and the name on the card."""

    id_number: str
    name: str


def hall_for(own: str | None, asked: str | None) -> str:
    """The hall a device may work for: its own, or outside the halls the one asked for. Raises OtherHall, HallNeeded."""
    if own is not None and asked not in (None, own):
        raise errors.OtherHall()
    hall = own or asked
    if hall is None:
        raise errors.HallNeeded()
    return hall


def take_ticket(
    session: Session,
    *,
    hall_code: str,
    category_code: str,
    slugs: Sequence[str],
    card: Card | None,
    people: int,
    actor: str,
) -> Ticket:
    """现场取号, from the same numbers as the desk and the phones. Raises as `tickets.take`."""
    taker = tickets.taker_of_card(session, card.id_number, count=people) if card else tickets.Taker(people=people)
    return tickets.take(
        session,
        hall_code=hall_code,
        category_code=category_code,
        slugs=slugs,
        taker=taker,
        source="kiosk",
        actor=actor,
    )


def open_tickets(session: Session, *, hall_code: str, card: Card) -> Sequence[Ticket]:
    """The numbers this card holds in the hall today, first come first."""
    return session.scalars(
        select(Ticket)
        .where(Ticket.hall_code == hall_code, Ticket.day == clock.today())
        .where(Ticket.holder == identities.document_index(card.id_number), Ticket.state.in_(OPEN))
        .order_by(Ticket.created_at, Ticket.id)
    ).all()


def by_number(session: Session, *, hall_code: str, number: str) -> Ticket:
    """Today's ticket of this hall with that printed number. Raises NotFound."""
    found = session.scalars(
        select(Ticket).where(
            Ticket.hall_code == hall_code,
            Ticket.day == clock.today(),
            Ticket.prefix == number[:1].upper(),
            Ticket.seq == int(number[1:]),
        )
    ).one_or_none()
    if found is None:
        raise NotFound()
    return found


def book(
    session: Session,
    *,
    card: Card,
    hall_code: str,
    slot_id: UUID,
    slugs: Sequence[str],
    people: int,
    actor: str,
) -> Appointment:
    """Book for the card's holder from the places that phones take too, by the limits and blocks of everybody.

    Raises NameDiffers, OnlineBookingBlocked, and as `service.book_at_once`.
    """
    person_id = assist.identify(session, Caller(id_number=card.id_number, name=card.name), create=True)
    conduct_service.refuse_blocked(session, person_id)
    return service.book_at_once(
        session,
        person_id=person_id,
        slot_id=slot_id,
        hall_code=hall_code,
        slugs=slugs,
        people=people,
        actor=actor,
        channel=lambda _: service.ONLINE,
    )


def coming(session: Session, *, card: Card, hall_code: str | None, actor: str) -> tuple[UUID, Sequence[Appointment]]:
    """The card holder's coming appointments, in this hall or everywhere. Raises PersonUnknown and NameDiffers."""
    caller = Caller(id_number=card.id_number, name=card.name)
    return assist.coming(session, caller=caller, hall_code=hall_code, actor=actor)


def cancel(session: Session, *, card: Card, hall_code: str | None, appointment_id: UUID, actor: str) -> Appointment:
    """Cancel one's own visit. NotFound for anybody else's and, in a hall, for another hall's. Raises AlreadyOver."""
    caller = Caller(id_number=card.id_number, name=card.name)
    person_id = assist.identify(session, caller, create=False)
    query = select(Appointment).where(Appointment.id == appointment_id, Appointment.person_id == person_id)
    if hall_code is not None:
        query = query.where(Appointment.hall_code == hall_code)
    mine = session.scalars(query.where(Appointment.code.is_not(None)).with_for_update()).one_or_none()
    if mine is None:
        raise NotFound()
    service.cancel_found(session, mine, actor=actor, reason=None)
    return mine


def check_in(
    session: Session, *, text: str, hall_code: str, device_id: UUID, card: Card | None, keys: PassKeys
) -> Arrival:
    """签到 by a code: a fresh one counts alone, an old picture or digits need the id card of the person or the booker.

    Raises CardDiffers for another card; everything else is a verdict.
    """
    conduct_service.beat(session, hall_code)
    known = redemption.whose(session, text=text, hall_code=hall_code, keys=keys) if card else None
    if card and known:
        document = identities.document_index(card.id_number)
        if all(identity.person(session, person_id).id_number_index != document for person_id in known):
            raise errors.CardDiffers()
    return entrance.check_in(
        session, text=text, hall_code=hall_code, device_id=device_id, identified=known is not None, keys=keys
    )

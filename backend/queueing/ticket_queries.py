"""Reading tickets and windows for the pages that show them."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal, select, tuple_
from sqlalchemy.orm import Session

from backend.appointments import matters
from backend.catalogue import queries as catalogue
from backend.core import clock
from backend.core.db import UTCDateTime
from backend.identity import queries as identity
from backend.identity.models import Staff
from backend.queueing.models import Leg, Ticket, TicketItem, WindowSession
from backend.queueing.ordering import Kind
from backend.queueing.policy import policy_for
from backend.queueing.states import AT_WINDOW, IN_LINE, State
from backend.ratings import service as ratings


def ticket_view(session: Session, ticket: Ticket, language: str) -> dict[str, Any]:
    """A ticket as its holder sees it."""
    slugs = session.scalars(
        select(TicketItem.item_slug).where(TicketItem.ticket_id == ticket.id).order_by(TicketItem.item_slug)
    ).all()
    items = [catalogue.item(session, slug) for slug in slugs]
    window = None
    if ticket.state in AT_WINDOW:
        window = session.scalar(select(WindowSession.window).where(WindowSession.id == ticket.session_id))
    followed_by = None
    if ticket.state is State.CARRIED_OVER:
        followed_by = session.scalar(select(Ticket.link).where(Ticket.carried_from == ticket.id))
    return {
        "id": ticket.id,
        "number": ticket.number,
        "link": ticket.link,
        "state": ticket.state.value,
        "hall": _hall(session, ticket.hall_code, language),
        "category": _category(session, ticket.category_code, language),
        "items": [{"slug": item.slug, "name": item.name.in_language(language)} for item in items],
        "day": ticket.day,
        "source": ticket.source,
        "booked": ticket.kind is Kind.BOOKED,
        "lane": ticket.lane,
        "people": ticket.people,
        "created_at": ticket.created_at,
        "due_at": ticket.due_at,
        "calls": ticket.calls,
        "window": window,
        "followed_by": followed_by,
        "can_cancel": ticket.state in IN_LINE,
        "can_return": ticket.state is State.PASSED and ticket.day == clock.today(),
        "rating": rating_view(session, ticket),
        "can_rate": ticket.state is State.DONE,
    }


def rating_view(session: Session, ticket: Ticket) -> dict[str, Any] | None:
    """How the visit was rated, if it was."""
    found = ratings.of_subject(session, "ticket", str(ticket.id)) if ticket.state is State.DONE else None
    if found is None:
        return None
    return {
        "grade": found.grade,
        "words": found.words,
        "supplement": found.supplement,
        "can_supplement": ratings.can_supplement(found),
    }


def staff_view(session: Session, ticket: Ticket, language: str) -> dict[str, Any]:
    """A ticket as the hall's staff see it: the holder is masked."""
    name = identity.masked_name(session, ticket.person_id) if ticket.person_id else None
    matter = matters.body(session, ticket.matter_id)
    shown = ticket_view(session, ticket, language)
    return {**shown, "name_masked": name, "matter": matter, "rating": None, "can_rate": False}


def visits_for(session: Session, matter_id: UUID) -> Sequence[Ticket]:
    """The numbers that were taken for a case, newest first."""
    return session.scalars(select(Ticket).where(Ticket.matter_id == matter_id).order_by(Ticket.created_at.desc())).all()


def line(session: Session, hall_code: str, category_code: str | None, language: str) -> dict[str, Any]:
    """What the reception desk's page shows of one queue, or of all of them."""
    waiting = _today(hall_code, IN_LINE).order_by(Ticket.due_at, Ticket.created_at, Ticket.id)
    passed = _today(hall_code, (State.PASSED,)).order_by(Ticket.state_at)
    if category_code is not None:
        waiting, passed = (query.where(Ticket.category_code == category_code) for query in (waiting, passed))
    return {
        "tickets": [staff_view(session, ticket, language) for ticket in session.scalars(waiting)],
        "passed": [staff_view(session, ticket, language) for ticket in session.scalars(passed)],
        "queues": queues(session, hall_code, language),
    }


def counter(session: Session, *, hall_code: str, staff_id: UUID, language: str) -> dict[str, Any]:
    """All that one window's page shows."""
    seated = session.scalars(
        select(WindowSession).where(WindowSession.staff_id == staff_id, WindowSession.closed_at.is_(None))
    ).one_or_none()
    current = None
    if seated is not None:
        current = session.scalars(
            select(Ticket).where(Ticket.session_id == seated.id, Ticket.state.in_(AT_WINDOW))
        ).one_or_none()
    return {
        "hall": _hall(session, hall_code, language),
        "seated": _seated(session, seated) if seated else None,
        "current": staff_view(session, current, language) if current else None,
        "serving_since": _serving_since(session, current),
        "queues": queues(session, hall_code, language),
        "seats": _seats(session, hall_code),
        "passed": _listed(session, hall_code, State.PASSED, language),
        "parked": _listed(session, hall_code, State.PARKED, language),
        "calls_before_pass": policy_for(session, hall_code).calls_before_pass,
        "server_time": clock.now(),
    }


def standing(session: Session, ticket: Ticket, language: str) -> dict[str, Any]:
    """Where a number is now: numbers only, as on the hall's screen. `ahead` counts those called before it."""
    ahead = window = None
    if ticket.state in IN_LINE:
        order = tuple_(Ticket.due_at, Ticket.created_at, Ticket.id)
        before = order < tuple_(
            literal(ticket.due_at, UTCDateTime()), literal(ticket.created_at, UTCDateTime()), literal(ticket.id)
        )
        mine = Ticket.hall_code == ticket.hall_code, Ticket.day == ticket.day
        in_line = Ticket.category_code == ticket.category_code, Ticket.state.in_(IN_LINE)
        ahead = session.scalar(select(func.count()).where(*mine, *in_line, before))
    elif ticket.state in AT_WINDOW:
        window = session.scalar(select(WindowSession.window).where(WindowSession.id == ticket.session_id))
    return {
        "number": ticket.number,
        "category": _category(session, ticket.category_code, language),
        "state": ticket.state.value,
        "ahead": ahead,
        "window": window,
    }


def _today(hall_code: str, states: Sequence[State]) -> Any:
    return select(Ticket).where(Ticket.hall_code == hall_code, Ticket.day == clock.today(), Ticket.state.in_(states))


def _listed(session: Session, hall_code: str, state: State, language: str) -> list[dict[str, Any]]:
    found = session.scalars(_today(hall_code, (state,)).order_by(Ticket.state_at)).all()
    return [staff_view(session, ticket, language) for ticket in found]


def _seated(session: Session, seated: WindowSession) -> dict[str, Any]:
    served = session.scalar(
        select(func.count(func.distinct(Leg.ticket_id)))
        .join(WindowSession, WindowSession.id == Leg.session_id)
        .where(WindowSession.staff_id == seated.staff_id, Leg.outcome == "done")
        .where(Leg.started_at >= clock.instant(clock.today(), datetime.min.time()))
    )
    return {
        "window": seated.window,
        "categories": seated.categories,
        "opened_at": seated.opened_at,
        "paused": seated.paused_at is not None,
        "served_today": served or 0,
    }


def _serving_since(session: Session, current: Ticket | None) -> datetime | None:
    if current is None or current.state is not State.SERVING:
        return None
    return session.scalar(select(Leg.started_at).where(Leg.ticket_id == current.id, Leg.ended_at.is_(None)))


def queues(session: Session, hall_code: str, language: str) -> list[dict[str, Any]]:
    """Every queue of a hall: how many wait in it, and at how many windows it is called."""
    waiting: Counter[str] = Counter()
    counts = (
        select(Ticket.category_code, func.count())
        .where(Ticket.hall_code == hall_code, Ticket.day == clock.today(), Ticket.state.in_(IN_LINE))
        .group_by(Ticket.category_code)
    )
    for code, count in session.execute(counts):
        waiting[code] = count
    working = session.scalars(
        select(WindowSession.categories).where(
            WindowSession.hall_code == hall_code, WindowSession.closed_at.is_(None), WindowSession.paused_at.is_(None)
        )
    ).all()
    windows = Counter(code for categories in working for code in categories)
    return [
        {
            "code": category.code,
            "name": category.name.in_language(language),
            "prefix": category.prefix,
            "waiting": waiting[category.code],
            "windows": windows[category.code],
        }
        for category in catalogue.hall(session, hall_code).categories
    ]


def _seats(session: Session, hall_code: str) -> list[dict[str, Any]]:
    """Every window of the hall with the queue it is planned for, and who works there now."""
    working = {
        row.window: row
        for row in session.execute(
            select(WindowSession.window, WindowSession.categories, Staff.display_name)
            .join(Staff, Staff.id == WindowSession.staff_id)
            .where(WindowSession.hall_code == hall_code, WindowSession.closed_at.is_(None))
        )
    }
    planned = catalogue.hall(session, hall_code).windows
    return [
        {
            "window": number,
            "staff": working[number].display_name if number in working else None,
            "categories": working[number].categories if number in working else [planned[number]],
        }
        for number in sorted({*planned, *working})
    ]


def _hall(session: Session, code: str, language: str) -> dict[str, str]:
    return {"code": code, "name": catalogue.hall(session, code).name.in_language(language)}


def _category(session: Session, code: str, language: str) -> dict[str, str]:
    return {"code": code, "name": catalogue.category(session, code).name.in_language(language)}

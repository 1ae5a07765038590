"""Reading conduct: a person's own marks, and the appeals of a hall."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from backend.appointments import conduct, conduct_service
from backend.appointments.conduct_models import ConductMark
from backend.appointments.conduct_states import COUNTING, MarkState
from backend.appointments.models import Appointment, AppointmentLine
from backend.catalogue import queries as catalogue
from backend.core import clock
from backend.identity import queries as identity

SHOWN = 50
APPEAL = {MarkState.APPEALED: "open", MarkState.UPHELD: "rejected"}
CLEARED = {MarkState.FORGIVEN: "appeal", MarkState.CAME_LATE: "came_late", MarkState.HALL_CAUSED: "hall"}


def my_conduct(session: Session, person_id: UUID, language: str) -> dict[str, Any]:
    """The rule, how it stands, and the newest marks."""
    marks = session.scalars(
        select(ConductMark)
        .where(ConductMark.person_id == person_id)
        .order_by(ConductMark.at.desc(), ConductMark.id.desc())
        .limit(SHOWN)
    ).all()
    now_standing = conduct_service.standing(session, person_id)
    (few, short), (many, long) = conduct.PAUSES
    return {
        "blocked_until": now_standing.blocked_until,
        "points": now_standing.halves / 2,
        "window_days": conduct.WINDOW.days,
        "block_at_points": few // 2,
        "block_days": short.days,
        "long_block_at_points": many // 2,
        "long_block_days": long.days,
        "marks": views(session, marks, language),
        "server_time": clock.now(),
    }


def appeals(
    session: Session, *, hall_code: str, state: str, position: tuple[datetime, UUID] | None, limit: int
) -> Sequence[ConductMark]:
    """Appeals of one hall: the open ones, longest waiting first; or the decided ones, newest first."""
    key = tuple_(ConductMark.appealed_at, ConductMark.id)
    query = select(ConductMark).where(ConductMark.hall_code == hall_code, ConductMark.appealed_at.is_not(None))
    if state == "open":
        query = query.where(ConductMark.state == MarkState.APPEALED).order_by(ConductMark.appealed_at, ConductMark.id)
        later = key > position if position else None
    else:
        query = query.where(ConductMark.decided_at.is_not(None))
        query = query.order_by(ConductMark.appealed_at.desc(), ConductMark.id.desc())
        later = key < position if position else None
    if later is not None:
        query = query.where(later)
    return session.scalars(query.limit(limit)).all()


def views(session: Session, marks: Sequence[ConductMark], language: str) -> list[dict[str, Any]]:
    """Marks with their visits and appeals; the person who booked is masked."""
    ids = [mark.appointment_id for mark in marks]
    visits = {row.id: row for row in session.scalars(select(Appointment).where(Appointment.id.in_(ids)))}
    slugs: dict[UUID, list[str]] = defaultdict(list)
    for line in session.scalars(select(AppointmentLine).where(AppointmentLine.appointment_id.in_(ids))):
        slugs[line.appointment_id].append(line.item_slug)
    return [
        _view(session, mark, visits[mark.appointment_id], sorted(slugs[mark.appointment_id]), language)
        for mark in marks
    ]


def _view(
    session: Session, mark: ConductMark, visit: Appointment, slugs: Sequence[str], language: str
) -> dict[str, Any]:
    items = [catalogue.item(session, slug) for slug in slugs]
    place = catalogue.hall(session, visit.hall_code)
    return {
        "id": mark.id,
        "kind": mark.kind.value,
        "points": conduct.HALVES[mark.kind] / 2,
        "at": mark.at,
        "expires_at": mark.at + conduct.WINDOW,
        "counts": mark.state in COUNTING and clock.now() < mark.at + conduct.WINDOW,
        "cleared": CLEARED.get(mark.state),
        "appointment": {
            "id": visit.id,
            "items": [{"slug": item.slug, "name": item.name.in_language(language)} for item in items],
            "hall": {"code": place.code, "name": place.name.in_language(language)},
            "start": visit.start,
        },
        "person": {"name_masked": identity.masked_name(session, mark.person_id)},
        "appeal": _appeal(mark),
        "can_appeal": conduct_service.can_appeal(mark),
    }


def _appeal(mark: ConductMark) -> dict[str, Any] | None:
    if mark.appealed_at is None:
        return None
    return {
        "state": APPEAL.get(mark.state, "accepted"),
        "reason": mark.appeal_reason,
        "answer": mark.appeal_answer,
        "made_at": mark.appealed_at,
        "decided_at": mark.decided_at,
    }

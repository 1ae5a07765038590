"""Reading ratings: public shares, and follow-ups of a hall without the people who rated."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from backend.core import clock
from backend.ratings.models import FollowUp, Rating
from backend.ratings.states import State

SATISFIED = 3
PERIOD = timedelta(days=90)


def shares(session: Session, hall_code: str) -> dict[str, Any]:
    """How many gave each grade in the last ninety days, and the share of 3 and better; set-aside ones left out."""
    counts = (
        select(Rating.grade, func.count())
        .where(Rating.hall_code == hall_code, Rating.invalid_at.is_(None), Rating.at > clock.now() - PERIOD)
        .group_by(Rating.grade)
    )
    by_grade = {grade: count for grade, count in session.execute(counts)}
    total = sum(by_grade.values())
    satisfied = sum(count for grade, count in by_grade.items() if grade >= SATISFIED)
    return {
        "days": PERIOD.days,
        "total": total,
        "grades": [{"grade": grade, "count": by_grade.get(grade, 0)} for grade in range(5, 0, -1)],
        "satisfied_percent": round(100 * satisfied / total, 1) if total else None,
    }


def follow_ups(
    session: Session, *, hall_code: str, state: State, after: tuple[date, UUID] | None, limit: int
) -> Sequence[tuple[FollowUp, Rating]]:
    """Bad ratings of one hall, the one due first in front."""
    query = (
        select(FollowUp, Rating)
        .join(Rating, Rating.id == FollowUp.rating_id)
        .where(FollowUp.hall_code == hall_code, FollowUp.state == state)
        .order_by(FollowUp.due_on, FollowUp.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(FollowUp.due_on, FollowUp.id) > after)
    return [(row[0], row[1]) for row in session.execute(query)]


def view(task: FollowUp, rating: Rating) -> dict[str, Any]:
    """A follow-up as staff see it: grade and words, never who wrote them."""
    return {
        "id": task.id,
        "rating_id": rating.id,
        "state": task.state.value,
        "grade": rating.grade,
        "words": rating.words,
        "supplement": rating.supplement,
        "at": rating.at,
        "due_on": task.due_on,
        "overdue": task.state is State.OPEN and task.due_on < clock.today(),
        "answer": task.answer,
    }

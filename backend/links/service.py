"""Counting links that were opened."""

from datetime import date

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import clock
from backend.links.models import LinkVisit


def count(session: Session, *, source: str, kind: str) -> None:
    """One more of this kind from this app today."""
    row = insert(LinkVisit).values(day=clock.today(), source=source, kind=kind, count=1)
    session.execute(
        row.on_conflict_do_update(index_elements=["day", "source", "kind"], set_={"count": LinkVisit.count + 1})
    )


def counted(session: Session, first: date, last: date) -> list[tuple[str, str, int]]:
    """Source, kind and number between two days, both included; the most first."""
    total = func.sum(LinkVisit.count)
    query = (
        select(LinkVisit.source, LinkVisit.kind, total)
        .where(LinkVisit.day.between(first, last))
        .group_by(LinkVisit.source, LinkVisit.kind)
        .order_by(total.desc(), LinkVisit.source, LinkVisit.kind)
    )
    return [(source, kind, int(number)) for source, kind, number in session.execute(query)]

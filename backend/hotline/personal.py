"""个人信息: questions to the hotline. The hotline keeps its own ticket under its own rules."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend.core import holds, retention
from backend.core.errors import Text
from backend.core.personal import Part, People, Section
from backend.hotline import service
from backend.hotline.models import HotlineTicket
from backend.hotline.states import State


def purge(session: Session, limit: int) -> int:
    """Delete questions two years old that the hotline has or refused; their number."""
    old = (
        select(HotlineTicket.id)
        .where(HotlineTicket.state != State.SENDING, HotlineTicket.created_at < retention.before("hotline"))
        .where(holds.spares(holds.PERSON, HotlineTicket.person_id))
        .limit(limit)
    )
    gone = session.execute(delete(HotlineTicket).where(HotlineTicket.id.in_(old)).returning(HotlineTicket.id))
    return len(gone.all())


def _gives(session: Session, people: People) -> list[Section]:
    asked = session.scalars(
        select(HotlineTicket).where(HotlineTicket.person_id.in_(people)).order_by(HotlineTicket.created_at)
    )
    rows = [
        {
            "at": one.created_at,
            "number": one.serial,
            "words": service.opened(one, "words"),
            "answer": service.opened(one, "reply"),
        }
        for one in asked
    ]
    return [Section("hotline", Text("向12345提的问题", "Questions to the hotline 12345"), rows)]


def _erases(session: Session, people: People) -> None:
    session.execute(delete(HotlineTicket).where(HotlineTicket.person_id.in_(people)))


PART = Part("hotline", gives=_gives, erases=_erases, purges=purge)

"""个人信息: the words of a rating and who gave it. The grade is a figure of the hall and stays."""

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from backend.core import holds, retention
from backend.core.errors import Text
from backend.core.personal import Part, People, Section
from backend.ratings.models import FollowUp, FollowUpEvent, Rating

_NOTHING = {"person_id": None, "words": None, "supplement": None, "supplemented_at": None}


def purge(session: Session, limit: int) -> int:
    """Empty ratings two years old; their number."""
    told = or_(Rating.person_id.is_not(None), Rating.words.is_not(None), Rating.supplement.is_not(None))
    old = select(Rating.id).where(told, Rating.at < retention.before("ratings"))
    return _empty(session, Rating.id.in_(old.where(holds.spares(holds.PERSON, Rating.person_id)).limit(limit)))


def _empty(session: Session, which: ColumnElement[bool]) -> int:
    emptied = session.scalars(update(Rating).where(which).values(_NOTHING).returning(Rating.id)).all()
    answers = update(FollowUp).where(FollowUp.rating_id.in_(emptied), FollowUp.answer.is_not(None))
    tasks = select(FollowUp.id).where(FollowUp.rating_id.in_(emptied))
    session.execute(answers.values(answer="").execution_options(synchronize_session=False))
    retention.purging(session)
    session.execute(update(FollowUpEvent).where(FollowUpEvent.entity_id.in_(tasks)).values(reason=None))
    return len(emptied)


def _gives(session: Session, people: People) -> list[Section]:
    given = session.scalars(select(Rating).where(Rating.person_id.in_(people)).order_by(Rating.at))
    rows = [{"at": one.at, "grade": one.grade, "words": one.words, "more_words": one.supplement} for one in given]
    return [Section("ratings", Text("评价", "Ratings"), rows)]


def _erases(session: Session, people: People) -> None:
    _empty(session, Rating.person_id.in_(people))


PART = Part("ratings", gives=_gives, erases=_erases, purges=purge)

"""The ledger as lists: the cases behind a figure, and those that somebody should look into."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, not_, select, true, tuple_
from sqlalchemy.orm import Session

from backend.applications.case_models import CaseMessage
from backend.applications.case_words import STATUS
from backend.applications.states import CaseState
from backend.catalogue import queries as catalogue
from backend.core import clock
from backend.core.errors import Text
from backend.ratings.service import BAD
from backend.reports import scope
from backend.reports.measures import DONE, MEASURES
from backend.reports.models import CaseLedger, CaseLedgerDue
from backend.reports.scope import Scope

Body = dict[str, Any]
L = CaseLedger
Side = Literal["counted", "rest", "all"]

OFTEN: Final = 2
"""A case that was sent back so many times is on the list for inspection."""

NEVER: Final = date(9999, 12, 31)
"""The day of a case that is not over, for the cursor."""


def _late() -> ColumnElement[bool]:
    return (L.decided_on > L.promise_due_on) | (L.closed_on.is_(None) & (L.owed_on < clock.today()))


def _unanswered() -> ColumnElement[bool]:
    owed = exists().where(CaseMessage.case_id == L.case_id, CaseMessage.reply_by < clock.today())
    return L.closed_on.is_(None) & owed


WATCHED: Final[Mapping[str, Any]] = {
    "overdue": _late,
    "returned": lambda: L.returned >= OFTEN,
    "bad_rated": lambda: L.grade <= BAD,
    "late_reply": _unanswered,
    "more_visits": lambda: L.visits > L.declared_visits,
}
"""效能督查 (circular, clauses 3, 10 and 13): lists of cases that somebody should look into."""

PLAIN: Final = (
    "state",
    "outcome",
    "channel",
    "submitted_on",
    "accepted_on",
    "decided_on",
    "closed_on",
    "owed_on",
    "promise_due_on",
    "law_due_on",
    "promise_days",
    "law_days",
    "days_used",
    "declared_visits",
    "visits",
    "mailed_in",
    "delivery",
    "paid",
    "returned",
    "grade",
    "bad_answered",
)
"""What a row says as the ledger has it."""


@dataclass(frozen=True)
class Wanted:
    """Cases of a scope: of one `side` of an indicator, on a list for inspection, or all that were done."""

    scope: Scope
    indicator: str | None = None
    side: Side = "counted"
    watch: str | None = None

    def stored(self) -> Body:
        """As JSON, for an export that is written later."""
        days = {"first": self.scope.first.isoformat(), "last": self.scope.last.isoformat()}
        return {**asdict(self.scope), **days, "indicator": self.indicator, "side": self.side, "watch": self.watch}

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> "Wanted":
        places = {name: stored[name] for name in ("department", "division", "hall", "item")}
        part = Scope(date.fromisoformat(stored["first"]), date.fromisoformat(stored["last"]), **places)
        return cls(part, stored["indicator"], stored["side"], stored["watch"])

    def rows(self, session: Session) -> Select[CaseLedger]:
        """Their rows of the ledger, in no order."""
        first, last = self.scope.first, self.scope.last
        query = select(L).where(*self.scope.of(session))
        if self.watch is not None:
            is_open = L.closed_on.is_(None) & (L.submitted_on <= last)
            return query.where(is_open | L.closed_on.between(first, last), WATCHED[self.watch]())
        query = query.where(DONE, L.closed_on.between(first, last))
        if self.indicator is None:
            return query
        measure = MEASURES[self.indicator]
        counted = func.coalesce(measure.counted, false())
        return query.where(and_(measure.among, {"counted": counted, "rest": not_(counted), "all": true()}[self.side]))


def page(session: Session, wanted: Wanted, after: tuple[date, UUID] | None, limit: int) -> Sequence[CaseLedger]:
    """The next rows, what is open first, then the newest."""
    query = wanted.rows(session)
    if after is not None:
        query = query.where(tuple_(func.coalesce(L.closed_on, NEVER), L.case_id) < after)
    return session.scalars(query.order_by(L.closed_on.desc().nulls_first(), L.case_id.desc()).limit(limit)).all()


def position(last: CaseLedger) -> tuple[date, UUID]:
    """Where the next page begins."""
    return last.closed_on or NEVER, last.case_id


def total(session: Session, wanted: Wanted) -> int:
    """How many there are."""
    return session.scalar(wanted.rows(session).with_only_columns(func.count())) or 0


def rows(session: Session, found: Sequence[CaseLedger], language: str, *, numbered: bool) -> list[Body]:
    """Rows of a list. Without `numbered` neither number nor id leaves, so that nobody finds the person behind it."""
    known, divisions = scope.names(session), scope.divisions(session)
    return [
        {
            "id": one.case_id if numbered else None,
            "number": one.number if numbered else None,
            "item": {
                "code": one.item_slug,
                "name": catalogue.item(session, one.item_slug).name.in_language(language),
            },
            "department": named(known["department"], one.department_code, language),
            "division": named(known["division"], divisions.get(one.hall_code, ""), language),
            "hall": named(known["hall"], one.hall_code, language),
            "status": STATUS[CaseState(one.state)].in_language(language),
            **{name: getattr(one, name) for name in PLAIN},
        }
        for one in found
    ]


def named(names: Mapping[str, Text], code: str, language: str) -> Body:
    """A code with its name; a code whose name is gone stands for itself."""
    return {"code": code, "name": names.get(code, Text(code, code)).in_language(language)}


def behind(session: Session) -> Body:
    """How far the ledger is: the time up to which it knows everything, and how many changes wait."""
    lag = func.now() - func.min(CaseLedgerDue.at)
    found = session.execute(select(func.count().label("waiting"), lag.label("lag"))).one()
    return {"as_of": clock.now() - (found.lag or timedelta(0)), "waiting": found.waiting}

"""How each indicator of cases is counted: conditions on the ledger, for sums and for the lists behind them."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, literal_column, true

from backend.ratings.queries import SATISFIED
from backend.reports.models import CaseLedger

L = CaseLedger

DONE: Final = L.outcome.in_(("granted", "denied")) & L.closed_on.is_not(None)
"""办结: a decision was made and its result is there. Cases that ended otherwise count in no indicator."""


@dataclass(frozen=True)
class Measure:
    """Among the cases that were done: `among` are those that count, `counted` those of them in the numerator.

    With `over`, the sums of two columns stand for the numbers of cases.
    """

    counted: ColumnElement[bool]
    among: ColumnElement[bool]
    over: tuple[Any, Any] | None = None

    def sums(self) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        """Numerator and denominator over a group of rows."""
        if self.over is None:
            return func.count().filter(and_(self.among, self.counted)), func.count().filter(self.among)
        numerator, denominator = (func.coalesce(func.sum(column).filter(self.among), 0) for column in self.over)
        return numerator, denominator


_USED = L.days_used.is_not(None)

MEASURES: Final[dict[str, Measure]] = {
    "cases_zero": Measure(L.visits == 0, true()),
    "cases_one": Measure(L.visits <= 1, true()),
    "visits_kept": Measure(L.visits <= L.declared_visits, true()),
    "online": Measure(L.channel == "online", true()),
    "mailed": Measure(L.delivery == "mail", true()),
    "paid_online": Measure(L.paid == "online", L.paid.is_not(None)),
    "days": Measure(_USED, _USED, over=(L.days_used, literal_column("1"))),
    "days_of_promise": Measure(_USED, _USED, over=(L.days_used, L.promise_days)),
    "days_of_law": Measure(_USED, _USED, over=(L.days_used, L.law_days)),
    "on_time": Measure(L.decided_on <= L.promise_due_on, L.promise_due_on.is_not(None)),
    "lawful": Measure(L.decided_on <= L.law_due_on, L.law_due_on.is_not(None)),
    "satisfied": Measure(L.grade >= SATISFIED, L.grade.is_not(None)),
    "bad_answered": Measure(L.bad_answered.is_(True), L.bad_answered.is_not(None)),
}

"""Which part of the city a report is about: a period, and the hall, division and department that were chosen."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from backend.catalogue import queries as catalogue
from backend.catalogue import snapshot
from backend.catalogue.models import Department
from backend.core.errors import FieldError, InvalidInput, Text
from backend.reports.models import CaseLedger
from express.models import ExpressOffice

By = Literal["department", "division", "hall", "month"]
LONGEST: Final = timedelta(days=3 * 366)
CITY: Final = "350200"
CITY_HALLS: Final = Text("市本级", "City level")


@dataclass(frozen=True)
class Scope:
    """Both days are included. None means all."""

    first: date
    last: date
    department: str | None = None
    division: str | None = None
    hall: str | None = None
    item: str | None = None

    def of(self, session: Session) -> list[ColumnElement[bool]]:
        """Rows of the ledger in this part of the city, whatever their day."""
        chosen: tuple[tuple[InstrumentedAttribute[str], str | None], ...] = (
            (CaseLedger.department_code, self.department),
            (CaseLedger.item_slug, self.item),
        )
        places = [CaseLedger.hall_code.in_(self.halls(session))] if self.division or self.hall else []
        return [*places, *(column == value for column, value in chosen if value is not None)]

    def halls(self, session: Session) -> dict[str, str]:
        """Its halls with the division of each."""
        return {
            code: division
            for code, division in divisions(session).items()
            if self.division in (None, division) and self.hall in (None, code)
        }


def divisions(session: Session) -> dict[str, str]:
    """The division that runs each hall: the one that bears its postage, else the one it stands in.

    The city's hall stands in a district and is none of its halls.
    """
    offices = select(ExpressOffice.hall_code, ExpressOffice.division_code)
    own = {row.hall_code: row.division_code for row in session.execute(offices)}
    return {hall.code: own.get(hall.code, hall.division_code) for hall in catalogue.halls(session)}


def demand_known(session: Session, scope: Scope) -> None:
    """Raises InvalidInput for a code that is none, or a period that ends before it begins."""
    known = names(session)
    wrong = [
        FieldError(f"/{name}", Text("没有这个选项", "There is no such choice"))
        for name in ("department", "division", "hall")
        if getattr(scope, name) is not None and getattr(scope, name) not in known[name]
    ]
    if scope.first > scope.last:
        wrong.append(FieldError("/last", Text("结束日期在开始日期之前", "The last day is before the first")))
    if scope.last - scope.first > LONGEST:
        wrong.append(FieldError("/first", Text("一次最多看三年", "Choose three years at most")))
    if wrong:
        raise InvalidInput(errors=wrong)


def names(session: Session) -> dict[str, dict[str, Text]]:
    """Departments, divisions and halls by code, each in its order."""
    known = snapshot.current(session)
    rows = session.scalars(select(Department).order_by(Department.code))
    return {
        "department": {row.code: Text(row.name_zh, row.name_en) for row in rows},
        "division": {code: CITY_HALLS if code == CITY else name for code, name in known.divisions.items()},
        "hall": {hall.code: hall.name for hall in known.halls.values()},
    }


def month_ends(scope: Scope) -> list[tuple[date, date]]:
    """Each month of the period by its first day, with the last day of it that the period has."""
    found, month = [], scope.first.replace(day=1)
    while month <= scope.last:
        following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
        found.append((month, min(scope.last, date.fromordinal(following.toordinal() - 1))))
        month = following
    return found

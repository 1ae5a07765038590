"""Working days: weekends, public holidays and make-up workdays from a table, loaded a year at a time.

Source of the rows: the State Council's yearly notice. A year that is not loaded is refused, never guessed.
"""

import time
from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy import Date, Integer, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend.core import errors
from backend.core.db import Base

CACHE_SECONDS = 60.0


class CalendarYear(Base):
    """A year whose notice has been loaded."""

    __tablename__ = "calendar_year"

    year: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(Text)


class CalendarDay(Base):
    """A day that differs from its weekday: a holiday on Monday to Friday, or a workday at the weekend."""

    __tablename__ = "calendar_day"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    workday: Mapped[bool]
    name: Mapped[str | None] = mapped_column(Text)


class CalendarNotLoaded(errors.Conflict):
    """The State Council's notice for that year has not been loaded."""

    code = "calendar_not_loaded"
    title = errors.Text(
        "这一年的放假安排还没有发布，暂时不能选", "The holiday calendar for that year is not published yet"
    )


_years: dict[int, tuple[float, dict[date, bool]]] = {}


def forget() -> None:
    """Drop this process's copy, after loading a year or between tests."""
    _years.clear()


def is_workday(session: Session, day: date) -> bool:
    """Whether halls work that day. Raises CalendarNotLoaded."""
    return _year(session, day.year).get(day, day.isoweekday() <= 5)


def add_workdays(session: Session, start: date, count: int) -> date:
    """The `count`-th working day after `start`; the start day itself is not counted (行政许可法 82)."""
    day = start
    for _ in range(count):
        day = next(workdays_after(session, day))
    return day


def workdays_after(session: Session, start: date) -> Iterator[date]:
    """Working days after `start`, in order."""
    day = start
    while True:
        day += timedelta(days=1)
        if is_workday(session, day):
            yield day


def _year(session: Session, year: int) -> dict[date, bool]:
    kept = _years.get(year)
    if kept and time.monotonic() - kept[0] < CACHE_SECONDS:
        return kept[1]
    if session.get(CalendarYear, year) is None:
        raise CalendarNotLoaded(year=year)
    rows = session.execute(
        select(CalendarDay.day, CalendarDay.workday).where(
            CalendarDay.day.between(date(year, 1, 1), date(year, 12, 31))
        )
    )
    days = {row.day: row.workday for row in rows}
    _years[year] = (time.monotonic(), days)
    return days

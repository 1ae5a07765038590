"""Numbers of cases: the 43 characters of the standard, and a short one that people read out."""

from datetime import date

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.applications.case_models import CaseSerial

SHORT_LENGTH = 12


def next_numbers(session: Session, item_code: str, on: date) -> tuple[str, str]:
    """(number, short number) of a new case; the counters' rows decide between two at once.

    Number: item code (31), day (8), serial (4, longer after 9,999). Short: day (6), serial (5), check digit.
    """
    number = f"{item_code}{on:%Y%m%d}{_next(session, item_code, on):04d}"
    digits = f"{on:%y%m%d}{_next(session, '', on):05d}"
    return number, digits + check_digit(digits)


def check_digit(digits: str) -> str:
    """Luhn's check digit: one wrong digit, or two neighbours exchanged, is noticed before anything is looked up."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def is_short_number(text: str) -> bool:
    """Whether these digits are a short number without a slip."""
    return len(text) >= SHORT_LENGTH and text.isascii() and text.isdigit() and check_digit(text[:-1]) == text[-1]


def _next(session: Session, prefix: str, on: date) -> int:
    row = insert(CaseSerial).values(prefix=prefix, day=on, last=1)
    counted = row.on_conflict_do_update(index_elements=["prefix", "day"], set_={"last": CaseSerial.last + 1})
    return session.execute(counted.returning(CaseSerial.last)).scalar_one()

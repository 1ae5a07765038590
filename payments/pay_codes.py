"""缴款码: cleaned, checked against the city's pattern, and made only where the unit issues its own."""

import re
import unicodedata
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.errors import PayCodeWrong

_BLANKS = re.compile(r"[\s\-]+")
_NEXT = text("SELECT nextval('pay_code_serial')")


def cleaned(typed: str, pattern: str) -> str:
    """The code in what was typed or scanned, which may be an address that holds it. Raises PayCodeWrong.

    Nothing is computed or corrected: no check-digit rule is published (domain sheet §1.3).
    """
    code = _BLANKS.sub("", unicodedata.normalize("NFKC", typed))
    if re.fullmatch(pattern, code):
        return code
    for part in re.split(r"[^0-9A-Za-z]+", code):
        if "://" in code and re.fullmatch(pattern, part):
            return part
    raise PayCodeWrong()


def next_code(session: Session, region_code: str, day: date) -> str:
    """Division, year, `30` and a serial of ten digits, as a unit that issues codes itself builds them (S-07)."""
    return f"{region_code}{day:%y}30{session.execute(_NEXT).scalar_one():010d}"

"""Resident id numbers (GB 11643) and unified social credit codes (GB 32100): check characters and masks."""

import re
from datetime import date

from backend.core.config import Settings
from backend.core.errors import FieldError, InvalidInput, Text

TEST_DIVISION = "350299"
"""Unassigned: every invented person lives there, and production refuses it (seed-map C8)."""

RESIDENT_ID = "0"
"""i厦门's certifType of the resident id card; other kinds carry neither check digit nor birth date."""

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def normalise(text: str) -> str:
    """Without blanks, X in capitals."""
    return re.sub(r"\s", "", text).upper()


def is_valid(number: str, *, today: date) -> bool:
    """18 characters, a real birth date not in the future, and the right check character."""
    if not re.fullmatch(r"[1-9]\d{16}[\dX]", number, re.ASCII):
        return False
    try:
        born = birth_date(number)
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _WEIGHTS, strict=True))
    return date(1900, 1, 1) <= born <= today and number[17] == _CHECKS[total % 11]


def birth_date(number: str) -> date:
    """The birth date inside the number. ValueError when there is no such day."""
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def age(born: date, today: date) -> int:
    """Completed years."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def credit_code_is_valid(code: str) -> bool:
    """18 characters of the code's alphabet with the right check character (MOD 31)."""
    if not re.fullmatch(f"[{_CREDIT_ALPHABET}]{{18}}", code):
        return False
    total = sum(_CREDIT_ALPHABET.index(char) * pow(3, place, 31) for place, char in enumerate(code[:17]))
    return _CREDIT_ALPHABET[-total % 31] == code[17]


def checked(settings: Settings, text: str, *, today: date, pointer: str = "/id_number") -> str:
    """The normalised number. Raises InvalidInput for a wrong one and, in production, for an invented one."""
    number = normalise(text)
    if not is_valid(number, today=today):
        wrong = Text("身份证号不对，请检查", "This id number is not right")
        raise InvalidInput(errors=[FieldError(pointer, wrong)])
    if settings.production and number.startswith(TEST_DIVISION):
        raise InvalidInput(
            errors=[FieldError(pointer, Text("这是演示用的身份证号", "This is a demonstration id number"))]
        )
    return number


def checked_document(settings: Settings, id_type: str, text: str, *, today: date) -> str:
    """A document's normalised number: `checked` for the resident id, the outer form for every other kind."""
    if id_type == RESIDENT_ID:
        return checked(settings, text, today=today)
    number = normalise(text)
    if not re.fullmatch(r"[A-Z0-9]{5,20}", number, re.ASCII):
        raise InvalidInput(errors=[FieldError("/id_number", Text("证件号不对，请检查", "This number is not right"))])
    return number


def masked_name(name: str) -> str:
    """张*"""
    return name[:1] + "*"


def masked_number(number: str) -> str:
    """350***********1234; a shorter document, such as a passport, shows less: E******56"""
    if len(number) < 15:
        return f"{number[:1]}{'*' * (len(number) - 3)}{number[-2:]}"
    return f"{number[:3]}{'*' * (len(number) - 7)}{number[-4:]}"


def masked_phone(phone: str) -> str:
    """138****0000"""
    return f"{phone[:3]}****{phone[-4:]}"

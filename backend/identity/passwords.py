"""Staff choose their own passwords: long, not on the block list, no other rule (reliability S5)."""

from itertools import pairwise
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from backend.core import audit, errors
from backend.identity.models import LoginSession, Staff
from backend.identity.staff import Attempt, unlocked

EASY = (
    "administrator", "qwertyuiop", "weizhengwu", "government", "asdfghjkl", "password", "passw0rd", "pa55word",
    "iloveyou", "changeme", "1qaz2wsx", "football", "superman", "sunshine", "princess", "letmein", "welcome",
    "zxcvbnm", "correct", "battery", "zhengwu", "5201314", "1314520", "woaini", "secret", "qwerty", "asdfgh",
    "qazwsx", "abc123", "a1b2c3", "123qwe", "dragon", "monkey", "staple", "xiamen", "dating", "fujian", "admin",
    "guest", "login", "horse", "micro", "china", "mima", "root", "user", "test", "demo", "hall", "0592", "2024",
    "2025", "2026", "2027",
)  # fmt: skip
"""What guessers try first: common passwords, keyboard rows, and the words of this house. Longest first."""
LEAST_LEFT = 8
"""Characters that must remain when everything easy is taken out."""


class WrongPassword(errors.InvalidInput):
    """The password that shall be replaced is not the account's, or the account is locked."""

    code = "current_password_wrong"
    title = errors.Text("现在的密码不对", "The current password is wrong")

    def __init__(self) -> None:
        super().__init__(errors=[errors.FieldError("/current", self.title)])


class EasyPassword(errors.InvalidInput):
    """On the block list, or nearly: common words, keyboard rows, repeats, one's own name."""

    code = "password_easy"
    title = errors.Text("这个密码太容易猜，请换一个", "This password is too easy to guess. Choose another")

    def __init__(self) -> None:
        super().__init__(errors=[errors.FieldError("/new", self.title)])


def refuse_easy(password: str, username: str, current: str) -> None:
    """Raises EasyPassword for what a guesser would try, and for the password of before."""
    if password == current:
        raise EasyPassword()
    left = password.casefold()
    own = sorted((part for part in username.casefold().split(".") if len(part) > 1), key=len, reverse=True)
    for word in (*own, *EASY):
        left = left.replace(word, "")
    steps = sum(ord(after) - ord(before) not in (-1, 0, 1) for before, after in pairwise(left))
    if min(steps + 1, len(set(left)), _period(left)) < LEAST_LEFT:
        raise EasyPassword()


def _period(text: str) -> int:
    """After how many characters the text repeats itself; its length when it never does."""
    return (text + text).find(text, 1) if text else 0


def own(session: Session, staff_id: UUID) -> tuple[str, Attempt]:
    """The user name of one's own account, and what the slow check needs."""
    locked = ~unlocked(Staff.locked_until)
    row = session.execute(
        select(Staff.username, Staff.password_hash, func.coalesce(locked, False).label("locked")).where(
            Staff.id == staff_id
        )
    ).one()
    return row.username, Attempt(staff_id, row.password_hash, row.locked)


def change(session: Session, attempt: Attempt, password_hash: str, *, staying: UUID, hall_code: str | None) -> None:
    """The new hash, if the old one still stands; every session of the account ends but `staying`.

    Raises WrongPassword when a lead has reset the password meanwhile.
    """
    changed = session.scalar(
        update(Staff)
        .where(Staff.id == attempt.staff_id, Staff.active, Staff.password_hash == attempt.password_hash)
        .values(password_hash=password_hash)
        .returning(Staff.id)
    )
    if changed is None:
        raise WrongPassword()
    ended = session.scalars(
        delete(LoginSession)
        .where(LoginSession.staff_id == changed, LoginSession.id != staying)
        .returning(LoginSession.id)
    ).all()
    audit.record(
        session,
        actor=f"staff:{changed}",
        action="staff.password_changed",
        object_type="staff",
        object_id=changed,
        hall_code=hall_code,
        data={"sessions_ended": len(ended)},
    )

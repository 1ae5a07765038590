"""Login by phone number: a six-digit code, hashed, five minutes, five tries."""

import hmac
import secrets
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import clock, crypto, errors, limits
from backend.identity.models import SmsCode

LIFE = timedelta(minutes=5)
TRIES = 5
RESEND_AFTER_S = 60


class WrongCode(errors.InvalidInput):
    """The SMS code is wrong, used, or too old: all look the same."""

    code = "sms_code_wrong"
    title = errors.Text("验证码不对或已过期，请重新获取", "The code is wrong or has expired. Ask for a new one")


def limit(phone: str, source: str) -> None:
    """One a minute and five a day for each number, 30 an hour for each source (reliability S25)."""
    index = crypto.blind_index(phone, field="sms.limit").hex()
    limits.spend(f"sms-minute:{index}", capacity=1, per_seconds=RESEND_AFTER_S)
    limits.spend(f"sms-day:{index}", capacity=5, per_seconds=86_400)
    limits.spend(f"sms-source:{source}", capacity=30, per_seconds=3600)


def draw(session: Session, phone: str) -> str:
    """A fresh code for this number; an older one is worthless at once."""
    code = f"{secrets.randbelow(1_000_000):06d}"
    values = {
        "code_hash": crypto.blind_index(f"{phone}:{code}", field="sms.code"),
        "tries_left": TRIES,
        "expires_at": clock.now() + LIFE,
    }
    session.execute(
        insert(SmsCode)
        .values(phone_index=crypto.blind_index(phone, field="sms.phone"), **values)
        .on_conflict_do_update(index_elements=[SmsCode.phone_index], set_=values)
    )
    return code


def try_once(session: Session, phone: str) -> bytes | None:
    """Use up one of the tries and return the stored hash; None when none is left or the code is too old.

    Runs in a transaction of its own, so that wrong guesses count.
    """
    return session.execute(
        update(SmsCode)
        .where(
            SmsCode.phone_index == crypto.blind_index(phone, field="sms.phone"),
            SmsCode.tries_left > 0,
            SmsCode.expires_at > clock.now(),
        )
        .values(tries_left=SmsCode.tries_left - 1)
        .returning(SmsCode.code_hash)
    ).scalar_one_or_none()


def redeem(session: Session, phone: str, code: str, stored: bytes | None) -> None:
    """Accept the code once. Raises WrongCode."""
    given = crypto.blind_index(f"{phone}:{code}", field="sms.code")
    if stored is None or not hmac.compare_digest(stored, given):
        raise WrongCode()
    row = select(SmsCode).where(
        SmsCode.phone_index == crypto.blind_index(phone, field="sms.phone"), SmsCode.code_hash == stored
    )
    used = session.scalars(row.with_for_update()).one_or_none()
    if used is None:
        raise WrongCode()
    session.delete(used)
    session.flush()

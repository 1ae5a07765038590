"""Rate limits as token buckets in the database, so that every web process shares them."""

import math
from datetime import datetime
from typing import cast

from sqlalchemy import Float, Table, Text, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from backend.core import clock, db
from backend.core.db import Base
from backend.core.errors import TooManyRequests
from backend.core.prepared import Prepared


class RateBucket(Base):
    """Tokens left for one key. Unlogged: losing it in a crash only forgets counts."""

    __tablename__ = "rate_bucket"
    __table_args__ = {"prefixes": ["UNLOGGED"]}

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    tokens: Mapped[float] = mapped_column(Float)
    updated_at: Mapped[datetime] = mapped_column(index=True)


_TABLE = cast("Table", RateBucket.__table__)
_NOW = bindparam("now", type_=db.UTCDateTime())
_CAPACITY, _RATE = bindparam("capacity", type_=Float()), bindparam("rate", type_=Float())
_ELAPSED = func.extract("epoch", _NOW - _TABLE.c.updated_at)
_REFILLED = func.least(_CAPACITY, _TABLE.c.tokens + func.greatest(0.0, _ELAPSED) * _RATE)
_SPEND = Prepared(
    insert(_TABLE)
    .values(key=bindparam("key"), tokens=_CAPACITY - 1.0, updated_at=_NOW)
    .on_conflict_do_update(
        index_elements=[_TABLE.c.key], set_={"tokens": func.greatest(_REFILLED - 1.0, -1.0), "updated_at": _NOW}
    )
    .returning(_TABLE.c.tokens)
)
"""One statement, built once: a bucket is made full, or refilled for the time that passed, less one token."""
_TAKE = (
    insert(_TABLE)
    .values(key=bindparam("key"), tokens=_CAPACITY - 1.0, updated_at=_NOW)
    .on_conflict_do_update(
        index_elements=[_TABLE.c.key], set_={"tokens": _REFILLED - 1.0, "updated_at": _NOW}, where=_REFILLED >= 1.0
    )
    .returning(_TABLE.c.tokens)
)
_LEFT = select(_REFILLED).where(_TABLE.c.key == bindparam("key"))


def demand(key: str, *, capacity: int, per_seconds: float) -> None:
    """Refuse when no token is left, without taking one. Raises TooManyRequests."""
    with db.reading() as session:
        bucket = session.execute(
            select(RateBucket.tokens, RateBucket.updated_at).where(RateBucket.key == key)
        ).one_or_none()
    if bucket is None:
        return
    rate = capacity / per_seconds
    left = bucket.tokens + max(0.0, (clock.now() - bucket.updated_at).total_seconds()) * rate
    if left < 1:
        raise TooManyRequests(math.ceil((1 - left) / rate))


def spend(key: str, *, capacity: int, per_seconds: float) -> None:
    """Take one of `capacity` tokens that refill evenly over `per_seconds`.

    Stands alone, before the entry point's transaction, so that refused attempts count too.
    Raises TooManyRequests with the seconds until the next token.
    """
    rate = capacity / per_seconds
    values = {"key": key, "capacity": float(capacity), "rate": rate, "now": clock.now()}
    with db.reading() as session:
        [(left,)] = _SPEND.run(session, values)
    if left < 0:
        # Refused attempts count too, so what is missing is this one and the next.
        raise TooManyRequests(math.ceil((1 - left) / rate))


def take(key: str, *, capacity: int, per_seconds: float) -> int:
    """As `spend`, for what waits and asks again: an early attempt costs nothing.

    Gives 0 when a token was taken, else the seconds until the next one.
    """
    rate = capacity / per_seconds
    values = {"key": key, "capacity": float(capacity), "rate": rate, "now": clock.now()}
    with db.reading() as session:
        if session.execute(_TAKE, values).first() is not None:
            return 0
        left: float = session.execute(_LEFT, values).scalar_one()
    return max(1, math.ceil((1 - left) / rate))


def purge() -> None:
    """Drop buckets nobody touched for a day."""
    with db.transaction() as session:
        session.execute(delete(RateBucket).where(RateBucket.updated_at < func.now() - func.make_interval(0, 0, 0, 1)))

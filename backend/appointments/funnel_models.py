"""How often each step of booking was reached: counts, and nothing of who or when within the day."""

from datetime import date

from sqlalchemy import CheckConstraint, Integer, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base

STEPS = ("item", "hall", "slots", "who", "check")
"""What only the page knows; holds and bookings are counted from the appointments themselves."""


class BookingStep(Base):
    """How often a step was reached on a day for an item, and a hall once one was chosen (else empty).

    `shard`: a popular item's count is spread over a few rows, so that counting never queues.
    """

    __tablename__ = "booking_step"

    day: Mapped[date] = mapped_column(primary_key=True)
    item_slug: Mapped[str] = mapped_column(Text, primary_key=True)
    hall_code: Mapped[str] = mapped_column(Text, primary_key=True)
    step: Mapped[str] = mapped_column(Text, primary_key=True)
    shard: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    count: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        CheckConstraint("count > 0", name="count"),
        CheckConstraint("step IN ('item', 'hall', 'slots', 'who', 'check')", name="step"),
    )

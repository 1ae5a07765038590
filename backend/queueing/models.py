"""Check-ins at the entrance, and the numbers people wait with."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id


class CheckIn(Base):
    """签到: one arrival. The partial unique index is "each appointment is admitted once"."""

    __tablename__ = "check_in"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    appointment_id: Mapped[UUID] = mapped_column(ForeignKey("appointment.id"))
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    hall_code: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    at: Mapped[datetime]
    arrival: Mapped[str] = mapped_column(Text)
    undone_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_check_in_live", "appointment_id", unique=True, postgresql_where=text("undone_at IS NULL")),
        Index(None, "hall_code", "day", "at"),
        CheckConstraint("arrival IN ('on_time', 'late')", name="arrival"),
    )


class TicketCounter(Base):
    """The last number given in a hall on a day for one prefix."""

    __tablename__ = "ticket_counter"

    hall_code: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    prefix: Mapped[str] = mapped_column(Text, primary_key=True)
    last: Mapped[int] = mapped_column(Integer)


class Ticket(Base):
    """排队号: A001, A002 … of one hall and day. A number is never given twice, not even after an undo."""

    __tablename__ = "ticket"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    check_in_id: Mapped[UUID] = mapped_column(ForeignKey("check_in.id"), unique=True)
    hall_code: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    prefix: Mapped[str] = mapped_column(Text)
    seq: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]

    __table_args__ = (
        Index("uq_ticket_number", "hall_code", "day", "prefix", "seq", unique=True),
        CheckConstraint("seq > 0", name="seq"),
    )

    @property
    def number(self) -> str:
        return f"{self.prefix}{self.seq:03d}"

"""Check-ins, tickets 排队票, and what windows do with them."""

from datetime import date, datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    Enum,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable
from backend.queueing.ordering import Kind
from backend.queueing.states import TICKET, State

STATE = Enum(State, native_enum=False, length=20, values_callable=lambda kind: [member.value for member in kind])
KIND = Enum(Kind, native_enum=False, length=10, values_callable=lambda kind: [member.value for member in kind])

OPEN_STATES = "state IN ('waiting', 'waiting_priority', 'called', 'serving', 'passed', 'parked')"


QUEUE_RANGES: Final[dict[str, tuple[int, int]]] = {
    "allowance_minutes": (0, 60),
    "late_credit_minutes": (0, 60),
    "guard_every": (2, 5),
    "calls_before_pass": (1, 5),
    "return_after": (0, 10),
    "opens_before_minutes": (0, 120),
    "capacity": (1, 20_000),
}
"""What a hall may choose, both ends included; a late-comer's credit is also at most the allowance.

`guard_every` ends at 5, so that walk-ins always move on (circular, clause 12; docs/fairness.md).
"""


class QueuePolicy(Base):
    """A hall's settings of its queue; a missing row means the defaults.

    `allowance_minutes`: a walk-in is due so long after arrival. `guard_every`: at least one of so many calls is a
    walk-in's while any waits. `return_after`: people called before one who missed the call. `capacity`: people the
    building holds, when that limits it.
    """

    __tablename__ = "queue_policy"

    hall_code: Mapped[str] = mapped_column(Text, primary_key=True)
    allowance_minutes: Mapped[int] = mapped_column(SmallInteger, default=20)
    late_credit_minutes: Mapped[int] = mapped_column(SmallInteger, default=10)
    guard_every: Mapped[int] = mapped_column(SmallInteger, default=2)
    calls_before_pass: Mapped[int] = mapped_column(SmallInteger, default=3)
    return_after: Mapped[int] = mapped_column(SmallInteger, default=3)
    opens_before_minutes: Mapped[int] = mapped_column(SmallInteger, default=30)
    capacity: Mapped[int | None] = mapped_column(SmallInteger, default=None)

    __table_args__ = (
        CheckConstraint("allowance_minutes BETWEEN 0 AND 60", name="allowance_minutes"),
        CheckConstraint("late_credit_minutes BETWEEN 0 AND allowance_minutes", name="late_credit_minutes"),
        CheckConstraint("guard_every BETWEEN 2 AND 5", name="guard_every"),
        CheckConstraint("calls_before_pass BETWEEN 1 AND 5", name="calls_before_pass"),
        CheckConstraint("return_after BETWEEN 0 AND 10", name="return_after"),
        CheckConstraint("opens_before_minutes BETWEEN 0 AND 120", name="opens_before_minutes"),
        CheckConstraint("capacity > 0", name="capacity"),
    )


class CheckIn(Base):
    """签到: one arrival, by a member of staff or at a device. The partial unique index is "admitted once"."""

    __tablename__ = "check_in"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    appointment_id: Mapped[UUID] = mapped_column(ForeignKey("appointment.id"))
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    device_id: Mapped[UUID | None]
    hall_code: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    at: Mapped[datetime]
    arrival: Mapped[str] = mapped_column(Text)
    undone_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_check_in_live", "appointment_id", unique=True, postgresql_where=text("undone_at IS NULL")),
        Index(None, "hall_code", "day", "at"),
        CheckConstraint("arrival IN ('on_time', 'late')", name="arrival"),
        CheckConstraint("(staff_id IS NULL) <> (device_id IS NULL)", name="one_admits"),
    )


class TicketCounter(Base):
    """The last number given in a hall on a day for one prefix."""

    __tablename__ = "ticket_counter"

    hall_code: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    prefix: Mapped[str] = mapped_column(Text, primary_key=True)
    last: Mapped[int] = mapped_column(Integer)


class TicketEvent(EventRow, Base):
    """状态流水: what happened to a ticket; append-only."""

    __tablename__ = "ticket_event"


class Ticket(Base):
    """排队票: A001, A002 … of one hall and day. A number is never given twice, not even after an undo.

    `category_code` is the queue it stands in now; a transfer changes it, and keeps number and due time. `holder` is
    a blind index of the id document or phone it was taken with, NULL for an anonymous ticket: one open ticket a
    holder and queue. `link` is the secret end of the live position page's address. `slot_id` is the slot against
    whose on-site places it counts.
    """

    __tablename__ = "ticket"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[State] = mapped_column(STATE)
    state_at: Mapped[datetime]
    check_in_id: Mapped[UUID | None] = mapped_column(ForeignKey("check_in.id"), unique=True)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), index=True)
    holder: Mapped[bytes | None] = mapped_column(LargeBinary)
    hall_code: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    category_code: Mapped[str] = mapped_column(Text)
    prefix: Mapped[str] = mapped_column(Text)
    seq: Mapped[int] = mapped_column(Integer)
    source: Mapped[str] = mapped_column(Text)
    kind: Mapped[Kind] = mapped_column(KIND)
    lane: Mapped[str | None] = mapped_column(Text)
    people: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    due_at: Mapped[datetime]
    created_at: Mapped[datetime]
    calls: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("window_session.id"))
    wanted_window: Mapped[int | None] = mapped_column(SmallInteger)
    slot_id: Mapped[UUID | None] = mapped_column(ForeignKey("slot.id"))
    matter_id: Mapped[UUID | None] = mapped_column(ForeignKey("visit_matter.id"))
    """The case it is for: its appointment's, or what the window found; a served one is an actual visit."""
    carried_from: Mapped[UUID | None] = mapped_column(ForeignKey("ticket.id"), unique=True)
    link: Mapped[str] = mapped_column(Text, unique=True)
    near_told: Mapped[bool] = mapped_column(server_default=text("false"))

    states: ClassVar[StateTable[Any, Any]] = TICKET
    events: ClassVar[type[Any]] = TicketEvent

    __table_args__ = (
        Index("uq_ticket_number", "hall_code", "day", "prefix", "seq", unique=True),
        Index(
            "uq_ticket_holder",
            "hall_code",
            "day",
            "category_code",
            "holder",
            unique=True,
            postgresql_where=text(f"holder IS NOT NULL AND {OPEN_STATES}"),
        ),
        Index(
            "uq_ticket_at_window",
            "session_id",
            unique=True,
            postgresql_where=text("state IN ('called', 'serving')"),
        ),
        Index(
            "ix_ticket_line",
            "hall_code",
            "day",
            "category_code",
            "due_at",
            "seq",
            postgresql_where=text("state IN ('waiting', 'waiting_priority')"),
        ),
        Index("ix_ticket_matter", "matter_id", postgresql_where=text("matter_id IS NOT NULL")),
        Index("ix_ticket_open", "hall_code", "day", postgresql_where=text(OPEN_STATES)),
        CheckConstraint("seq > 0", name="seq"),
        CheckConstraint("source IN ('appointment', 'desk', 'kiosk', 'phone', 'carried')", name="source"),
        CheckConstraint("lane IN ('elder', 'pregnant', 'disabled', 'soldier')", name="lane"),
        CheckConstraint("state NOT IN ('called', 'serving') OR session_id IS NOT NULL", name="window"),
    )

    @property
    def number(self) -> str:
        return f"{self.prefix}{self.seq:03d}"


class TicketItem(Base):
    """An item the ticket is for; staff may add one while serving (一类一号)."""

    __tablename__ = "ticket_item"

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    item_slug: Mapped[str] = mapped_column(Text, primary_key=True)


class QueueGuard(Base):
    """How many booked calls in a row one queue has made while walk-ins waited. Its row also orders the calls."""

    __tablename__ = "queue_guard"

    hall_code: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    category_code: Mapped[str] = mapped_column(Text, primary_key=True)
    booked_run: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))


class WindowSession(Base):
    """上窗: a member of staff at a window, for some of the hall's queues, until they leave or hand over.

    `paused_s` are the seconds of pauses that are over; one that goes on began at `paused_at`.
    """

    __tablename__ = "window_session"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    hall_code: Mapped[str] = mapped_column(Text)
    window: Mapped[int] = mapped_column(SmallInteger)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    categories: Mapped[list[str]]
    opened_at: Mapped[datetime]
    paused_at: Mapped[datetime | None]
    paused_s: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_window_session_window", "hall_code", "window", unique=True, postgresql_where=text("closed_at IS NULL")
        ),
        Index("uq_window_session_staff", "staff_id", unique=True, postgresql_where=text("closed_at IS NULL")),
    )


class Call(Base):
    """叫号记录: append-only. A chosen call has a reason."""

    __tablename__ = "call"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), index=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("window_session.id"))
    hall_code: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    window: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]

    __table_args__ = (
        Index(None, "hall_code", "day", "id"),
        CheckConstraint("kind IN ('next', 'chosen', 'resumed', 'recall')", name="kind"),
        CheckConstraint("(kind = 'chosen') = (reason IS NOT NULL)", name="reason"),
    )


class Leg(Base):
    """办理环节: one stretch of serving at one window; a visit may have several."""

    __tablename__ = "leg"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), index=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("window_session.id"))
    category_code: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(Text)
    count: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    note: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("uq_leg_running", "ticket_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="ended"),
        CheckConstraint(
            "outcome IN ('done', 'not_done', 'materials_missing', 'parked', 'transferred', 'closed')", name="outcome"
        ),
        CheckConstraint("count BETWEEN 0 AND 99", name="count"),
    )


class QueueHour(Base):
    """日结: the frozen figures of one queue, kind and hour of arrival. Waits are seconds from arrival to first call."""

    __tablename__ = "queue_hour"

    hall_code: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    category_code: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[Kind] = mapped_column(KIND, primary_key=True)
    hour: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    taken: Mapped[int] = mapped_column(Integer)
    called: Mapped[int] = mapped_column(Integer)
    served: Mapped[int] = mapped_column(Integer)
    left: Mapped[int] = mapped_column(Integer)
    wait_s: Mapped[int] = mapped_column(Integer)
    longest_s: Mapped[int] = mapped_column(Integer)

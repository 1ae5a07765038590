"""Opening rules, slots 时段, quotas 号源 and appointments 预约."""

from datetime import date, datetime, time
from typing import Any, ClassVar, Final, cast
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    Enum,
    ForeignKey,
    Index,
    SmallInteger,
    Text,
    Time,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.appointments.states import APPOINTMENT, State
from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable

POLICY_RANGES: Final[dict[str, tuple[int, int]]] = {
    "open_workdays": (1, 30),
    "same_day_lead_minutes": (0, 240),
    "slot_minutes": (10, 120),
    "close_minutes": (0, 240),
    "hold_minutes": (5, 10),
    "live_holds": (1, 2),
    "open_total": (1, 10),
    "agent_principals": (1, 10),
    "reschedules": (0, 5),
    "cancel_hours": (0, 72),
    "early_minutes": (0, 120),
    "grace_minutes": (0, 120),
    "onsite_percent": (30, 100),
    "staff_percent": (0, 70),
}
"""What a hall may choose, both ends included (domain sheet §4). The on-site share is never below 30 (circular, 12)."""

STATE = Enum(State, native_enum=False, length=20, values_callable=lambda kind: [member.value for member in kind])


class BookingPolicy(Base):
    """Settings of one hall and category; a missing row means the defaults (domain sheet §4, with its ranges)."""

    __tablename__ = "booking_policy"

    hall_code: Mapped[str] = mapped_column(Text, primary_key=True)
    category_code: Mapped[str] = mapped_column(Text, primary_key=True)
    open_workdays: Mapped[int] = mapped_column(SmallInteger, default=5)
    release_at: Mapped[time] = mapped_column(Time, default=time(8, 0))
    same_day: Mapped[bool] = mapped_column(default=True)
    same_day_lead_minutes: Mapped[int] = mapped_column(SmallInteger, default=30)
    slot_minutes: Mapped[int] = mapped_column(SmallInteger, default=30)
    close_minutes: Mapped[int] = mapped_column(SmallInteger, default=10)
    hold_minutes: Mapped[int] = mapped_column(SmallInteger, default=10)
    live_holds: Mapped[int] = mapped_column(SmallInteger, default=2)
    open_total: Mapped[int] = mapped_column(SmallInteger, default=3)
    agent_principals: Mapped[int] = mapped_column(SmallInteger, default=2)
    reschedules: Mapped[int] = mapped_column(SmallInteger, default=2)
    cancel_hours: Mapped[int] = mapped_column(SmallInteger, default=2)
    early_minutes: Mapped[int] = mapped_column(SmallInteger, default=30)
    grace_minutes: Mapped[int] = mapped_column(SmallInteger, default=30)
    onsite_percent: Mapped[int] = mapped_column(SmallInteger, default=30)
    staff_percent: Mapped[int] = mapped_column(SmallInteger, default=0)

    __table_args__ = tuple(
        CheckConstraint(f"{name} BETWEEN {low} AND {high}", name=name) for name, (low, high) in POLICY_RANGES.items()
    )


class OpeningRule(Base):
    """开放规则: a weekday's hours of one hall and category, with the places of that half-day."""

    __tablename__ = "opening_rule"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    hall_code: Mapped[str] = mapped_column(Text)
    category_code: Mapped[str] = mapped_column(Text)
    weekday: Mapped[int] = mapped_column(SmallInteger)
    start: Mapped[time] = mapped_column(Time)
    end: Mapped[time] = mapped_column(Time)
    windows: Mapped[int] = mapped_column(SmallInteger)
    capacity: Mapped[int] = mapped_column(SmallInteger)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)

    __table_args__ = (
        Index("uq_opening_rule_version", "hall_code", "category_code", "weekday", "start", "valid_from", unique=True),
        CheckConstraint("weekday BETWEEN 1 AND 7", name="weekday"),
        CheckConstraint('start < "end"', name="hours"),
        CheckConstraint("capacity > 0 AND windows > 0", name="capacity"),
    )


class DayOverride(Base):
    """A half-day that differs from the calendar: closed although a workday, or open although not.

    `note` is the reason as citizens read it; a whole day is two rows.
    """

    __tablename__ = "day_override"

    hall_code: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    half: Mapped[str] = mapped_column(Text, primary_key=True)
    open: Mapped[bool]
    note: Mapped[str | None] = mapped_column(Text)
    note_en: Mapped[str | None] = mapped_column(Text)
    set_by: Mapped[str] = mapped_column(Text)

    __table_args__ = (CheckConstraint("half IN ('morning', 'afternoon')", name="half"),)


class Slot(Base):
    """时段: half an hour, say, of one category in one hall."""

    __tablename__ = "slot"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    hall_code: Mapped[str] = mapped_column(Text)
    category_code: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    start: Mapped[datetime]
    end: Mapped[datetime]
    open: Mapped[bool] = mapped_column(server_default=text("true"))

    __table_args__ = (
        Index("uq_slot_place", "hall_code", "category_code", "start", unique=True),
        Index(None, "hall_code", "category_code", "day"),
        Index("ix_slot_closed", "day", postgresql_where=text("NOT open")),
    )


class SlotQuota(Base):
    """号源: the places of one slot for one channel. The CHECK is the promise that nothing is oversold.

    `open` follows the slot's, so that the UPDATE that takes a place also decides whether the hall is closed.
    """

    __tablename__ = "slot_quota"

    slot_id: Mapped[UUID] = mapped_column(ForeignKey("slot.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(Text, primary_key=True)
    open: Mapped[bool] = mapped_column(server_default=text("true"))
    capacity: Mapped[int] = mapped_column(SmallInteger)
    held: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    booked: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))

    __table_args__ = (
        CheckConstraint("held >= 0 AND booked >= 0 AND held + booked <= capacity", name="not_oversold"),
        CheckConstraint("channel IN ('online', 'staff', 'onsite')", name="channel"),
    )


class AppointmentEvent(EventRow, Base):
    """状态流水: what happened to an appointment; append-only."""

    __tablename__ = "appointment_event"


class Appointment(Base):
    """预约: `person_id` is served, `booker_id` booked (a family agent or the same person)."""

    __tablename__ = "appointment"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[State] = mapped_column(STATE)
    state_at: Mapped[datetime]
    code: Mapped[str | None] = mapped_column(Text)
    hall_code: Mapped[str] = mapped_column(Text)
    category_code: Mapped[str] = mapped_column(Text)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    booker_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    channel: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    start: Mapped[datetime]
    end: Mapped[datetime]
    people: Mapped[int] = mapped_column(SmallInteger)
    expires_at: Mapped[datetime | None]
    cancel_until: Mapped[datetime]
    check_in_from: Mapped[datetime]
    check_in_until: Mapped[datetime]
    reschedules_left: Mapped[int] = mapped_column(SmallInteger)
    rescheduled_to: Mapped[UUID | None] = mapped_column(ForeignKey("appointment.id"))
    ticket_number: Mapped[str | None] = mapped_column(Text)
    ticket_link: Mapped[str | None] = mapped_column(Text)
    matter_id: Mapped[UUID | None] = mapped_column(ForeignKey("visit_matter.id"))
    """The application or case the visit is for; a visit for none has none."""
    created_at: Mapped[datetime]

    states: ClassVar[StateTable[Any, Any]] = APPOINTMENT
    events: ClassVar[type[Any]] = AppointmentEvent
    particulars = cast("Any", None)
    """Not a column: what `queries.particulars` has read for this row."""

    __table_args__ = (
        Index(None, "booker_id", "start"),
        Index("ix_appointment_hall_day", "hall_code", "day"),
        Index("ix_appointment_live_holds", "expires_at", postgresql_where=text("state = 'held'")),
        Index("ix_appointment_expected", "end", postgresql_where=text("state = 'booked'")),
        Index(
            "uq_appointment_code", "hall_code", "day", "code", unique=True, postgresql_where=text("code IS NOT NULL")
        ),
        Index(
            "uq_appointment_matter",
            "matter_id",
            unique=True,
            postgresql_where=text("state = 'booked' AND matter_id IS NOT NULL"),
        ),
        Index("ix_appointment_matter", "matter_id", postgresql_where=text("matter_id IS NOT NULL")),
        CheckConstraint("people BETWEEN 1 AND 20", name="people"),
    )


class VisitMatter(Base):
    """What a visit may be for: an application, or the case it became, as far as booking and the hall must know it.

    `id` is the application's. Applications write it and nobody else; here it is read (arrows point downwards).
    `checked_at` is 材料已预审. `open` while a visit for it makes sense. One booked visit each at a time: the partial
    unique index of `appointment` decides.
    """

    __tablename__ = "visit_matter"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID | None] = mapped_column(unique=True)
    number: Mapped[str | None] = mapped_column(Text)
    item_slug: Mapped[str] = mapped_column(Text)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    filer_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    checked_at: Mapped[datetime | None]
    open: Mapped[bool] = mapped_column(server_default=text("true"))

    __table_args__ = (
        Index("ix_visit_matter_checked", "person_id", "item_slug", postgresql_where=text("checked_at IS NOT NULL")),
        CheckConstraint("(case_id IS NULL) = (number IS NULL)", name="numbered"),
        CheckConstraint("checked_at IS NULL OR case_id IS NOT NULL", name="checked_case"),
    )


class AppointmentLine(Base):
    """One item of an appointment. The partial unique index is "one active per person, item family and day"."""

    __tablename__ = "appointment_line"

    appointment_id: Mapped[UUID] = mapped_column(ForeignKey("appointment.id"), primary_key=True)
    item_slug: Mapped[str] = mapped_column(Text, primary_key=True)
    family: Mapped[str] = mapped_column(Text)
    person_id: Mapped[UUID]
    day: Mapped[date] = mapped_column(Date)
    active: Mapped[bool]

    __table_args__ = (
        Index("uq_appointment_line_active", "person_id", "family", "day", unique=True, postgresql_where=text("active")),
    )


class AppointmentSlot(Base):
    """The slots an appointment fills: several in a row when its items take longer."""

    __tablename__ = "appointment_slot"

    appointment_id: Mapped[UUID] = mapped_column(ForeignKey("appointment.id"), primary_key=True)
    slot_id: Mapped[UUID] = mapped_column(ForeignKey("slot.id"), primary_key=True, index=True)


class ReturnedPlace(Base):
    """A cancelled place on its way back: at a random later moment, so that it cannot be handed to a buyer."""

    __tablename__ = "returned_place"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    slot_id: Mapped[UUID] = mapped_column(ForeignKey("slot.id"))
    channel: Mapped[str] = mapped_column(Text)
    due_at: Mapped[datetime] = mapped_column(index=True)

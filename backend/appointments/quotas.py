"""Taking and giving back places: each by one conditional UPDATE, in slot order."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from backend.appointments.models import Slot, SlotQuota
from backend.core import clock


def take(session: Session, slot_ids: Sequence[UUID], channel: str, *, booked: bool = False) -> bool:
    """One place in every open slot, or in none. `booked` skips the hold, for rescheduling."""
    _lock_in_order(session, slot_ids, channel)
    column = SlotQuota.booked if booked else SlotQuota.held
    free = SlotQuota.held + SlotQuota.booked < SlotQuota.capacity
    return _change(session, slot_ids, channel, {column: column + 1}, free, SlotQuota.open) == len(slot_ids)


def book_held(session: Session, slot_ids: Sequence[UUID], channel: str) -> None:
    """The held place becomes a booked one; it is never free in between."""
    _lock_in_order(session, slot_ids, channel)
    changes = {SlotQuota.held: SlotQuota.held - 1, SlotQuota.booked: SlotQuota.booked + 1}
    _change(session, slot_ids, channel, changes)


def give_back_held(session: Session, slot_ids: Sequence[UUID], channel: str) -> None:
    """A hold ended without a booking."""
    _lock_in_order(session, slot_ids, channel)
    _change(session, slot_ids, channel, {SlotQuota.held: SlotQuota.held - 1})


def give_back_booked(session: Session, slot_ids: Sequence[UUID], channel: str) -> None:
    """A booking ended and its place may be taken again at once."""
    _lock_in_order(session, slot_ids, channel)
    _change(session, slot_ids, channel, {SlotQuota.booked: SlotQuota.booked - 1})


def move_to_onsite(session: Session, slot_ids: Sequence[UUID], channel: str) -> None:
    """A place cancelled too late for others to book goes to the people in the hall 现场号."""
    gone = {SlotQuota.booked: SlotQuota.booked - 1, SlotQuota.capacity: SlotQuota.capacity - 1}
    _change(session, slot_ids, channel, gone)
    _change(session, slot_ids, "onsite", {SlotQuota.capacity: SlotQuota.capacity + 1})


def count_walk_in(session: Session, hall_code: str, category_code: str, at: datetime) -> UUID | None:
    """Count a walk-in ticket against the first on-site place from the slot of `at` on; returns that slot.

    A planning figure: when no on-site place is left today, nothing is counted and the ticket is given all the same.
    """
    first = (
        select(SlotQuota.slot_id)
        .join(Slot, Slot.id == SlotQuota.slot_id)
        .where(Slot.hall_code == hall_code, Slot.category_code == category_code, Slot.day == clock.civil(at).date())
        .where(Slot.open, Slot.end > at, SlotQuota.channel == "onsite", SlotQuota.booked < SlotQuota.capacity)
        .order_by(Slot.start)
        .limit(1)
        .with_for_update(of=SlotQuota, skip_locked=True)
        .scalar_subquery()
    )
    return session.scalar(
        update(SlotQuota)
        .where(SlotQuota.slot_id == first, SlotQuota.channel == "onsite")
        .values(booked=SlotQuota.booked + 1)
        .returning(SlotQuota.slot_id)
        .execution_options(synchronize_session=False)
    )


def _change(session: Session, slot_ids: Sequence[UUID], channel: str, changes: dict[Any, Any], *also: Any) -> int:
    result = session.execute(
        update(SlotQuota).where(SlotQuota.slot_id.in_(slot_ids), SlotQuota.channel == channel, *also).values(changes),
        execution_options={"synchronize_session": False},
    )
    return cast("CursorResult[Any]", result).rowcount


def _lock_in_order(session: Session, slot_ids: Sequence[UUID], channel: str) -> None:
    """Several rows are locked in id order, so that two such bookings cannot wait for each other."""
    if len(slot_ids) > 1:
        session.execute(
            select(SlotQuota.slot_id)
            .where(SlotQuota.slot_id.in_(slot_ids), SlotQuota.channel == channel)
            .order_by(SlotQuota.slot_id)
            .with_for_update()
        )

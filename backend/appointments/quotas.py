"""Taking and giving back places: each by one conditional UPDATE, in slot order."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, Uuid, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from backend.appointments.models import Slot, SlotQuota
from backend.core import clock
from backend.core.prepared import Prepared

_QUOTA = cast("Table", SlotQuota.__table__)
_HELD, _BOOKED, _CAPACITY = _QUOTA.c.held, _QUOTA.c.booked, _QUOTA.c.capacity

_PLACES = update(_QUOTA).where(
    _QUOTA.c.slot_id == func.any(bindparam("slot_ids", type_=ARRAY(Uuid()))),
    _QUOTA.c.channel == bindparam("in_channel"),
)
_FREE = _QUOTA.c.open & (_HELD + _BOOKED < _CAPACITY)
_TAKE_HELD = Prepared(_PLACES.where(_FREE).values({_HELD: _HELD + 1}).returning(_QUOTA.c.slot_id))
_TAKE_BOOKED = Prepared(_PLACES.where(_FREE).values({_BOOKED: _BOOKED + 1}).returning(_QUOTA.c.slot_id))
_BOOK_HELD = Prepared(_PLACES.values({_HELD: _HELD - 1, _BOOKED: _BOOKED + 1}))


def take(session: Session, slot_ids: Sequence[UUID], channel: str, *, booked: bool = False) -> bool:
    """One place in every open slot, or in none. `booked` skips the hold, for rescheduling."""
    _lock_in_order(session, slot_ids, channel)
    places = {"slot_ids": list(slot_ids), "in_channel": channel}
    statement = _TAKE_BOOKED if booked else _TAKE_HELD
    return len(statement.run(session, places)) == len(slot_ids)


def book_held(session: Session, slot_ids: Sequence[UUID], channel: str) -> None:
    """The held place becomes a booked one; it is never free in between."""
    _lock_in_order(session, slot_ids, channel)
    _BOOK_HELD.run(session, {"slot_ids": list(slot_ids), "in_channel": channel})


def give_back_held(session: Session, slot_ids: Sequence[UUID], channel: str) -> None:
    """A hold ended without a booking."""
    _lock_in_order(session, slot_ids, channel)
    _change(session, slot_ids, channel, {_HELD: _HELD - 1})


def give_back_booked(session: Session, slot_ids: Sequence[UUID], channel: str) -> None:
    """A booking ended and its place may be taken again at once."""
    _lock_in_order(session, slot_ids, channel)
    _change(session, slot_ids, channel, {_BOOKED: _BOOKED - 1})


def move_to_onsite(session: Session, slot_ids: Sequence[UUID], channel: str) -> None:
    """A place cancelled too late for others to book goes to the people in the hall 现场号."""
    gone = {_BOOKED: _BOOKED - 1, _CAPACITY: _CAPACITY - 1}
    _change(session, slot_ids, channel, gone)
    _change(session, slot_ids, "onsite", {_CAPACITY: _CAPACITY + 1})


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


def _change(session: Session, slot_ids: Sequence[UUID], channel: str, changes: dict[Any, Any]) -> None:
    session.execute(update(_QUOTA).where(_QUOTA.c.slot_id.in_(slot_ids), _QUOTA.c.channel == channel).values(changes))


def _lock_in_order(session: Session, slot_ids: Sequence[UUID], channel: str) -> None:
    """Several rows are locked in id order, so that two such bookings cannot wait for each other."""
    if len(slot_ids) > 1:
        session.execute(
            select(SlotQuota.slot_id)
            .where(SlotQuota.slot_id.in_(slot_ids), SlotQuota.channel == channel)
            .order_by(SlotQuota.slot_id)
            .with_for_update()
        )

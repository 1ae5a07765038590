"""Which ticket next: one line by due time, and a guard for walk-ins. Pure; the database asks the same questions.

An appointment is due at its slot's start, never before it is checked in. A walk-in is due some minutes after arrival,
a green-lane ticket 绿色通道 at arrival. Due times never change while waiting, so nobody who comes later with a later
due time is called first: a walk-in's wait is bounded (circular clause 12, appointments sheet §4).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Kind(StrEnum):
    """How the ticket counts for the guard. A late appointment joins as a walk-in."""

    BOOKED = "booked"
    WALK_IN = "walk_in"


@dataclass(frozen=True)
class Waiting:
    """One ticket in line: `order` is unique and decides between equal due times."""

    order: int
    kind: Kind
    due_at: datetime


def due_at(
    *,
    arrived: datetime,
    slot_start: datetime | None,
    late: bool,
    green: bool,
    allowance: timedelta,
    late_credit: timedelta,
) -> datetime:
    """When the ticket is due (UTC). `slot_start` is None for a walk-in."""
    if slot_start is not None and not late:
        due = max(slot_start, arrived)
    else:
        due = arrived + allowance - (late_credit if late else timedelta())
    return min(due, arrived) if green else due


def next_of(line: Sequence[Waiting], *, booked_run: int, guard_every: int) -> Waiting | None:
    """The ticket to call, given how many booked calls in a row were made while walk-ins waited."""
    walk_ins = [ticket for ticket in line if ticket.kind is Kind.WALK_IN]
    choice = walk_ins if walk_ins and booked_run + 1 >= guard_every else line
    return min(choice, key=lambda ticket: (ticket.due_at, ticket.order), default=None)


def run_after(called: Kind, *, booked_run: int, walk_in_waits: bool) -> int:
    """The guard's count after a call; it grows only while somebody without an appointment waits."""
    return booked_run + 1 if called is Kind.BOOKED and walk_in_waits else 0

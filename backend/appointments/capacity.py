"""号源调整: opening rules, single slots and settings change; slots that exist follow.

Nothing that is taken is taken away: a change that does not fit what is held and booked is refused with the number of
missing places. Every half-day keeps its on-site share (circular, clause 12).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from backend.appointments import slots
from backend.appointments.errors import BelowBooked, DayIsOver, OnsiteShareTooSmall
from backend.appointments.models import POLICY_RANGES, BookingPolicy, OpeningRule, Slot, SlotQuota
from backend.appointments.policy import defaults, policy_for, released_until
from backend.core import audit, calendar, clock
from backend.core.audit import AuditEvent
from backend.core.db import new_id
from backend.core.errors import InvalidInput, NotFound, Text

RESHAPING = frozenset({"slot_minutes", "onsite_percent", "staff_percent"})
"""Settings that decide the shape of slots; the others are read when somebody books."""


@dataclass(frozen=True)
class Short:
    """A slot whose new capacity does not hold what is taken in one channel."""

    slot_id: UUID
    start: datetime
    channel: str
    taken: int
    capacity: int

    @property
    def missing(self) -> int:
        return self.taken - self.capacity


@dataclass
class Change:
    """What a change does: slots made, slots with other places, and those where it does not fit."""

    made: int = 0
    changed: int = 0
    short: list[Short] = field(default_factory=list)


@dataclass(frozen=True)
class HalfDay:
    """Hours of one half-day, Xiamen wall-clock time, with windows and places."""

    start: time
    end: time
    windows: int
    capacity: int


def rules(session: Session, *, hall_code: str, category_code: str) -> Sequence[OpeningRule]:
    """Rules in force today or later, by weekday and start."""
    return session.scalars(
        select(OpeningRule)
        .where(OpeningRule.hall_code == hall_code, OpeningRule.category_code == category_code)
        .where(func.coalesce(OpeningRule.valid_to, date.max) >= clock.today())
        .order_by(OpeningRule.weekday, OpeningRule.start, OpeningRule.valid_from)
    ).all()


def change_rules(
    session: Session,
    *,
    hall_code: str,
    category_code: str,
    valid_from: date,
    weekdays: Sequence[int],
    halves: Sequence[HalfDay],
    reason: str,
    actor: str,
) -> Change:
    """A new version of these weekdays' hours and places from `valid_from` on; existing slots follow at once.

    Raises DayIsOver, InvalidInput, and BelowBooked with every slot in which people have more places than it would have.
    """
    if valid_from < clock.today():
        raise DayIsOver()
    slots.lock(session)
    shortest = policy_for(session, hall_code, category_code).slot_minutes
    if any(_minutes(half.end) - _minutes(half.start) < shortest for half in halves):
        raise InvalidInput(Text(f"每半天至少 {shortest} 分钟", f"A half-day has at least {shortest} minutes"))
    before = _rule_views(session, hall_code, category_code)
    _cut(session, _of(hall_code, category_code) + (OpeningRule.weekday.in_(weekdays),), valid_from)
    session.add_all(
        OpeningRule(
            id=new_id(),
            hall_code=hall_code,
            category_code=category_code,
            weekday=weekday,
            start=half.start,
            end=half.end,
            windows=half.windows,
            capacity=half.capacity,
            valid_from=valid_from,
        )
        for weekday in weekdays
        for half in halves
    )
    return _apply(session, hall_code, category_code, valid_from, before, "hall.rules_changed", reason, actor)


def end_rule(session: Session, *, hall_code: str, rule_id: UUID, ends: date, reason: str, actor: str) -> Change:
    """A half-day of one weekday is not opened from the day `ends` on; a rule that begins later is taken out.

    Raises NotFound for another hall's rule or one that is over by then, DayIsOver, and BelowBooked as `change_rules`.
    """
    if ends < clock.today():
        raise DayIsOver()
    slots.lock(session)
    rule = session.get(OpeningRule, rule_id)
    if rule is None or rule.hall_code != hall_code or (rule.valid_to is not None and rule.valid_to < ends):
        raise NotFound()
    category_code = rule.category_code
    before = _rule_views(session, hall_code, category_code)
    _cut(session, (OpeningRule.id == rule_id,), ends)
    return _apply(session, hall_code, category_code, ends, before, "hall.rule_ended", reason, actor)


def restore_rules(session: Session, *, hall_code: str, event_id: int, reason: str, actor: str) -> tuple[Change, str]:
    """Undo a change of rules: from today on those that were in force before it. Returns the category too.

    Raises NotFound for anything but a change of this hall's rules, and BelowBooked as `change_rules`.
    """
    event = session.get(AuditEvent, event_id)
    changing = {"hall.rules_changed", "hall.rule_ended", "hall.rules_restored"}
    if event is None or event.hall_code != hall_code or event.action not in changing or event.data is None:
        raise NotFound()
    slots.lock(session)
    category_code, today = event.object_id.split("/")[1], clock.today()
    before = _rule_views(session, hall_code, category_code)
    _cut(session, _of(hall_code, category_code), today)
    for view in event.data["before"]:
        until = date.fromisoformat(view["valid_to"]) if view["valid_to"] else None
        if until is None or until >= today:
            _put_back(
                session, hall_code, category_code, view, max(date.fromisoformat(view["valid_from"]), today), until
            )
    change = _apply(session, hall_code, category_code, today, before, "hall.rules_restored", reason, actor)
    return change, category_code


def _put_back(
    session: Session, hall_code: str, category_code: str, view: dict[str, Any], since: date, until: date | None
) -> None:
    """The rule goes on where it was cut yesterday, or begins anew."""
    values = {
        "weekday": view["weekday"],
        "start": time.fromisoformat(view["from"]),
        "end": time.fromisoformat(view["to"]),
        "windows": view["windows"],
        "capacity": view["capacity"],
    }
    cut = session.scalars(
        select(OpeningRule)
        .where(*_of(hall_code, category_code), OpeningRule.valid_to == since - timedelta(days=1))
        .filter_by(**values)
    ).first()
    if cut is not None:
        cut.valid_to = until
    else:
        session.add(
            OpeningRule(
                id=new_id(),
                hall_code=hall_code,
                category_code=category_code,
                valid_from=since,
                valid_to=until,
                **values,
            )
        )
    session.flush()


def _of(hall_code: str, category_code: str) -> tuple[ColumnElement[bool], ...]:
    return OpeningRule.hall_code == hall_code, OpeningRule.category_code == category_code


def _cut(session: Session, which: tuple[ColumnElement[bool], ...], since: date) -> None:
    """These rules end before `since`; those that begin then or later go."""
    for rule in session.scalars(select(OpeningRule).where(*which).with_for_update()):
        if rule.valid_from >= since:
            session.delete(rule)
        elif rule.valid_to is None or rule.valid_to >= since:
            rule.valid_to = since - timedelta(days=1)
    session.flush()


def _apply(
    session: Session,
    hall_code: str,
    category_code: str,
    since: date,
    before: list[dict[str, Any]],
    action: str,
    reason: str,
    actor: str,
) -> Change:
    """Slots from `since` on follow the rules as they are now; the audit trail keeps both versions."""
    session.flush()
    change = _replan(session, hall_code, category_code, slots.days(since, clock.today() + slots.AHEAD))
    _refuse_short(change)
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="opening_rule",
        object_id=f"{hall_code}/{category_code}",
        hall_code=hall_code,
        reason=reason,
        data={"before": before, "after": _rule_views(session, hall_code, category_code)},
    )
    return change


def change_slot(
    session: Session, *, hall_code: str, slot_id: UUID, capacity: int, reason: str, actor: str
) -> dict[str, int]:
    """Give one slot `capacity` places over all channels; returns them by channel. Those of staff stay as they are.

    Raises NotFound for another hall's slot, DayIsOver once it has begun, BelowBooked, OnsiteShareTooSmall.
    """
    slots.lock(session)
    slot = session.get(Slot, slot_id)
    if slot is None or slot.hall_code != hall_code:
        raise NotFound()
    if slot.start <= clock.now():
        raise DayIsOver()
    policy = policy_for(session, hall_code, slot.category_code)
    half_day = _quotas(session, hall_code, slot.category_code, slot.day, slots.half_of(slot.start))
    own = half_day.pop(slot_id)
    elsewhere = [quota for of_slot in half_day.values() for quota in of_slot.values()]
    total = capacity + sum(quota.capacity for quota in elsewhere)
    needed = -(-total * policy.onsite_percent // 100) - sum(q.capacity for q in elsewhere if q.channel == "onsite")
    onsite = max(capacity * policy.onsite_percent // 100, needed)
    if onsite > capacity:
        raise OnsiteShareTooSmall(missing=onsite - capacity)
    before = {channel: quota.capacity for channel, quota in own.items()}
    staff = min(own["staff"].capacity, capacity - onsite)
    after = {"onsite": onsite, "staff": staff, "online": capacity - onsite - staff}
    change = Change()
    _set_places(session, slot, own, after, change)
    _refuse_short(change)
    audit.record(
        session,
        actor=actor,
        action="hall.slot_changed",
        object_type="slot",
        object_id=slot_id,
        hall_code=hall_code,
        reason=reason,
        data={"before": before, "after": after},
    )
    return after


def change_policy(
    session: Session, *, hall_code: str, category_code: str, values: dict[str, Any], reason: str, actor: str
) -> BookingPolicy:
    """Set some of a hall's booking settings; the database refuses what is out of range.

    Slot length and shares apply from the first day that is not released yet; a day on which anybody has booked
    already keeps its slots.
    """
    slots.lock(session)
    policy = session.get(BookingPolicy, (hall_code, category_code))
    if policy is None:
        policy = defaults(hall_code, category_code)
        session.add(policy)
    before = policy_values(policy)
    for name, value in values.items():
        setattr(policy, name, value)
    session.flush()
    after = policy_values(policy)
    if any(before[name] != after[name] for name in RESHAPING):
        _refuse_short(_replan(session, hall_code, category_code, _days_nobody_has_booked(session, policy)))
    audit.record(
        session,
        actor=actor,
        action="hall.policy_changed",
        object_type="booking_policy",
        object_id=f"{hall_code}/{category_code}",
        hall_code=hall_code,
        reason=reason,
        data={"before": _plain(before), "after": _plain(after)},
    )
    return policy


def policy_values(policy: BookingPolicy) -> dict[str, Any]:
    """Every setting by name."""
    return {name: getattr(policy, name) for name in (*POLICY_RANGES, "release_at", "same_day")}


def slots_of_day(session: Session, *, hall_code: str, category_code: str, day: date) -> list[dict[str, Any]]:
    """Each slot of a day with capacity, held and booked places by channel."""
    found = session.execute(
        select(Slot, SlotQuota)
        .join(SlotQuota, SlotQuota.slot_id == Slot.id)
        .where(Slot.hall_code == hall_code, Slot.category_code == category_code, Slot.day == day)
        .order_by(Slot.start, SlotQuota.channel)
    )
    shown: dict[UUID, dict[str, Any]] = {}
    for slot, quota in found:
        one = shown.setdefault(
            slot.id, {"id": slot.id, "start": slot.start, "end": slot.end, "open": slot.open, "places": []}
        )
        one["places"].append(
            {"channel": quota.channel, "capacity": quota.capacity, "held": quota.held, "booked": quota.booked}
        )
    return list(shown.values())


def _replan(session: Session, hall_code: str, category_code: str, over: Iterable[date]) -> Change:
    """Bring the slots of these days that have not begun in line with rules and settings.

    A slot that is no longer planned stays without places and closed, for those who look it up later.
    """
    change = Change()
    for day in over:
        try:
            planned = slots.plan(session, day, hall_codes=[hall_code], category_code=category_code)
        except calendar.CalendarNotLoaded:
            break
        wanted = {slot.start: slot for slot in planned if slot.start > clock.now()}
        quotas = _quotas(session, hall_code, category_code, day)
        existing = {slot.id: slot for slot in session.scalars(select(Slot).where(Slot.id.in_(quotas)))}
        for slot_id, of_slot in quotas.items():
            slot = existing[slot_id]
            if slot.start <= clock.now():
                continue
            target = wanted.pop(slot.start, None)
            taken = sum(quota.held + quota.booked for quota in of_slot.values())
            if target and target.end != slot.end and not taken:
                slot.end = target.end
            places = target.places if target and target.end == slot.end else dict.fromkeys(of_slot, 0)
            _set_places(session, slot, of_slot, places, change)
            _set_open(of_slot, slot, target is not None and target.open)
        session.flush()
        change.made += slots.store(session, [slot for slot in wanted.values() if slot.open])
    return change


def _set_places(
    session: Session, slot: Slot, of_slot: dict[str, SlotQuota], places: dict[str, int], change: Change
) -> None:
    differs = False
    for channel, quota in of_slot.items():
        taken, capacity = quota.held + quota.booked, places[channel]
        if taken > capacity:
            change.short.append(Short(slot.id, slot.start, channel, taken, capacity))
        elif quota.capacity != capacity:
            quota.capacity = capacity
            differs = True
    change.changed += differs
    session.flush()


def _set_open(of_slot: dict[str, SlotQuota], slot: Slot, open_: bool) -> None:
    slot.open = open_
    for quota in of_slot.values():
        quota.open = open_


def _quotas(
    session: Session, hall_code: str, category_code: str, day: date, half: slots.Half | None = None
) -> dict[UUID, dict[str, SlotQuota]]:
    """The quotas of a day or half-day by slot and channel, locked: slots first, then quotas in order."""
    there = (Slot.hall_code == hall_code, Slot.category_code == category_code)
    within = slots.in_halves(day, (half,) if half else ("morning", "afternoon"))
    ids = session.scalars(select(Slot.id).where(*there, within).order_by(Slot.id).with_for_update(key_share=True)).all()
    rows = session.scalars(
        select(SlotQuota)
        .where(SlotQuota.slot_id.in_(ids))
        .order_by(SlotQuota.slot_id, SlotQuota.channel)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found: dict[UUID, dict[str, SlotQuota]] = {}
    for quota in rows:
        found.setdefault(quota.slot_id, {})[quota.channel] = quota
    return found


def _refuse_short(change: Change) -> None:
    if not change.short:
        return
    first = min(change.short, key=lambda short: short.start)
    at = f"{clock.civil(first.start):%m-%d %H:%M}"
    raise BelowBooked(
        Text(
            f"{at} 已约出 {first.taken} 个，新名额只有 {first.capacity} 个，差 {first.missing} 个",
            f"At {at}, {first.taken} places are taken and only {first.capacity} would be left: {first.missing} missing",
        ),
        short=[
            {
                "slot_id": str(short.slot_id),
                "start": clock.rfc3339(short.start),
                "channel": short.channel,
                "taken": short.taken,
                "capacity": short.capacity,
                "missing": short.missing,
            }
            for short in change.short
        ],
    )


def _days_nobody_has_booked(session: Session, policy: BookingPolicy) -> list[date]:
    first = released_until(session, policy) + timedelta(days=1)
    taken = set(
        session.scalars(
            select(Slot.day)
            .join(SlotQuota, SlotQuota.slot_id == Slot.id)
            .where(Slot.hall_code == policy.hall_code, Slot.category_code == policy.category_code, Slot.day >= first)
            .where(SlotQuota.held + SlotQuota.booked > 0)
            .distinct()
        )
    )
    return [day for day in slots.days(first, clock.today() + slots.AHEAD) if day not in taken]


def _rule_views(session: Session, hall_code: str, category_code: str) -> list[dict[str, Any]]:
    return [
        {
            "weekday": rule.weekday,
            "from": f"{rule.start:%H:%M}",
            "to": f"{rule.end:%H:%M}",
            "windows": rule.windows,
            "capacity": rule.capacity,
            "valid_from": rule.valid_from.isoformat(),
            "valid_to": rule.valid_to.isoformat() if rule.valid_to else None,
        }
        for rule in rules(session, hall_code=hall_code, category_code=category_code)
    ]


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: f"{value:%H:%M}" if isinstance(value, time) else value for name, value in values.items()}

"""谁付邮费: policies, which of them fits a shipment, what a year has cost, and the alarm before a budget is used up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import audit, clock
from backend.core.errors import Text
from express.alerts import alert
from express.errors import PolicyMissing, PolicyNotFound, PolicyRefused, PolicyTie
from express.models import Direction, Payer, Shipment
from express.money_models import PayerPolicy, PolicyYear

MOST_TRIES = 5
"""How often the choice is made anew when another order has just spent the rest of a cap."""
ALARMS = (80, 100)
"""Percent of a yearly cap at which somebody is told."""
_LOCK = text("SELECT pg_advisory_xact_lock(6018)")


@dataclass(frozen=True, slots=True)
class Case:
    """What decides who pays one shipment."""

    item_slug: str
    category_code: str
    division_code: str
    direction: Direction
    applicant_type: str
    on: date


@dataclass(frozen=True, slots=True)
class Decision:
    """Who pays, by which policy. `skipped` fitted first but have spent their year's money."""

    payer: Payer
    policy: PayerPolicy
    skipped: Sequence[PayerPolicy] = ()


def save(session: Session, *, actor: str, **values: Any) -> PayerPolicy:
    """Set a new policy. Raises PolicyTie, PolicyRefused; the lock keeps two people from making a tie together."""
    session.execute(_LOCK)
    policy = PayerPolicy(created_by=actor, created_at=clock.now(), **values)
    _demand_sense(policy)
    for other in session.scalars(select(PayerPolicy).where(PayerPolicy.priority == policy.priority)):
        if _overlap(policy, other):
            raise PolicyTie(policy_id=str(other.id), policy_name=other.name)
    session.add(policy)
    session.flush()
    audit.record(session, actor=actor, action="policy.set", object_type="payer_policy", object_id=policy.id)
    return policy


def end(session: Session, *, policy_id: UUID, last_day: date, actor: str) -> PayerPolicy:
    """The last day of a policy, today or later; what was ordered by it stays. Raises PolicyNotFound, PolicyRefused."""
    session.execute(_LOCK)
    policy = session.get(PayerPolicy, policy_id)
    if policy is None:
        raise PolicyNotFound()
    if last_day < max(clock.today(), policy.valid_from) or (policy.valid_to and policy.valid_to < last_day):
        raise PolicyRefused(
            Text("结束日要在今天以后、原来的结束日以前", "The last day must lie between today and the old one")
        )
    policy.valid_to = last_day
    session.flush()
    audit.record(session, actor=actor, action="policy.ended", object_type="payer_policy", object_id=policy.id)
    return policy


def decide(session: Session, case: Case, cost_fen: int) -> Decision:
    """The first policy that fits and can still pay so much this year. Raises PolicyMissing."""
    skipped: list[PayerPolicy] = []
    for policy in _fitting(session, case):
        if policy.yearly_cap_fen is None or spent(session, policy.id, case.on.year) + cost_fen <= policy.yearly_cap_fen:
            return Decision(Payer(policy.payer), policy, skipped)
        skipped.append(policy)
    raise PolicyMissing()


def spend(session: Session, policy: PayerPolicy, *, year: int, fen: int) -> bool:
    """Count a shipment into its policy's year; False when the cap is reached, and the database decides (A race)."""
    if policy.payer != Payer.GOV:
        return True
    row = insert(PolicyYear).values(policy_id=policy.id, year=year, spent_fen=0).on_conflict_do_nothing()
    session.execute(row)
    within = PolicyYear.spent_fen + fen <= policy.yearly_cap_fen if policy.yearly_cap_fen is not None else text("true")
    total = session.execute(
        update(PolicyYear)
        .where(PolicyYear.policy_id == policy.id, PolicyYear.year == year, within)
        .values(spent_fen=PolicyYear.spent_fen + fen)
        .returning(PolicyYear.spent_fen)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if total is None:
        return False
    _warn(session, policy, year, total)
    return True


def adjust(session: Session, shipment: Shipment, fen: int) -> None:
    """The carrier's own figure, or nothing at all for a shipment called off, takes the place of what was counted.

    It may go past the cap: what was sent must be paid.
    """
    if shipment.payer != Payer.GOV or shipment.policy_id is None or fen == 0:
        return
    policy = session.get_one(PayerPolicy, shipment.policy_id)
    year = clock.civil(shipment.created_at).year
    total = session.execute(
        update(PolicyYear)
        .where(PolicyYear.policy_id == policy.id, PolicyYear.year == year)
        .values(spent_fen=PolicyYear.spent_fen + fen)
        .returning(PolicyYear.spent_fen)
        .execution_options(synchronize_session=False)
    ).scalar_one()
    _warn(session, policy, year, total)


def spent(session: Session, policy_id: UUID, year: int) -> int:
    """Fen that a policy has cost in a civil year so far."""
    query = select(PolicyYear.spent_fen).where(PolicyYear.policy_id == policy_id, PolicyYear.year == year)
    return session.scalar(query) or 0


def listed(session: Session, *, on: date | None = None) -> list[dict[str, Any]]:
    """Every policy in the order in which they are tried, with what this year has cost; `on` leaves out the others."""
    year = clock.today().year
    query = select(PayerPolicy, func.coalesce(PolicyYear.spent_fen, 0).label("spent")).outerjoin(
        PolicyYear, and_(PolicyYear.policy_id == PayerPolicy.id, PolicyYear.year == year)
    )
    if on is not None:
        query = query.where(_in_force(on))
    rows = session.execute(query.order_by(PayerPolicy.priority, PayerPolicy.created_at))
    return [shown(row.PayerPolicy, row.spent) for row in rows]


def shown(policy: PayerPolicy, spent_fen: int) -> dict[str, Any]:
    """A policy as staff see it."""
    names = ("id", "priority", "name", "category_code", "item_slug", "division_code", "direction", "applicant_type")
    more = ("valid_from", "valid_to", "payer", "yearly_cap_fen", "budget_code")
    return {**{name: getattr(policy, name) for name in (*names, *more)}, "spent_fen": spent_fen}


def _fitting(session: Session, case: Case) -> list[PayerPolicy]:
    wanted = (
        (PayerPolicy.item_slug, case.item_slug),
        (PayerPolicy.category_code, case.category_code),
        (PayerPolicy.division_code, case.division_code),
        (PayerPolicy.direction, str(case.direction)),
        (PayerPolicy.applicant_type, case.applicant_type),
    )
    fits = [or_(column.is_(None), column == value) for column, value in wanted]
    query = select(PayerPolicy).where(*fits, _in_force(case.on)).order_by(PayerPolicy.priority)
    return list(session.scalars(query))


def _in_force(day: date) -> Any:
    return and_(PayerPolicy.valid_from <= day, or_(PayerPolicy.valid_to.is_(None), PayerPolicy.valid_to >= day))


def _overlap(one: PayerPolicy, other: PayerPolicy) -> bool:
    """Whether some shipment fits both."""
    scopes = ("item_slug", "category_code", "division_code", "direction", "applicant_type")
    pairs = ((getattr(one, name), getattr(other, name)) for name in scopes)
    if any(mine is not None and theirs is not None and mine != theirs for mine, theirs in pairs):
        return False
    ends = one.valid_to or date.max, other.valid_to or date.max
    return one.valid_from <= ends[1] and other.valid_from <= ends[0]


def _demand_sense(policy: PayerPolicy) -> None:
    if policy.item_slug and not policy.category_code:
        raise PolicyRefused(Text("选了事项，也要有它的类别", "A policy for an item names its category too"))
    if policy.valid_to and policy.valid_to < policy.valid_from:
        raise PolicyRefused(Text("结束日在开始日以前", "It ends before it begins"))
    if policy.payer == Payer.GOV and not policy.budget_code:
        raise PolicyRefused(Text("政府付费要有预算编号", "What the government pays needs a budget code"))
    if policy.yearly_cap_fen is not None and policy.payer != Payer.GOV:
        raise PolicyRefused(Text("只有政府付费才有年度上限", "Only what the government pays has a yearly cap"))
    if policy.payer == Payer.RECEIVER_COD and policy.direction in (None, Direction.MATERIAL_IN):
        raise PolicyRefused(Text("到付只用于寄给办事人", "Payment on delivery is only for what goes to the applicant"))


def _warn(session: Session, policy: PayerPolicy, year: int, total: int) -> None:
    """Once for each step of each year."""
    if policy.yearly_cap_fen is None:
        return
    percent = total * 100 // policy.yearly_cap_fen
    reached = max((step for step in ALARMS if percent >= step), default=0)
    mine = (PolicyYear.policy_id == policy.id, PolicyYear.year == year, PolicyYear.alarmed_percent < reached)
    told = session.execute(
        update(PolicyYear)
        .where(*mine)
        .values(alarmed_percent=reached)
        .returning(PolicyYear.policy_id)
        .execution_options(synchronize_session=False)
    )
    if told.first() is not None:
        alert("budget", policy=policy.id, percent=percent)
        audit.record(
            session,
            actor="system",
            action="policy.budget",
            object_type="payer_policy",
            object_id=policy.id,
            data={"year": year, "percent": percent},
        )

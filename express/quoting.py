"""Before an order: what it would cost, who would pay, and whether a courier comes there at all."""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend.core import clock, crypto, db
from backend.core.errors import Text
from express import offices, policies
from express.carriers.base import Party, Refused
from express.errors import AddressRefused, NotMailed, QuoteOver
from express.models import Direction, Payer, PostageQuote, Shipment
from express.money_models import PayerPolicy
from express.policies import Case
from express.registry import Couriers
from express.snapshots import party
from express.states import ShipmentState
from express.subjects import Subject

GOOD_FOR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Wish:
    """One shipment as somebody wants it. `hall` and `applicant` are the two ends."""

    subject_type: str
    subject_id: str
    subject: Subject
    direction: Direction
    division_code: str
    hall: Party
    applicant: Party
    weight_g: int
    remail: bool = False

    @property
    def ends(self) -> tuple[Party, Party]:
        """Sender and receiver."""
        return (self.applicant, self.hall) if self.direction == Direction.MATERIAL_IN else (self.hall, self.applicant)

    @property
    def case(self) -> Case:
        """What decides who pays."""
        one = self.subject
        return Case(
            one.item_slug, one.category_code, self.division_code, self.direction, one.applicant_type, clock.today()
        )


@dataclass(frozen=True, slots=True)
class Quoted:
    """A stored quote, opened."""

    wish: Wish
    payer: Payer
    estimate_fen: int


def wish(
    session: Session,
    *,
    subject_type: str,
    subject_id: str,
    subject: Subject,
    direction: Direction,
    applicant: Party,
    weight_g: int,
) -> Wish:
    """Put the two ends together. Raises NotMailed for a direction or hall that is not mailed."""
    if direction not in subject.directions:
        raise NotMailed()
    office = offices.of_hall(session, subject.hall_code)
    before = session.scalar(
        select(Shipment.state)
        .where(
            Shipment.subject_type == subject_type,
            Shipment.subject_id == subject_id,
            Shipment.direction == direction,
            Shipment.person_id == subject.person_id,
            Shipment.state.in_((ShipmentState.RETURNED, ShipmentState.HELD)),
        )
        .order_by(Shipment.created_at.desc())
        .limit(1)
    )
    if before == ShipmentState.RETURNED:
        raise NotMailed(Text("退回的快递还没到大厅，到了会告诉你", "It is on its way back to the hall; we tell you"))
    return Wish(
        subject_type,
        subject_id,
        subject,
        direction,
        office.division_code,
        offices.party(office),
        applicant,
        weight_g,
        remail=before is not None,
    )


def ask(couriers: Couriers, wanted: Wish) -> int:
    """The carrier's estimate in fen, outside any transaction. Raises AddressRefused, CarrierError."""
    code = couriers.default
    sender, receiver = wanted.ends
    try:
        reached = couriers.call(code, "reach", lambda carrier: carrier.reach(wanted.applicant))
        if not reached.served:
            raise AddressRefused(Text(reached.why or "不在快递范围内", "The courier does not come there"))
        return couriers.call(
            code,
            "estimate",
            lambda carrier: carrier.estimate(sender, receiver, wanted.weight_g),
        ).fen
    except Refused as refusal:
        raise AddressRefused(Text(refusal.message or "快递公司没有受理", "The courier refused it")) from None


def keep(session: Session, wanted: Wish, estimate_fen: int, *, owner_id: UUID) -> tuple[PostageQuote, str]:
    """Store the quote with who would pay; gives the policy's name too. Raises PolicyMissing."""
    payer, policy = who_pays(session, wanted, estimate_fen)
    quote_id = db.new_id()
    content = asdict(wanted)
    content["subject"]["directions"] = sorted(wanted.subject.directions)
    quote = PostageQuote(
        id=quote_id,
        owner_id=owner_id,
        content=crypto.seal(
            json.dumps(content, ensure_ascii=False, default=str), table="postage_quote", column="content", row=quote_id
        ),
        payer=payer,
        estimate_fen=estimate_fen,
        expires_at=clock.now() + GOOD_FOR,
    )
    session.add(quote)
    session.flush()
    return quote, policy.name if policy else ""


def who_pays(session: Session, wanted: Wish, cost_fen: int) -> tuple[Payer, PayerPolicy | None]:
    """By policy; what came back is mailed again at the applicant's own cost (domain sheet §2.5)."""
    if wanted.remail:
        return Payer.APPLICANT_PREPAID, None
    decision = policies.decide(session, wanted.case, cost_fen)
    return decision.payer, decision.policy


def take(session: Session, *, quote_id: UUID, owner_id: UUID) -> Quoted:
    """Use a quote up. Raises QuoteOver."""
    mine = (PostageQuote.id == quote_id, PostageQuote.owner_id == owner_id, PostageQuote.expires_at > clock.now())
    row = session.execute(
        delete(PostageQuote).where(*mine).returning(PostageQuote.content, PostageQuote.payer, PostageQuote.estimate_fen)
    ).one_or_none()
    if row is None:
        raise QuoteOver()
    told = json.loads(crypto.unseal(row.content, table="postage_quote", column="content", row=quote_id))
    return Quoted(_read(told), Payer(row.payer), row.estimate_fen)


def purge(session: Session) -> None:
    """Drop quotes whose time is over."""
    session.execute(delete(PostageQuote).where(PostageQuote.expires_at < clock.now()))


def _read(told: dict[str, Any]) -> Wish:
    subject = dict(told["subject"])
    subject["title"] = Text(*subject["title"])
    subject["directions"] = frozenset(Direction(one) for one in subject["directions"])
    subject["person_id"] = UUID(subject["person_id"]) if subject["person_id"] else None
    return Wish(
        told["subject_type"],
        told["subject_id"],
        Subject(**subject),
        Direction(told["direction"]),
        told["division_code"],
        party(told["hall"]),
        party(told["applicant"]),
        told["weight_g"],
        remail=told["remail"],
    )

"""Things that are paid: bills, attempts, refunds, money in suspense, differences of a day."""

from uuid import uuid4

from sqlalchemy import insert

from backend.core.errors import Text
from payments import attempts, bills, receipt_jobs, refunds
from payments import window as collecting_at
from payments.bill_models import Bill, EBill
from payments.gateways.base import Channel, RefundStatus
from payments.reconciliation import comparing as recon_compare
from payments.reconciliation.models import ReconDifference
from payments.registry import WINDOW_CODE, Account, Gateways
from tests.backend.roles.people import OWN
from tests.backend.roles.world import MONDAY, REASON, TUESDAY, WEDNESDAY, Thing, World
from tests.payments import cases
from tests.payments.conftest import Desk
from tests.payments.fake_channel import FakeChannel
from tests.payments.finance_office import Office


def paying(world: World) -> None:
    """Bills in every state that a route asks for, with attempts, refunds and money that does not fit."""
    desk, now = Desk(world.clock), world.clock.now
    desk.payer = world.person
    world.client.application.extensions["payment_gateways"] = desk.gateways
    ways, line = {"way": "wechat_h5"}, bills.Line("passport")
    owed, held, settled = (desk.bill(line) for _ in range(3))
    attempt = desk.pay(held)
    cases.paid(desk, settled)
    part = {"amount_fen": 100, "ground": "over_collected", "reason": "多收了"}
    world.of_citizen("GET", "bills/<uuid:bill_id>", {}, bill_id=owed.id)
    world.of_citizen("POST", "bills/<uuid:bill_id>/attempts", ways, bill_id=owed.id)
    world.of_citizen("POST", "bills/<uuid:bill_id>/refunds", part, bill_id=settled.id)
    world.of_citizen("GET", "attempts/<uuid:attempt_id>", {}, attempt_id=attempt.id)
    world.of_citizen("POST", "attempts/<uuid:attempt_id>/check", {}, attempt_id=attempt.id)
    world.of_hall("hall_lead", "bills/<uuid:bill_id>/void", REASON, bill_id=owed.id)
    world.of_hall("hall_lead", "bills/<uuid:bill_id>/refunds", part, bill_id=settled.id)
    decision = {"due_on": "2027-01-31", "document": "厦财缓〔2026〕1号"}
    world.of_hall("finance", "bills/<uuid:bill_id>/deferral", decision, bill_id=owed.id)
    asked, checked, stuck, proposed = (cases.ask(desk, settled, 100) for _ in range(4))
    world.of_hall("hall_lead", "refunds/<uuid:refund_id>/unit-approval", {}, refund_id=asked.id)
    world.of_hall("hall_lead", "refunds/<uuid:refund_id>/unit-rejection", {"answer": "没有多收"}, refund_id=asked.id)
    refunds.approve_by_unit(world.session, refund_id=checked.id, hall_code=OWN, actor="staff:1")
    world.session.commit()
    for refund in (stuck, proposed):
        cases.approve(desk, refund)
        world.clock.advance(seconds=61)
        desk.send()
        cases.finish(desk, refund, RefundStatus.ABNORMAL)
    evidence = {"evidence": "国库退付单 1 号"}
    refunds.propose_by_hand(world.session, refund_id=proposed.id, actor="staff:1", **evidence)
    odd, decided = (desk.pay(desk.bill(line)) for _ in range(2))
    for strange in (odd, decided):
        desk.wechat.pay(strange.number, amount_fen=1)
        desk.notify(desk.wechat, desk.wechat.notice(strange.number))
    attempts.propose(world.session, attempt_id=decided.id, proposal="give_back", actor="staff:1", reason="核对过")
    world.session.commit()
    for refund, rule, body in (
        (checked, "approval", {}),
        (checked, "rejection", {"answer": "没有多收"}),
        (stuck, "send-again", {}),
        (stuck, "by-hand", evidence),
        (proposed, "by-hand/confirmation", {}),
    ):
        world.of_hall("finance", f"finance/refunds/<uuid:refund_id>/{rule}", body, refund_id=refund.id)
    world.clock.set(now)
    give_back = {"proposal": "give_back"}
    suspense = "finance/suspense/<uuid:attempt_id>"
    world.of_hall("finance", f"{suspense}/proposal", {**give_back, **REASON}, attempt_id=odd.id)
    world.of_hall("finance", f"{suspense}/confirmation", give_back, attempt_id=decided.id)


def collecting(world: World) -> None:
    """A bill at a window, another whose payer's code was scanned, and a third with its receipt."""
    channel, office = FakeChannel(Channel.WECHAT_NONTAX, "matrix"), Office()
    served = world.client.application.extensions
    others = served["payment_gateways"]._accounts
    taken = Gateways({**others, Channel.WECHAT_NONTAX: Account(channel, {"official": "wx-official"})})
    served |= {"payment_gateways": taken, "finance": office.finance}
    unpaid, scanned, received = (_bill(world, office) for _ in range(3))
    scan = {"way_name": WINDOW_CODE, "auth_code": "134567890123456789"}
    terms = collecting_at.terms(taken, scanned, client_ip="192.0.2.7", **scan)
    attempt_id = attempts.begin(world.session, bill_id=scanned.id, terms=terms, payer_id=None)
    ebill = {"code": "35040126", "number": "0000000001", "check_code": "abcdef", "amount_fen": 12_000}
    world.session.add(EBill(bill_id=received.id, issued_at=WEDNESDAY, **ebill))
    world.session.commit()
    for path, body in (("scan", {"auth_code": "134567890123456789"}), ("qr", {}), ("look-at-finance", {})):
        world.of_hall("window_clerk", f"bills/<uuid:bill_id>/{path}", body, bill_id=unpaid.id)
    slip = Thing({"bill_id": unpaid.id}, {}, world.roles["window_clerk"])
    world.things["GET", "/api/v1/staff/bills/<uuid:bill_id>/slip"] = slip
    for path in ("look", "give-up"):
        world.of_hall("window_clerk", f"collections/<uuid:attempt_id>/{path}", {}, attempt_id=attempt_id)
    world.of_citizen("POST", "bills/<uuid:bill_id>/receipt/check", {}, bill_id=received.id)


def _bill(world: World, office: Office) -> Bill:
    order = bills.Order(
        region_code="350299",
        lines=(bills.Line("passport"),),
        accepted_on=WEDNESDAY.date(),
        payer=bills.Payer("张测试", person_id=world.person),
        subject_type="counter",
        subject_id=uuid4().hex,
        title=Text("普通护照", "Passport"),
        hall_code=OWN,
    )
    bill = bills.issue(world.session, order, actor="x")
    world.session.commit()
    receipt_jobs.tell(office.finance)
    return bill


def difference(world: World) -> None:
    """A day with something that differs."""
    session, day = world.session, MONDAY.date()
    recon_compare.begin_day(session, day)
    common = {"day": day, "state": "open", "state_at": TUESDAY, "kind": "unknown_order", "found_at": TUESDAY}
    ids = {
        change: session.scalar(
            insert(ReconDifference).values(object_key=change, **common).returning(ReconDifference.id)
        )
        for change in ("assign", "carry", "close", "try-again")
    }
    session.commit()
    for change, body in (("assign", {"mine": True}), ("carry", REASON), ("close", REASON), ("try-again", {})):
        rule = f"reconciliation/differences/<uuid:difference_id>/{change}"
        world.of_hall("finance", rule, body, difference_id=ids[change])

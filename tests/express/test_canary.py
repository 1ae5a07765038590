"""A marked applicant's address passes through every flow of a shipment; it stands nowhere but sealed."""

import io
from dataclasses import asdict

from sqlalchemy.orm import Session

from backend.core import db, metrics
from express import address_book, addresses, deciding, handing, ordering
from express.carriers.base import OutOfRange, Refused
from express.handing import Receiver
from express.models import Payer
from notify.registry import TEMPLATES
from tests.backend.test_canary import logged, stored
from tests.express.conftest import ADDRESS, IN, Desk
from tests.express.test_postage import Both, both

__all__ = ["both", "logged"]

NAME, PHONE, STREET, DRAWN = "欧阳金丝雀", "13899990088", "金丝雀巷 77 号", "Y2FuYXJ5LXNpZ25hdHVyZQ=="
CANARY = {**ADDRESS, "name": NAME, "phone": PHONE, "line": STREET}
TRAVEL = ("203", "702")


def test_where_somebody_lives_stands_nowhere(both: Both, session: Session, logged: io.StringIO) -> None:  # noqa: F811
    desk: Desk = both
    desk.policy(Payer.GOV, priority=1, category_code="business")
    gov = {"category_code": "business", "address": CANARY}
    with db.transaction() as opened:
        entry = address_book.add(opened, person_id=desk.person, given=CANARY, default=True)
        assert address_book.opened(entry)["name"] == NAME
    found = asdict(addresses.parse(f"{NAME} {PHONE} 福建省厦门市思明区{STREET}"))
    assert found["phone"] == PHONE

    paid = desk.order(address=CANARY)
    both.pay(paid)
    desk.work()
    both.cancel(paid)
    late = desk.order(address=CANARY, ready=False)
    with db.transaction() as opened:
        ordering.release(opened, shipment_id=late.id, hall_code="XM", region_code="350299", actor="staff:1")

    delivered = desk.order(**gov)
    desk.travel(delivered, *TRAVEL, "705+4", "747", "702", "704+60", "743", "704+10")
    refused = desk.order(**gov)
    desk.travel(refused, *TRAVEL, "705+2")
    changed = {**CANARY, "line": f"{STREET} 2 楼"}
    with db.transaction() as opened:
        ordering.change_address(opened, ordering.locked(opened, refused.id), changed, actor="person:1")
    desk.travel(refused, "708", "711")
    returned = desk.task(refused, "returned").id
    with db.transaction() as opened:
        deciding.finish(opened, returned, "XM", actor="staff:1", outcome="in_cabinet", note=None)
    with db.transaction() as opened:
        shipment = ordering.locked(opened, refused.id)
        receiver = Receiver(NAME, "0088", True, "委 1")
        handing.pick_up(opened, shipment, receiver, signature=f"data:image/png;base64,{DRAWN}", actor="staff:1")
    desk.travel(desk.order(**gov), "203", "987")
    desk.courier.fail("place", OutOfRange("B1", "超范围"))
    desk.order(**gov)
    desk.courier.fail("cancel", Refused("B2", "不能取消"))
    kept = desk.order(IN, **gov)
    with db.transaction() as opened:
        ordering.cancel(opened, ordering.locked(opened, kept.id), actor="person:1", reason="不寄了")
    desk.try_now(kept)

    of_shipments = {name for name in TEMPLATES if name.startswith(("shipment_", "postage_"))}
    assert of_shipments <= set(desk.notices()), "a new notice needs a flow here"
    session.expire_all()
    places = {"log": logged.getvalue(), "metrics": metrics.exposition().decode(), "database": stored(session)}
    assert places["log"]
    for value in (NAME, PHONE, STREET, DRAWN):
        for place, content in places.items():
            assert value not in content, (value, place)
            assert value.encode().hex() not in content, (value, place)

"""A hall that mails, policies, a courier in memory, and shipments in any state."""

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from backend.core import db
from backend.core.calendar import CalendarYear
from backend.core.errors import Text
from express import carrying, doctor, following, jobs, ordering, policies, quoting
from express.address_book import party
from express.models import Direction, ExpressOffice, Payer, Shipment
from express.registry import Couriers
from express.subjects import Subject
from express.task_models import ShipmentTask
from tests.conftest import Clock
from tests.express.fake_courier import FakeCourier, after

HALL, DIVISION = "XM", "350200"
ADDRESS = {
    "name": "张测试",
    "phone": "13800000001",
    "province": "福建省",
    "city": "厦门市",
    "county": "思明区",
    "line": "测试路 1 号 2 栋 301",
}
OUT, IN = Direction.RESULT_OUT, Direction.MATERIAL_IN


class Desk:
    """Everything a test does with shipments, each step in transactions of its own as in production."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.courier = FakeCourier()
        self.couriers = Couriers({self.courier.code: self.courier})
        self.person = uuid4()

    def policy(self, payer: Payer, **changes: Any) -> UUID:
        values = {"priority": 100, "name": f"{payer}", "valid_from": date(2026, 1, 1), "payer": payer}
        if payer == Payer.GOV:
            values["budget_code"] = "ZF-1"
        with db.transaction() as session:
            return policies.save(session, actor="staff:1", **{**values, **changes}).id

    def subject(self, **changes: Any) -> Subject:
        values = {
            "item_slug": "passport-first",
            "category_code": "exit-entry",
            "title": Text("普通护照", "Passport"),
            "hall_code": HALL,
            "applicant_type": "person",
            "directions": frozenset(Direction),
            "certificate": True,
            "person_id": self.person,
            "ready": True,
        }
        return Subject(**{**values, **changes})

    def quote(self, direction: Direction = OUT, address: dict[str, str] | None = None, **changes: Any) -> UUID:
        subject_id = changes.pop("subject_id", uuid4().hex)
        with db.transaction() as session:
            wanted = quoting.wish(
                session,
                subject_type="case",
                subject_id=subject_id,
                subject=self.subject(**changes),
                direction=direction,
                applicant=party(address or ADDRESS),
                weight_g=300,
            )
        estimate = quoting.ask(self.couriers, wanted)
        with db.transaction() as session:
            return quoting.keep(session, wanted, estimate, owner_id=self.person)[0].id

    def order(self, direction: Direction = OUT, *, by_staff: bool = False, **changes: Any) -> Shipment:
        """Ordered, and the first try at the courier made."""
        return self.try_now(self.write(direction, by_staff=by_staff, **changes))

    def write(self, direction: Direction = OUT, *, by_staff: bool = False, **changes: Any) -> Shipment:
        """Ordered in our books alone."""
        quote_id = self.quote(direction, **changes)
        with db.transaction() as session:
            return ordering.order(
                session,
                quote_id=quote_id,
                owner_id=self.person,
                carrier=self.courier.code,
                region_code="350299",
                pickup=None,
                actor=f"person:{self.person}",
                by_staff=by_staff,
            )

    def try_now(self, shipment: Shipment) -> Shipment:
        carrying.carry_on(self.couriers, shipment.id)
        return self.now(shipment)

    def work(self) -> int:
        return jobs.call(self.couriers, callers=1)

    def now(self, shipment: Shipment) -> Shipment:
        """The shipment as it is stored now."""
        with db.transaction() as session:
            return session.get_one(Shipment, shipment.id)

    def travel(self, shipment: Shipment, *codes: str, push: bool = True) -> Shipment:
        """Things happen an hour apart, `704+10` with a detail, and are pushed as they do."""
        assert shipment.waybill
        done = len(self.courier.events.get(shipment.waybill, []))
        for place, step in enumerate(codes, start=done + 1):
            code, _, detail = step.partition("+")
            event = self.courier.happen(shipment.waybill, code, after(place), detail)
            if push:
                following.take(shipment.waybill, [event], source="push")
        return self.now(shipment)

    def pull(self, shipment: Shipment) -> Shipment:
        following.pull(self.couriers, shipment.id)
        return self.now(shipment)

    def tasks(self, shipment: Shipment) -> list[tuple[str, str]]:
        """Kind and state of its tasks, oldest first."""
        with db.transaction() as session:
            found = session.scalars(
                select(ShipmentTask).where(ShipmentTask.shipment_id == shipment.id).order_by(ShipmentTask.id)
            )
            return [(task.kind, str(task.state)) for task in found]

    def task(self, shipment: Shipment, kind: str) -> ShipmentTask:
        with db.transaction() as session:
            query = select(ShipmentTask).where(
                ShipmentTask.shipment_id == shipment.id, ShipmentTask.kind == kind, ShipmentTask.state == "open"
            )
            return session.scalars(query).one()

    def notices(self) -> list[str]:
        """Templates of what the applicant was told, oldest first."""
        rows = self.rows(
            "SELECT template FROM notification WHERE person_id = :person ORDER BY created_at, id", person=self.person
        )
        return [row[0] for row in rows]

    def rows(self, query: str, **values: Any) -> list[Any]:
        with db.transaction() as session:
            return [tuple(row) for row in session.execute(text(query), values)]

    def examine(self) -> list[str]:
        with db.transaction() as session:
            return doctor.invariants(session)


def set_up(session: Any) -> None:
    """A hall with an address, and the holidays of two years."""
    session.add(
        ExpressOffice(
            hall_code=HALL,
            division_code=DIVISION,
            name="市政务服务中心收发室",
            phone="0592-7700000",
            province="福建省",
            city="厦门市",
            county="湖里区",
            line="云顶北路842号",
            verified=True,
        )
    )
    for year in (2026, 2027):
        session.merge(CalendarYear(year=year, source="test"))
    session.flush()


@pytest.fixture
def desk(isolated: None, clock: Clock) -> Iterator[Desk]:
    """After every test with a desk, every invariant holds."""
    with db.transaction() as session:
        set_up(session)
    made = Desk(clock)
    yield made
    assert made.examine() == []

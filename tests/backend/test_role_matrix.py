"""Every route × every role × own and other hall, from the route table: who may do what is what the route declares."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.orm import Session

from backend.app import create_app
from backend.appointments.conduct_states import MarkState
from backend.appointments.models import OpeningRule, Slot
from backend.catalogue.registers import service as registers
from backend.catalogue.versions import service as versions
from backend.core.auth import Access, Principal, access_of
from backend.core.config import Settings
from backend.core.errors import Text
from backend.devices import service as devices
from backend.devices.access import ANYWHERE, IN_HALL
from backend.files import service as files
from backend.files import storage, subjects
from backend.files.models import File
from backend.files.states import State as FileState
from backend.hotline import service as hotline
from backend.identity import family, organisations, sessions
from backend.identity import service as identity
from backend.identity.roles import PERMISSIONS
from backend.licences import service as licences
from backend.privacy import exports, holds
from backend.queueing import calling, tickets, windows
from backend.ratings import service as ratings
from backend.ratings.models import FollowUp
from backend.reports import jobs as reports
from notify.models import Dispatch, Notification
from payments import attempts, bills, receipt_jobs, refunds
from payments import window as collecting
from payments.bill_models import Bill, EBill
from payments.gateways.base import Channel, RefundStatus
from payments.reconciliation import comparing as recon_compare
from payments.reconciliation.models import ReconDifference
from payments.registry import WINDOW_CODE, Account, Gateways
from tests.backend import staff
from tests.backend.applications import matrix, people
from tests.backend.devices.kiosks import Kiosk
from tests.backend.queueing import hall_day, hall_people
from tests.conftest import Clock
from tests.express import role_things as shipments
from tests.express.conftest import Desk as ShipmentDesk
from tests.payments import cases
from tests.payments.conftest import Desk
from tests.payments.fake_channel import FakeChannel
from tests.payments.finance_office import Office

OWN, OTHER, QUEUE, SITE = "XM", "SM", "exit-entry", "T-XM"
MONDAY, TUESDAY, WEDNESDAY = (datetime(2026, 11, day, 1, 0, tzinfo=UTC) for day in (23, 24, 25))
LATER = (Slot.hall_code == OWN) & (Slot.category_code == QUEUE) & (Slot.day == hall_day.TOMORROW)
REASON = {"reason": "核对过身份证"}


@pytest.fixture(scope="session")
def settings(seeded_settings: Settings) -> Settings:
    return seeded_settings


@pytest.fixture(scope="session")
def app(seeded_settings: Settings) -> Flask:
    return create_app(seeded_settings, connect=False)


@dataclass(frozen=True)
class Who:
    """Somebody who asks: `permissions` and `level` are what the role table and the session say."""

    name: str
    kind: str
    hall: str
    header: dict[str, str]
    level: int = 0
    permissions: frozenset[str] = frozenset()
    kiosk: Kiosk | None = None

    def may(self, access: Access) -> bool:
        """What the route's declaration alone says."""
        if access.kind == "public":
            return True
        if access.kind != self.kind:
            return False
        return self.level >= access.level if self.kind == "citizen" else access.permission in self.permissions | {""}


def everybody(session: Session, client: FlaskClient) -> list[Who]:
    found = [Who("anonymous", "anonymous", OWN, {})]
    found += [machine(session, client, hall_code=OWN), machine(session, client, site_code=SITE)]
    for level in (0, 1, 2):
        found.append(Who(f"citizen of level {level}", "citizen", OWN, citizen(session, level)[1], level))
    for role, permissions in PERMISSIONS.items():
        for hall in (OWN, OTHER):
            found.append(
                Who(f"{role} of {hall}", "staff", hall, staff.header(session, hall, role), permissions=permissions)
            )
    return found


def machine(session: Session, client: FlaskClient, **place: str) -> Who:
    """An enrolled kiosk of a hall, or a terminal at a site outside the halls."""
    code, _ = devices.new_code(session, devices.add(session, name="一号机", actor="x", **place), actor="x")
    session.commit()
    kiosk = Kiosk(client)
    assert kiosk.enrol(code).status_code == 201
    permissions = IN_HALL if "hall_code" in place else ANYWHERE
    return Who(f"device of {place}", "device", OWN, {}, permissions=permissions, kiosk=kiosk)


NUMBERS = ("350299199001010010", "350299199001010029")


def citizen(session: Session, level: int, number: str = NUMBERS[0]) -> tuple[UUID, dict[str, str]]:
    """A new citizen of that level: their id and the header of their session."""
    mine = f"139{uuid4().int % 10**8:08d}"
    if level == 0:
        person = identity.log_in(session, provider="wechat_mini", subject=mine, current=None)
    else:
        person = identity.log_in(session, provider="phone", subject=mine, current=None, phone=mine)
    if level == 2:
        card = identity.RealName(number, "张测试", None)
        person = identity.verify(session, open_id=f"open-{number}", real_name=card, current=person)
    token = sessions.start(session, person_id=person).token
    session.commit()
    return person, {"Authorization": f"Bearer {token}"}


Route = tuple[str, str, Access]


def routes(app: Flask) -> list[Route]:
    """Method, rule and declaration of every route."""
    found = []
    for rule in app.url_map.iter_rules():
        access = access_of(app, rule.endpoint)
        assert access, rule
        assert rule.methods, rule
        found += [(method, rule.rule, access) for method in sorted(rule.methods - {"HEAD", "OPTIONS"})]
    return sorted(found, key=lambda route: route[:2])


def filled(rule: str, values: dict[str, Any]) -> str:
    """The rule as an address; what `values` does not name is somebody unknown."""
    parts = []
    for part in rule.split("/"):
        name = part.strip("<>").split(":")[-1]
        unknown = uuid4() if part.startswith("<uuid:") else "nothing"
        parts.append(str(values.get(name, unknown)) if part.startswith("<") else part)
    return "/".join(parts)


@contextmanager
def taken_back(session: Session) -> Iterator[None]:
    """Whatever happens inside leaves no trace."""
    connection = session.get_bind()
    assert isinstance(connection, Connection)
    session.commit()
    savepoint = connection.begin_nested()
    yield
    session.rollback()
    savepoint.rollback()
    session.expire_all()


def send(client: FlaskClient, method: str, path: str, who: Who, body: dict[str, Any] | None) -> Any:
    if who.kiosk:
        content = b"" if method == "GET" else json.dumps(body or {}).encode()
        return who.kiosk.send(method, path.removeprefix("/api/v1"), content)
    key = {"Idempotency-Key": uuid4().hex, "Upload-Offset": "0"}
    return client.open(path, method=method, headers={**who.header, **key}, json=None if method == "GET" else body or {})


def test_every_route_asks_for_what_it_declares(app: Flask, client: FlaskClient, session: Session, clock: Clock) -> None:
    asked, table, wrong = everybody(session, client), routes(app), []
    for method, rule, access in table:
        for who in asked:
            with taken_back(session):
                before = written(session)
                answer = send(client, method, filled(rule, {}), who, None)
                answer.close()
                touched = written(session) - before
            refused = answer.status_code in (401, 403)
            stranger_to_it = who.kind == "anonymous" or (who.kind == "device") != (access.kind == "device")
            expected = 401 if stranger_to_it else 403
            # A genuine signature is used up, whatever was asked with it.
            touched = 0 if who.kind == "device" else touched
            if answer.status_code >= 500:
                wrong.append(f"{method} {rule} breaks for {who.name}: {answer.status_code}")
            elif who.may(access) == refused:
                wrong.append(f"{method} {rule} answers {who.name} {answer.status_code}, declared {access}")
            elif refused and (answer.status_code != expected or touched):
                wrong.append(f"{method} {rule}: {who.name} gets {answer.status_code} and {touched} rows are written")
    assert not wrong, "\n".join(wrong)
    assert len(asked) == 6 + 2 * len(PERMISSIONS)
    assert len(table) > 140


def written(session: Session) -> int:
    """Rows this transaction has touched so far, those taken back included."""
    counted = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables"
    return int(session.scalar(text(counted)) or 0)


COUNTING = {"rate_bucket", "device_nonce", "device"}


def digest(session: Session) -> dict[str, str]:
    """The content of every table but those that count what is refused: rate limits, and signatures used up."""
    names = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
    own = sorted(name for name in names if name not in COUNTING and not name.startswith("catalogue"))
    pairs = ", ".join(
        f"'{name}', (SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{name}\" t)" for name in own
    )
    found: dict[str, str] = session.scalar(text(f"SELECT jsonb_object(ARRAY[{pairs}]::text[])"))
    return found


@dataclass(frozen=True)
class Thing:
    """An address with an object of one hall or one citizen, the body that works for its owner, and who that is."""

    path: dict[str, Any]
    body: dict[str, Any]
    owner: Who
    query: str = ""


NOT_OF_A_HALL = {
    (
        "POST",
        "/api/v1/staff/ratings/<uuid:rating_id>/set-aside",
    ): "the platform's reviewer sets aside ratings of all halls",
    (
        "POST",
        "/api/v1/staff/notices/<uuid:notice_id>/resend",
    ): "the platform's operator resends notices of all halls",
    **{
        ("POST", f"/api/v1/staff/reconciliation/differences/<uuid:difference_id>/{change}"): "finance is the city's"
        for change in ("assign", "carry", "close", "try-again")
    },
    **{
        ("POST", f"/api/v1/staff/legal-holds/<uuid:hold_id>/{rule}"): "what an authority asks for concerns all halls"
        for rule in ("lift", "lift/answer")
    },
    ("POST", "/api/v1/staff/postage-policies/<uuid:policy_id>/end"): "who pays is set for all halls",
    **{
        (method, f"/api/v1/staff/items/versions/<uuid:version_id>{rule}"): "items are the city's, not a hall's"
        for method, rule in (
            ("GET", ""),
            ("PUT", ""),
            ("POST", "/submission"),
            ("POST", "/return"),
            ("POST", "/publication"),
            ("POST", "/discard"),
        )
    },
    ("PUT", "/api/v1/staff/cancelled-proofs/<uuid:proof_id>"): "the list of cancelled proofs is the city's",
    **{
        ("POST", f"/api/v1/staff/{rule}"): "finance decides for all halls"
        for rule in (
            "bills/<uuid:bill_id>/deferral",
            "finance/refunds/<uuid:refund_id>/approval",
            "finance/refunds/<uuid:refund_id>/rejection",
            "finance/refunds/<uuid:refund_id>/send-again",
            "finance/refunds/<uuid:refund_id>/by-hand",
            "finance/refunds/<uuid:refund_id>/by-hand/confirmation",
            "finance/suspense/<uuid:attempt_id>/proposal",
            "finance/suspense/<uuid:attempt_id>/confirmation",
        )
    },
}
"""Routes with an object that no hall owns, and why."""


class World:
    """One object for every route that names one: those of staff belong to the city hall, the others to one citizen."""

    def __init__(self, session: Session, client: FlaskClient, clock: Clock, slots: list[UUID]) -> None:
        self.session, self.client, self.slots = session, client, slots
        clock.set(TUESDAY)
        self.person, header = citizen(session, 2)
        self.owner = Who("owner", "citizen", OWN, header, 2)
        self.things: dict[tuple[str, str], Thing] = {}
        self._bookings(clock)
        self._hall()
        self._management()
        self._machines()
        self._notice()
        self._difference()
        self._items()
        self._family()
        self._payments(clock)
        self._collecting()
        self._files()
        self._cases()
        self._licences()
        self._hotline()
        self._shipments(clock)
        self._own_data()
        self._exports()

    def _exports(self) -> None:
        """An export of the lead's own that waits to be written, and one that is done."""
        lead, day = self.roles["hall_lead"], TUESDAY.date().isoformat()
        made, done = (self._post("/staff/report-exports", lead, {"first": day, "last": day})["id"] for _ in range(2))
        reports.write_export(done)
        rule = "report-exports/<uuid:export_id>"
        self._of_hall("hall_lead", f"{rule}/cancel", {}, export_id=made)
        for path, export_id in (("", made), ("/file", done)):
            self.things["GET", f"/api/v1/staff/{rule}{path}"] = Thing({"export_id": export_id}, {}, lead)

    def _post(self, path: str, who: Who, body: dict[str, Any]) -> Any:
        answer = send(self.client, "POST", f"/api/v1{path}", who, body)
        assert answer.status_code < 300, answer.text
        return answer.json

    def _held(self, who: Who, slot: UUID) -> str:
        body = {"slot_id": str(slot), "items": [hall_day.ITEM]}
        held: str = self._post("/holds", who, body)["id"]
        return held

    def _bookings(self, clock: Clock) -> None:
        first = self._post(f"/holds/{self._held(self.owner, self.slots[8])}/confirm", self.owner, {})
        visitor = Who("visitor", "citizen", OWN, citizen(self.session, 1)[1], 1)
        code = self._post(f"/holds/{self._held(visitor, self.slots[0])}/confirm", visitor, {})["code"]
        message = self.session.scalars(
            select(Notification.id).where(Notification.person_id == self.person).limit(1)
        ).one()
        for method, rule, body in (
            ("GET", "appointments/<uuid:appointment_id>", {}),
            ("GET", "appointments/<uuid:appointment_id>/calendar.ics", {}),
            ("GET", "appointments/<uuid:appointment_id>/pass", {}),
            ("POST", "appointments/<uuid:appointment_id>/cancel", {}),
            ("POST", "appointments/<uuid:appointment_id>/reschedule", {"slot_id": str(self.slots[10])}),
        ):
            self._of_citizen(method, rule, body, appointment_id=first["id"])
        self._of_citizen("POST", "inbox/<uuid:message_id>/read", {}, message_id=message)
        clock.set(WEDNESDAY)
        self.roles = {
            role: Who(role, "staff", OWN, staff.header(self.session, OWN, role), permissions=mine)
            for role, mine in PERMISSIONS.items()
        }
        move = {"slot_id": str(self.slots[10]), **REASON}
        self._of_hall(
            "window_clerk", "assisted-bookings/<uuid:appointment_id>/cancel", REASON, appointment_id=first["id"]
        )
        self._of_hall(
            "window_clerk", "assisted-bookings/<uuid:appointment_id>/reschedule", move, appointment_id=first["id"]
        )
        other_day = self.session.scalars(select(Slot.id).where(LATER).order_by(Slot.start).limit(1)).one()
        held = self._held(self.owner, other_day)
        self._of_citizen("DELETE", "holds/<uuid:appointment_id>", {}, appointment_id=held)
        self._of_citizen("POST", "holds/<uuid:appointment_id>/confirm", {}, appointment_id=held)
        arrival = self._post("/staff/check-ins", self.roles["gate"], {"code": code, "identity_checked": True})
        self._of_hall("gate", "check-ins/<uuid:check_in_id>/undo", {}, check_in_id=arrival["check_in_id"])

    def _hall(self) -> None:
        session = self.session
        mark = hall_people.missed(session, self.person, MONDAY - timedelta(days=3))
        appealed = {"state": MarkState.APPEALED, "appeal_reason": "那天停电", "appealed_at": WEDNESDAY}
        under_appeal = hall_people.missed(session, self.person, MONDAY, **appealed)
        self._of_citizen("POST", "me/conduct/<uuid:mark_id>/appeal", {"reason": "那天大厅停电"}, mark_id=mark.id)
        decision = {"decision": "reject", "answer": "当天窗口都开着"}
        self._of_hall("hall_lead", "appeals/<uuid:mark_id>/decision", decision, mark_id=under_appeal.id)
        ratings.rate(
            session, subject_type="ticket", subject_id="x", hall_code=OWN, person_id=None, grade=1, words="等太久"
        )
        task = session.scalars(select(FollowUp)).one()
        self._of_hall("hall_lead", "ratings/<uuid:follow_up_id>/answer", {"answer": "多开了窗口"}, follow_up_id=task.id)
        self._of_hall("platform_operator", "ratings/<uuid:rating_id>/set-aside", REASON, rating_id=task.rating_id)
        reveal = {"field": "name", **REASON}
        self._of_hall("hall_lead", "persons/<uuid:person_id>/reveal", reveal, person_id=self.person)
        places = {"capacity": 10, **REASON}
        self._of_hall("hall_lead", "slots/<uuid:slot_id>/capacity", places, slot_id=self.slots[11])
        self._of_hall("hall_lead", "slots/<uuid:slot_id>/capacity/preview", places, slot_id=self.slots[11])
        waiting, passed, parked = (
            tickets.take(
                session, hall_code=OWN, category_code=QUEUE, slugs=[], taker=tickets.Taker(), source="desk", actor="x"
            ).id
            for _ in range(3)
        )
        for window, role in enumerate(("window_clerk", "hall_lead"), 1):
            self._sit(role, window)
        clerk = self._staff_id("window_clerk")
        calling.call_chosen(session, staff_id=clerk, ticket_id=passed, reason="试一试")
        calling.pass_over(session, staff_id=clerk)
        calling.call_chosen(session, staff_id=clerk, ticket_id=parked, reason="试一试")
        calling.answer(session, staff_id=clerk)
        calling.park(session, staff_id=clerk, note=None)
        self._of_hall("hall_lead", "tickets/<uuid:ticket_id>/call", REASON, ticket_id=waiting)
        self._of_hall("gate", "tickets/<uuid:ticket_id>/return", {}, ticket_id=passed)
        self._of_hall("window_clerk", "tickets/<uuid:ticket_id>/resume", {}, ticket_id=parked)
        session.commit()

    def _management(self) -> None:
        lead, clerk = self.roles["hall_lead"], self._staff_id("window_clerk")
        for change, body in (("roles", {"roles": ["gate"]}), ("active", {"active": False})):
            rule = f"accounts/<uuid:staff_id>/{change}"
            self.things["PUT", f"/api/v1/staff/{rule}"] = Thing({"staff_id": clerk}, {**body, **REASON}, lead)
        both = {"password": True, "totp": True, **REASON}
        self._of_hall("hall_lead", "accounts/<uuid:staff_id>/reset", both, staff_id=clerk)
        self._of_hall("hall_lead", "accounts/<uuid:staff_id>/sessions/end", REASON, staff_id=clerk)
        unbooked = select(OpeningRule.id).where(OpeningRule.hall_code == OWN, OpeningRule.category_code != QUEUE)
        rule_id = self.session.scalars(unbooked.order_by(OpeningRule.id).limit(1)).one()
        ends = {"ends": "2026-11-26", **REASON}
        self._of_hall("hall_lead", "opening-rules/<uuid:rule_id>/end", ends, rule_id=rule_id)
        self._of_hall("hall_lead", "opening-rules/<uuid:rule_id>/end/preview", ends, rule_id=rule_id)

    def _notice(self) -> None:
        """A notice that could not be sent."""
        session = self.session
        dead = session.scalars(select(Notification).where(Notification.person_id == self.person).limit(1)).one()
        dead.state = Dispatch.FAILED
        session.commit()
        self._of_hall("platform_operator", "notices/<uuid:notice_id>/resend", REASON, notice_id=dead.id)

    def _difference(self) -> None:
        """A day with something that differs."""
        session, day = self.session, MONDAY.date()
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
            self._of_hall("finance", rule, body, difference_id=ids[change])

    def _items(self) -> None:
        """A draft, a version that waits for review, and a cancelled proof."""
        session, operator = self.session, self.roles["platform_operator"]
        draft = versions.begin(session, "passport-first", actor="staff:x")
        content = {**draft.content, "promise_days": 3}
        draft, _ = versions.save(session, draft.id, given=content, revision=draft.revision, actor="staff:x")
        other = versions.begin(session, "property-query", actor="staff:x")
        given = {**other.content, "popularity": 9}
        other, _ = versions.save(session, other.id, given=given, revision=other.revision, actor="staff:x")
        versions.submit(session, other.id, note="改好了", revision=other.revision, actor="staff:x")
        name = {"zh": "婚姻状况证明", "en": "Proof of marital status"}
        entry = {"name": name, "basis": "某号文", "cancelled_on": "2026-11-01"}
        proof = registers.cancel_proof(
            session,
            {
                "name_zh": name["zh"],
                "name_en": name["en"],
                "aliases": [],
                "basis": "某号文",
                "instead_zh": None,
                "instead_en": None,
                "cancelled_on": MONDAY.date(),
            },
            actor="staff:x",
        )
        session.commit()
        for method, rule, body, version in (
            ("GET", "", {}, draft),
            ("PUT", "", {"content": content, "revision": draft.revision}, draft),
            ("POST", "/submission", {"note": "改好了", "revision": draft.revision}, draft),
            ("POST", "/discard", REASON, draft),
            ("POST", "/return", REASON, other),
            ("POST", "/publication", {}, other),
        ):
            path = {"version_id": version.id}
            self.things[method, f"/api/v1/staff/items/versions/<uuid:version_id>{rule}"] = Thing(path, body, operator)
        correction = Thing({"proof_id": proof}, {**entry, **REASON}, operator)
        self.things["PUT", "/api/v1/staff/cancelled-proofs/<uuid:proof_id>"] = correction

    def _collecting(self) -> None:
        """A bill at a window, another whose payer's code was scanned, and a third with its receipt."""
        channel, office = FakeChannel(Channel.WECHAT_NONTAX, "matrix"), Office()
        served = self.client.application.extensions
        others = served["payment_gateways"]._accounts
        taken = Gateways({**others, Channel.WECHAT_NONTAX: Account(channel, {"official": "wx-official"})})
        served |= {"payment_gateways": taken, "finance": office.finance}
        unpaid, scanned, received = (self._bill(office) for _ in range(3))
        scan = {"way_name": WINDOW_CODE, "auth_code": "134567890123456789"}
        terms = collecting.terms(taken, scanned, client_ip="192.0.2.7", **scan)
        attempt_id = attempts.begin(self.session, bill_id=scanned.id, terms=terms, payer_id=None)
        ebill = {"code": "35040126", "number": "0000000001", "check_code": "abcdef", "amount_fen": 12_000}
        self.session.add(EBill(bill_id=received.id, issued_at=WEDNESDAY, **ebill))
        self.session.commit()
        for path, body in (("scan", {"auth_code": "134567890123456789"}), ("qr", {}), ("look-at-finance", {})):
            self._of_hall("window_clerk", f"bills/<uuid:bill_id>/{path}", body, bill_id=unpaid.id)
        slip = Thing({"bill_id": unpaid.id}, {}, self.roles["window_clerk"])
        self.things["GET", "/api/v1/staff/bills/<uuid:bill_id>/slip"] = slip
        for path in ("look", "give-up"):
            self._of_hall("window_clerk", f"collections/<uuid:attempt_id>/{path}", {}, attempt_id=attempt_id)
        self._of_citizen("POST", "bills/<uuid:bill_id>/receipt/check", {}, bill_id=received.id)

    def _bill(self, office: Office) -> Bill:
        order = bills.Order(
            region_code="350299",
            lines=(bills.Line("passport"),),
            accepted_on=WEDNESDAY.date(),
            payer=bills.Payer("张测试", person_id=self.person),
            subject_type="counter",
            subject_id=uuid4().hex,
            title=Text("普通护照", "Passport"),
            hall_code=OWN,
        )
        bill = bills.issue(self.session, order, actor="x")
        self.session.commit()
        receipt_jobs.tell(office.finance)
        return bill

    def _machines(self) -> None:
        session, lead = self.session, self.roles["hall_lead"]
        machine_id = devices.add(session, name="二号机", actor="x", hall_code=OWN).id
        session.commit()
        self._of_hall("hall_lead", "devices/<uuid:device_id>/code", {}, device_id=machine_id)
        self._of_hall("hall_lead", "devices/<uuid:device_id>/revoke", REASON, device_id=machine_id)
        rename = Thing({"device_id": machine_id}, {"name": "东门自助机"}, lead)
        self.things["PATCH", "/api/v1/staff/devices/<uuid:device_id>"] = rename
        card = {"card": {"id_number": NUMBERS[0], "name": "张测试"}}
        at_kiosk = machine(session, self.client, hall_code=OWN)
        booked = self.things["GET", "/api/v1/appointments/<uuid:appointment_id>"].path
        cancel = "/api/v1/device/bookings/<uuid:appointment_id>/cancel"
        self.things["POST", cancel] = Thing(booked, card, at_kiosk)

    def _payments(self, clock: Clock) -> None:
        desk, now = Desk(clock), clock.now
        desk.payer = self.person
        self.client.application.extensions["payment_gateways"] = desk.gateways
        ways, line = {"way": "wechat_h5"}, bills.Line("passport")
        owed, held, settled = (desk.bill(line) for _ in range(3))
        attempt = desk.pay(held)
        cases.paid(desk, settled)
        part = {"amount_fen": 100, "ground": "over_collected", "reason": "多收了"}
        self._of_citizen("GET", "bills/<uuid:bill_id>", {}, bill_id=owed.id)
        self._of_citizen("POST", "bills/<uuid:bill_id>/attempts", ways, bill_id=owed.id)
        self._of_citizen("POST", "bills/<uuid:bill_id>/refunds", part, bill_id=settled.id)
        self._of_citizen("GET", "attempts/<uuid:attempt_id>", {}, attempt_id=attempt.id)
        self._of_citizen("POST", "attempts/<uuid:attempt_id>/check", {}, attempt_id=attempt.id)
        self._of_hall("hall_lead", "bills/<uuid:bill_id>/void", REASON, bill_id=owed.id)
        self._of_hall("hall_lead", "bills/<uuid:bill_id>/refunds", part, bill_id=settled.id)
        decision = {"due_on": "2027-01-31", "document": "厦财缓〔2026〕1号"}
        self._of_hall("finance", "bills/<uuid:bill_id>/deferral", decision, bill_id=owed.id)
        asked, checked, stuck, proposed = (cases.ask(desk, settled, 100) for _ in range(4))
        self._of_hall("hall_lead", "refunds/<uuid:refund_id>/unit-approval", {}, refund_id=asked.id)
        self._of_hall(
            "hall_lead", "refunds/<uuid:refund_id>/unit-rejection", {"answer": "没有多收"}, refund_id=asked.id
        )
        refunds.approve_by_unit(self.session, refund_id=checked.id, hall_code=OWN, actor="staff:1")
        self.session.commit()
        for refund in (stuck, proposed):
            cases.approve(desk, refund)
            clock.advance(seconds=61)
            desk.send()
            cases.finish(desk, refund, RefundStatus.ABNORMAL)
        evidence = {"evidence": "国库退付单 1 号"}
        refunds.propose_by_hand(self.session, refund_id=proposed.id, actor="staff:1", **evidence)
        odd, decided = (desk.pay(desk.bill(line)) for _ in range(2))
        for strange in (odd, decided):
            desk.wechat.pay(strange.number, amount_fen=1)
            desk.notify(desk.wechat, desk.wechat.notice(strange.number))
        attempts.propose(self.session, attempt_id=decided.id, proposal="give_back", actor="staff:1", reason="核对过")
        self.session.commit()
        for refund, rule, body in (
            (checked, "approval", {}),
            (checked, "rejection", {"answer": "没有多收"}),
            (stuck, "send-again", {}),
            (stuck, "by-hand", evidence),
            (proposed, "by-hand/confirmation", {}),
        ):
            self._of_hall("finance", f"finance/refunds/<uuid:refund_id>/{rule}", body, refund_id=refund.id)
        clock.set(now)
        give_back = {"proposal": "give_back"}
        suspense = "finance/suspense/<uuid:attempt_id>"
        self._of_hall("finance", f"{suspense}/proposal", {**give_back, **REASON}, attempt_id=odd.id)
        self._of_hall("finance", f"{suspense}/confirmation", give_back, attempt_id=decided.id)

    def _files(self) -> None:
        """Files that wait for bytes, have all of them, and are ready: a citizen's own, and scans of the hall."""
        for who, subject, prefix in (
            (self.owner, ("person", str(self.person)), ""),
            (self.roles["window_clerk"], ("scan", OWN), "staff/"),
        ):
            asker = sessions.load_principal(who.header["Authorization"].split()[1])
            assert asker
            begun, whole, ready = (self._file(asker, subject) for _ in range(3))
            files.add_part(self.session, whole.id, offset=0, length=2, key=whole.id.hex)
            ready.state, ready.object_key = FileState.READY, storage.object_key(ready.id)
            storage.current().put(ready.object_key, [b"{}"])
            self.session.commit()
            link = self._post(f"/{prefix}files/{ready.id}/link", who, {})["url"].partition("?")[2]
            again = {"subject_type": subject[0], "subject_id": subject[1], "wording": files.CONSENT}
            for method, rule, found, body in (
                ("GET", "", ready, {}),
                ("PATCH", "", begun, {}),
                ("DELETE", "", ready, {}),
                ("POST", "/finish", whole, {}),
                ("POST", "/link", ready, {}),
                ("GET", "/content", ready, {}),
                ("POST", "/reuse", ready, again),
            ):
                if rule != "/reuse" or who is self.owner:
                    query = f"?{link}" if rule == "/content" else ""
                    path = f"/api/v1/{prefix}files/<uuid:file_id>{rule}"
                    self.things[method, path] = Thing({"file_id": found.id}, body, who, query)

    def _file(self, asker: Principal, subject: tuple[str, str]) -> File:
        announced = files.Announced("a.jpg", "image/jpeg", 2, b"x" * 32)
        return files.begin(self.session, announced, asker=asker, subject=subject, most_bytes=100)

    def _licences(self) -> None:
        """A looked-up licence of a citizen, and one of a subject that the hall may read."""

        def of_hall(_: Session, asker: Principal, hall: str) -> bool:
            return asker.kind == "citizen" or asker.hall_code == hall

        subjects.register(subjects.SubjectType("matrix", reads=of_hall, writes=of_hall))
        asker = sessions.load_principal(self.owner.header["Authorization"].split()[1])
        assert asker
        terms = {"item_slug": "passport-first", "material_id": "passport-first.id-card", "wording": licences.WORDING}
        made = licences.request(self.session, asker=asker, subject=("matrix", OWN), **terms)
        self.session.commit()
        self._of_citizen("GET", "licences/<uuid:licence_id>", {}, licence_id=made.id)
        look = Thing({"licence_id": made.id}, {}, self.roles["window_clerk"])
        self.things["GET", "/api/v1/staff/licences/<uuid:licence_id>"] = look

    def _hotline(self) -> None:
        """A question that the hotline has yet to take."""
        asker = sessions.load_principal(self.owner.header["Authorization"].split()[1])
        assert asker
        question = hotline.Question("guide", "passport-first", "consult", "怎么办理")
        asked = hotline.ask(self.session, question, asker=asker)
        self.session.commit()
        self._of_citizen("POST", "hotline/tickets/<uuid:ticket_id>/look", {}, ticket_id=asked.id)

    def _own_data(self) -> None:
        """An export that is ready, a hold, and one that somebody else wants to lift."""
        made = exports.ask(self.session, person_id=self.person)
        claimed = exports.claim(self.session)
        assert claimed is not None
        assert claimed.object_key
        storage.current().put(claimed.object_key, [b"PK"])
        exports.finished(self.session, made.id, 2)
        why = {"reason": "法院调查令一号", "staff_id": uuid4()}
        held, leaving = (
            holds.place(self.session, subject_type="person", number=number, **why).id for number in NUMBERS
        )
        holds.ask_lift(self.session, leaving, reason="案件已结", staff_id=uuid4())
        self.session.commit()
        self._of_citizen("GET", "me/exports/<uuid:export_id>/content", {}, export_id=made.id)
        self._of_hall("platform_operator", "legal-holds/<uuid:hold_id>/lift", REASON, hold_id=held)
        answer = "legal-holds/<uuid:hold_id>/lift/answer"
        self._of_hall("platform_operator", answer, {"agree": True}, hold_id=leaving)

    def _shipments(self, clock: Clock) -> None:
        desk = ShipmentDesk(clock)
        self.client.application.extensions["couriers"] = desk.couriers
        for one in shipments.things(desk, self.person):
            owner = self.roles[one.role] if one.role else self.owner
            self.things[one.method, f"/api/v1/{one.rule}"] = Thing(one.path, one.body, owner)

    def _staff_id(self, role: str) -> UUID:
        principal = sessions.load_principal(self.roles[role].header["Authorization"].split()[1])
        assert principal
        return principal.id

    def _sit(self, role: str, window: int) -> None:
        windows.open_window(
            self.session, hall_code=OWN, staff_id=self._staff_id(role), window=window, categories=[QUEUE]
        )
        self.session.commit()

    def _family(self) -> None:
        session = self.session
        relative, header = citizen(session, 2, NUMBERS[1])
        asked = Who("relative", "citizen", OWN, header, 2)
        link = family.add(session, agent_id=self.person, name="张测试", id_number=NUMBERS[1], relation="sibling")
        body = organisations.register(session, person_id=self.person, name="测试公司", credit_code="91350299MA0000015P")
        helper = f"138{uuid4().int % 10**8:08d}"
        agent = identity.log_in(session, provider="phone", subject=helper, current=None, phone=helper)
        organisations.add_agent(session, manager_id=self.person, organisation_id=body.id, phone=helper, role="agent")
        session.commit()
        self._of_citizen("DELETE", "me/family/<uuid:link_id>", {}, link_id=link.id)
        for answer in ("accept", "decline"):
            rule = f"/api/v1/me/family/<uuid:link_id>/{answer}"
            self.things["POST", rule] = Thing({"link_id": link.id}, {}, asked)
        agents = "organisations/<uuid:organisation_id>/agents"
        self._of_citizen("POST", agents, {"phone": helper, "role": "manager"}, organisation_id=body.id)
        self._of_citizen("DELETE", f"{agents}/<uuid:person_id>", {}, organisation_id=body.id, person_id=agent)

    def _cases(self) -> None:
        office = people.Office(self.client, self.session, OWN)
        office.headers = {role: who.header for role, who in self.roles.items()}
        filer = people.Filer(self.client, self.person, self.owner.header, NUMBERS[0])
        for method, rule, owner, body, path in matrix.things(self.session, filer, office):
            who = self.owner if owner == "citizen" else self.roles[owner]
            self.things[method, f"/api/v1/{rule}"] = Thing(path, body, who)

    def _of_citizen(self, method: str, rule: str, body: dict[str, Any], **path: Any) -> None:
        self.things[method, f"/api/v1/{rule}"] = Thing(path, body, self.owner)

    def _of_hall(self, role: str, rule: str, body: dict[str, Any], **path: Any) -> None:
        self.things["POST", f"/api/v1/staff/{rule}"] = Thing(path, body, self.roles[role])


@pytest.fixture
def world(session: Session, client: FlaskClient, clock: Clock, slots: list[UUID]) -> Iterator[World]:
    yield World(session, client, clock, slots)
    client.application.extensions.pop("payment_gateways")
    client.application.extensions.pop("couriers")


def test_an_object_of_another_hall_or_citizen_is_refused_and_stays_as_it_is(
    app: Flask, client: FlaskClient, session: Session, world: World
) -> None:
    named = {(method, rule): access for method, rule, access in routes(app) if "<uuid:" in rule}
    assert set(world.things) == set(named), "a new route with an object needs one in World"
    strangers: dict[str, Callable[[Thing], Who]] = {
        "citizen": lambda _: Who("stranger", "citizen", OWN, citizen(session, 1)[1], 1),
        "device": lambda _: machine(session, client, hall_code=OTHER),
        "staff": lambda thing: Who(thing.owner.name, "staff", OTHER, staff.header(session, OTHER, thing.owner.name)),
    }
    wrong = []
    for (method, rule), thing in world.things.items():
        path = filled(rule, thing.path) + thing.query
        stranger = strangers[thing.owner.kind](thing)
        if thing.owner.kind == "staff" and "tickets/" in rule:
            seat(session, stranger)
        if (method, rule) not in NOT_OF_A_HALL:
            before = digest(session)
            answer = send(client, method, path, stranger, thing.body)
            changed = [name for name, content in digest(session).items() if content != before[name]]
            if answer.status_code not in (403, 404) or changed:
                wrong.append(f"{method} {rule}: a stranger gets {answer.status_code}, changed: {changed}")
        with taken_back(session):
            own = send(client, method, path, thing.owner, thing.body)
        if own.status_code >= 300:
            wrong.append(f"{method} {rule}: its owner gets {own.status_code} {own.text}")
    assert not wrong, "\n".join(wrong)


def seat(session: Session, who: Who) -> None:
    """A window of their own hall, so that nothing but the hall can be the reason of a refusal."""
    principal = sessions.load_principal(who.header["Authorization"].split()[1])
    assert principal
    windows.open_window(
        session, hall_code=OTHER, staff_id=principal.id, window=1, categories=["business"], take_over=True
    )
    session.commit()

"""A citizen who has used everything: marked values in every table that may hold any."""

import hashlib
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from flask.testing import FlaskClient
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from backend.appointments.conduct_states import MarkState
from backend.appointments.models import Slot
from backend.core import crypto, db
from backend.core.errors import Text
from backend.files import storage
from backend.hotline import service as hotline
from backend.identity import family, sessions, sms
from backend.identity import service as identity
from backend.licences.models import LicenceFetch
from backend.licences.states import State as LicenceState
from backend.queueing import tickets
from backend.ratings import service as ratings
from express import address_book
from express.models import Payer as PostagePayer
from express.models import Shipment
from express.task_models import WindowHandover
from payments import bills
from tests.backend.applications import papers
from tests.backend.applications.people import PLATE, QUERY, Filer, Office, id_number
from tests.backend.queueing import hall_people
from tests.conftest import Clock
from tests.express.conftest import ADDRESS
from tests.express.conftest import Desk as ShipmentDesk
from tests.payments import cases
from tests.payments.conftest import Desk

NAME, OPENID, STREET = "钱金丝雀", "openid-of-the-canary", "金丝雀巷 7 号"
ANSWER, MESSAGE, RATED, ASKED, APPEALED = "金丝雀要换证", "金丝雀问进度", "金丝雀等太久", "金丝雀怎么办", "金丝雀停电"
CONTENT, VIEW, CANCELLED = "金丝雀的扫描件", "金丝雀的证照", "金丝雀有事"
FILE_NAME = "金丝雀.jpg"
WEDNESDAY = date(2026, 11, 25)


class Sealed:
    """Plain text by the bytes it became."""

    def __init__(self) -> None:
        self.texts: dict[bytes, str] = {}

    def watching(self, function: Callable[..., bytes]) -> Callable[..., bytes]:
        def call(text: str, **where: Any) -> bytes:
            made = function(text, **where)
            self.texts[bytes(made)] = text
            return made

        return call


class Life:
    """`post` and the other ways of a citizen, and what they left behind."""

    def __init__(self, session: Session, client: FlaskClient, clock: Clock) -> None:
        self.session, self.client, self.clock = session, client, clock
        self.phone, self.number = f"139{uuid4().int % 10**8:08d}", id_number()
        self.id = self._account()
        self.me = Filer(client, self.id, {}, self.number, NAME)
        self.me.log_in_again(session)

    @property
    def marks(self) -> tuple[str, ...]:
        return (
            *(NAME, OPENID, STREET, ANSWER, MESSAGE, RATED, ASKED, APPEALED, CONTENT, VIEW, CANCELLED, FILE_NAME),
            *(self.phone, self.number),
        )

    def _account(self) -> UUID:
        session = self.session
        found = identity.log_in(session, provider="phone", subject=self.phone, current=None, phone=self.phone)
        found = identity.log_in(session, provider="wechat_official", subject=OPENID, current=found)
        card = identity.RealName(self.number, NAME, None)
        found = identity.verify(session, open_id=f"open-{self.number}", real_name=card, current=found)
        sms.draw(session, self.phone)
        session.commit()
        return found

    def everything(self) -> None:
        """Something in every feature that is over, or may be ended with the account."""
        self.relative()
        self.shelf()
        self.draft()
        self.cancelled()
        self.visit()
        self.missed()
        self.queue()
        self.question()
        self.mail()
        self.unpaid()

    def records(self) -> None:
        """What the office has to keep: a case that was concluded, and a bill that was paid."""
        self.case()
        self.paid()

    def relative(self) -> None:
        family.add(self.session, agent_id=self.id, name="孙测试", id_number=id_number(), relation="sibling")
        self.session.commit()

    def shelf(self) -> None:
        self._file(("person", str(self.id)))

    def _file(self, subject: tuple[str, str]) -> None:
        key = storage.object_key("test", uuid4())
        storage.current().put(key, [CONTENT.encode()])
        digest = hashlib.sha256(CONTENT.encode()).digest()
        actor = f"person:{self.id}"
        made = papers.add(self.session, subject, None, actor, person_id=self.id, object_key=key, sha256=digest)
        made.name = crypto.seal(FILE_NAME, table="file", column="name", row=made.id)
        self.session.commit()

    def _licence(self, subject_id: str, subject_type: str = "application") -> None:
        found = db.new_id()
        row = LicenceFetch(
            id=found,
            state=LicenceState.FOUND,
            state_at=self.clock.now,
            person_id=self.id,
            subject_type=subject_type,
            subject_id=subject_id,
            item_slug=QUERY,
            material="m",
            kind="id_card",
            purpose="换证",
            wording="1",
            consented_at=self.clock.now,
            identifier="1.2.3",
            issuer="测试局",
            content_sha256=b"x" * 32,
            view=crypto.seal(VIEW, table="licence_fetch", column="view", row=found),
        )
        self.session.add(row)
        self.session.commit()

    def draft(self) -> str:
        made = self.me.fill(self.me.start(PLATE), address=STREET, matter=ANSWER)
        self._file(("application", made["id"]))
        self._licence(made["id"])
        return str(made["id"])

    def case(self) -> dict[str, Any]:
        """From the first field to the result at the window, with a message, a file and a rating."""
        made = self.me.file(QUERY, matter=ANSWER, address=STREET)
        self._file(("application", self.application_of(made)))
        self._licence(self.application_of(made))
        assert self.me.post(f"/cases/{made['id']}/messages", {"words": MESSAGE}).status_code < 300
        office = Office(self.client, self.session)
        office.concluded(made)
        office.done("issuing_desk", made, "offer")
        drawn = {"object_key": storage.object_key("signature", uuid4())}
        signature = papers.add(self.session, ("case", made["id"]), "hand-over.signature", "staff:x", **drawn)
        signed = {"identity_checked": True, "signature_id": str(signature.id)}
        office.done("issuing_desk", made, "hand-over", **signed)
        return made

    def application_of(self, case: dict[str, Any]) -> str:
        query = text("SELECT application_id FROM service_case WHERE id = :id")
        return str(self.session.scalar(query, {"id": case["id"]}))

    def withdrawn(self) -> dict[str, Any]:
        made = self.me.file(QUERY, matter=ANSWER)
        assert self.me.post(f"/cases/{made['id']}/withdraw").status_code < 300
        return made

    def slot(self, place: int = 4, day: date = WEDNESDAY) -> UUID:
        query = select(Slot.id).where(Slot.hall_code == "XM", Slot.category_code == "exit-entry", Slot.day == day)
        return list(self.session.scalars(query.order_by(Slot.start)))[place]

    def visit(self, place: int = 4, day: date = WEDNESDAY) -> str:
        held = self.me.post("/holds", {"slot_id": str(self.slot(place, day)), "items": ["passport-first"]})
        assert held.status_code == 201, held.text
        assert self.me.post(f"/holds/{held.json['id']}/confirm").status_code < 300
        return str(held.json["id"])

    def cancelled(self) -> str:
        visit = self.visit(6)
        assert self.me.post(f"/appointments/{visit}/cancel", {"reason": CANCELLED}).status_code == 200
        return visit

    def missed(self) -> None:
        appeal = {"state": MarkState.APPEALED, "appeal_reason": APPEALED, "appealed_at": self.clock.now}
        hall_people.missed(self.session, self.id, self.clock.now - timedelta(days=3), **appeal)
        self.session.commit()

    def queue(self) -> str:
        """A ticket by the document alone, as at a kiosk, and one of the account; the second is rated."""
        taken = []
        holder = identity.document_index(self.number)
        for person, category in ((None, "exit-entry"), (self.id, "vehicle")):
            taker = tickets.Taker(holder=holder, person_id=person)
            where = {"hall_code": "XM", "category_code": category, "slugs": [], "source": "desk", "actor": "x"}
            taken.append(tickets.take(self.session, taker=taker, **where).id)
        rated = {"subject_type": "ticket", "subject_id": str(taken[1]), "hall_code": "XM", "person_id": self.id}
        ratings.rate(self.session, grade=1, words=RATED, **rated)
        self.session.commit()
        return str(taken[1])

    def question(self) -> None:
        asker = sessions.load_principal(self.me.header["Authorization"].split()[1])
        assert asker
        hotline.ask(self.session, hotline.Question("guide", "passport-first", "consult", ASKED), asker=asker)
        self.session.commit()

    def mail(self) -> None:
        """An address, and a shipment that was handed over at the window with a signature."""
        given = {**ADDRESS, "name": NAME, "phone": self.phone, "line": STREET}
        address_book.add(self.session, person_id=self.id, given=given, default=True)
        self.session.commit()
        desk = ShipmentDesk(self.clock)
        desk.person = self.id
        desk.policy(PostagePayer.GOV)
        sent = desk.order(address=given)
        self.session.expire_all()
        done = {"state": "closed", "state_at": self.clock.now, "proof": "window", "next_try_at": None}
        self.session.execute(update(Shipment).where(Shipment.id == sent.id).values(**done, next_track_at=None))
        self.session.commit()

    def handed_over(self) -> None:
        sent = self.session.scalars(select(Shipment.id).where(Shipment.person_id == self.id)).one()
        where = {"table": "window_handover", "row": sent}
        row = WindowHandover(
            shipment_id=sent,
            by_agent=False,
            receiver=crypto.seal(NAME, column="receiver", **where),
            signature=crypto.seal("x", column="signature", **where),
            checked_by="staff:x",
            at=self.clock.now,
        )
        self.session.add(row)
        self.session.commit()

    def _bill(self) -> tuple[Desk, Any]:
        desk = Desk(self.clock)
        desk.payer = self.id
        payer = bills.Payer(NAME, id_number=self.number, person_id=self.id)
        return desk, desk.bill(bills.Line("passport"), payer=payer, title=Text("普通护照", "Passport"))

    def paid(self) -> Any:
        desk, bill = self._bill()
        cases.paid(desk, bill)
        self.session.expire_all()
        return bill

    def owed(self) -> Any:
        return self._bill()[1]

    def unpaid(self) -> None:
        _, bill = self._bill()
        bills.void(self.session, bill_id=bill.id, actor="staff:x", reason="开错了")
        self.session.commit()


def found(session: Session, sealed: Sealed, marks: tuple[str, ...]) -> dict[str, set[str]]:
    """In a full dump, with every sealed value opened: table → the marks that stand in it."""
    left: dict[str, set[str]] = {}
    names = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
    for table in names:
        for row in session.execute(text(f'SELECT * FROM "{table}"')):
            for value in row:
                plain = sealed.texts.get(bytes(value), "") if isinstance(value, bytes | memoryview) else str(value)
                left.setdefault(table, set()).update(mark for mark in marks if mark in plain)
    return {table: those for table, those in left.items() if those}

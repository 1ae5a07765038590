"""A city's ledger drawn at random, from a seed: cases in every state, with all that reports count about them."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from backend.applications.case_models import Case, CaseEventRow, CaseMessage, CaseSpecial
from backend.applications.form_models import ServiceForm
from backend.applications.models import Application
from backend.applications.states import CASE, WHO, CaseEvent, CaseState
from backend.appointments.models import Appointment, VisitMatter
from backend.appointments.states import State as Visit
from backend.catalogue.versions.models import ItemVersion
from backend.core.db import Base
from backend.identity.models import Person, Staff
from backend.queueing.models import CheckIn, QueueHour, Ticket
from backend.queueing.ordering import Kind
from backend.queueing.states import State as Number
from backend.ratings.models import FollowUp, Rating
from backend.ratings.states import State as Task
from express.models import Shipment
from express.states import ShipmentState
from payments.attempt_models import Attempt
from payments.bill_models import Bill
from payments.states import AttemptState, BillState

HALLS = ("XM", "SM", "HL", "TA")
FIRST, DAYS = date(2026, 1, 5), 320
E, S = CaseEvent, CaseState
Row = dict[str, Any]


class City:
    """Rows by table, written at the end. Every case goes a random way through the table of states."""

    def __init__(self, session: Session, seed: int, *, people: int = 40) -> None:
        self.draw = random.Random(seed)
        self.rows: dict[type[Base], list[Row]] = {}
        self.form = session.scalars(select(ServiceForm).limit(1)).one()
        self.items = sorted(
            (row.item_slug, row.number) for row in session.execute(select(ItemVersion.item_slug, ItemVersion.number))
        )
        self.people = [self.id() for _ in range(people)]
        self.staff = self.id()
        self.add(Staff, id=self.staff, username=f"s{seed}", display_name="x", password_hash="x", totp_secret=b"x")
        for person in self.people:
            self.add(Person, id=person, level=2, language="zh", elder_mode=False, created_at=self.instant(FIRST))

    def id(self) -> UUID:
        return UUID(int=self.draw.getrandbits(128), version=4)

    def add(self, table: type[Base], **values: Any) -> Row:
        self.rows.setdefault(table, []).append(values)
        return values

    def instant(self, day: date) -> datetime:
        """Some moment of Xiamen's day, near midnight too."""
        return (
            datetime(day.year, day.month, day.day, tzinfo=UTC)
            - timedelta(hours=8)
            + timedelta(minutes=self.draw.choice((1, 500, 900, 1438)))
        )

    def write(self, session: Session) -> None:
        order = {table: place for place, table in enumerate(Base.metadata.sorted_tables)}
        for table in sorted(self.rows, key=lambda one: order[one.__table__]):
            session.execute(insert(table), _alike(self.rows[table]))
        session.commit()

    def cases(self, count: int) -> None:
        for number in range(count):
            self._case(number)

    def _case(self, number: int) -> None:
        draw, day = self.draw, FIRST + timedelta(days=self.draw.randrange(DAYS))
        slug, version = draw.choice(self.items)
        channel, person = draw.choice(("online", "online", "window", "partner")), draw.choice(self.people)
        hall = draw.choice(HALLS)
        application = self.add(
            Application,
            id=self.id(),
            state="submitted",
            state_at=self.instant(day),
            item_slug=slug,
            form_item=self.form.item_slug,
            form_version=self.form.version,
            person_id=person,
            filer_id=person,
            channel=channel,
            started_by="x",
            answers=b"x",
            created_at=self.instant(day),
            saved_at=self.instant(day),
            expires_at=self.instant(day),
        )
        case = self.add(
            Case,
            id=self.id(),
            state=S.SUBMITTED,
            state_at=self.instant(day),
            application_id=application["id"],
            number=f"{number:043d}",
            short_number=f"{number:012d}",
            item_slug=slug,
            item_version=version,
            instant=False,
            joint=False,
            law_days=draw.randint(5, 20),
            promise_days=draw.randint(1, 5),
            person_id=person,
            filer_id=person,
            channel=channel,
            mode="split",
            hall_code=hall,
            filed_hall=None if channel == "online" else draw.choice((hall, draw.choice(HALLS))),
            submitted_at=self.instant(day),
            extended_days=0,
            fee_state="none",
            fee_blocks="nothing",
            corrected_once=False,
            owed_on=draw.choice((None, day + timedelta(days=5), date(2026, 12, 20))),
        )
        about = {name: case[name] for name in ("item_slug", "person_id", "filer_id")}
        short = case["short_number"]
        self.add(VisitMatter, id=case["application_id"], case_id=case["id"], number=short, open=True, **about)
        self._walk(case, day)
        self._around(case, day)

    def _walk(self, case: Row, day: date) -> None:
        draw = self.draw
        self._event(case, None, S.SUBMITTED, E.SUBMIT, "person:x", None, case["submitted_at"])
        while draw.random() > 0.06:
            ways = [event for (state, event) in CASE.steps if state == case["state"]]
            if not ways:
                return
            calm = [event for event in ways if event not in (E.WITHDRAW, E.TERMINATE, E.LAPSE, E.NOT_ACCEPT)]
            event = draw.choice(calm if calm and draw.random() > 0.04 else ways)
            day += timedelta(days=draw.choice((0, 0, 1, 2, 7)))
            self._step(case, event, day)

    def _step(self, case: Row, event: CaseEvent, day: date) -> None:
        draw = self.draw
        actor, reason = {"citizen": "person:x", "system": "system"}.get(WHO[event], "staff:x"), None
        if event == E.RECEIVE and draw.random() < 0.5:
            actor = "person:x"
        if event == E.DELIVER:
            actor, reason = draw.choice(
                (("staff:x", None), ("system", "mail"), ("system", "window"), ("person:x", "download"))
            )
        if event == E.ACCEPT:
            case |= {"accepted_on": day, "promise_due_on": day + timedelta(days=draw.randint(1, 9))}
            case |= {"law_due_on": draw.choice((None, day + timedelta(days=draw.randint(9, 30))))}
        if event == E.PAUSE:
            self.add(
                CaseSpecial,
                id=self.id(),
                case_id=case["id"],
                step_code="look",
                days=draw.randint(1, 5),
                began_on=day,
                ended_on=day + timedelta(days=draw.randint(0, 9)),
                document="x",
                began_by="x",
            )
        if event in (E.GRANT, E.DENY):
            case["decided_on"] = day
        if event == E.OFFER:
            case["pickup_hall"] = draw.choice((None, *HALLS))
        self._event(case, case["state"], CASE.steps[case["state"], event], event, actor, reason, self.instant(day))

    def _event(
        self,
        case: Row,
        before: CaseState | None,
        after: CaseState,
        event: CaseEvent,
        actor: str,
        reason: str | None,
        at: datetime,
    ) -> None:
        case |= {"state": after, "state_at": at}
        self.add(
            CaseEventRow,
            entity_id=case["id"],
            from_state=before,
            to_state=after,
            event=event,
            actor=actor,
            reason=reason,
            at=at,
            request_id="-",
        )

    def _around(self, case: Row, day: date) -> None:
        """Ratings, bills, papers by courier, appointments and questions, some of which have nothing to do with it."""
        draw, subject = self.draw, str(case["id"])
        if draw.random() < 0.5:
            self._rating(case, day)
        if draw.random() < 0.5:
            self._bill(subject, day)
        for direction in ("material_in", "result_out"):
            if draw.random() < 0.3:
                self._shipment(subject, direction, day, case)
        if draw.random() < 0.5:
            self._appointment(case, day + timedelta(days=draw.randint(-3, 9)))
        if draw.random() < 0.4:
            self._number(case, day + timedelta(days=draw.randint(0, 9)))
        if draw.random() < 0.2:
            answered = draw.choice((None, date(2026, 1, 1), date(2027, 1, 1)))
            self.add(
                CaseMessage,
                id=self.id(),
                case_id=case["id"],
                side="citizen",
                author="x",
                words="x",
                file_ids=[],
                at=self.instant(day),
                reply_by=answered,
            )

    def _rating(self, case: Row, day: date) -> None:
        draw, rating, grade = self.draw, self.id(), self.draw.randint(1, 5)
        aside = draw.random() < 0.2
        self.add(
            Rating,
            id=rating,
            subject_type=draw.choice(("case", "case", "ticket")),
            subject_id=str(case["id"]),
            hall_code=case["hall_code"],
            grade=grade,
            at=self.instant(day),
            invalid_at=self.instant(day) if aside else None,
            invalid_reason="x" if aside else None,
        )
        if grade <= 2:
            answered = draw.random() < 0.7
            self.add(
                FollowUp,
                id=self.id(),
                state=Task.ANSWERED if answered else Task.OPEN,
                state_at=self.instant(day + timedelta(days=draw.randint(1, 30))),
                rating_id=rating,
                hall_code=case["hall_code"],
                opened_at=self.instant(day),
                due_on=day + timedelta(days=20),
                answer="x" if answered else None,
            )

    def _bill(self, subject: str, day: date) -> None:
        draw, bill = self.draw, self.id()
        place = draw.choice(("jsapi", "wap", "native", "micropay", "other", None))
        at = self.instant(day)
        common = {"region_code": "350299", "unit_code": "x", "pay_code": str(bill), "notice_type": "ordinary"}
        self.add(
            Bill,
            **common,
            id=bill,
            state=BillState.PAID if place else BillState.ISSUED,
            state_at=at,
            subject_type=draw.choice(("case", "case", "visit")),
            subject_id=subject,
            title_zh="x",
            title_en="x",
            payer_type="person",
            payer_name=b"x",
            payer_name_index=b"x",
            version=1,
            total_fen=100,
            accepted_on=day,
            due_on=day,
            source="unit",
            grows=False,
            created_at=at,
            paid_at=at if place else None,
            paid_via={"other": "other", None: None}.get(place, "wechat_pay"),
        )
        by_channel = place not in (None, "other")
        for state in (AttemptState.PAID, AttemptState.CLOSED) if by_channel else (AttemptState.CLOSED,):
            self.add(
                Attempt,
                id=self.id(),
                bill_id=bill,
                state=state,
                state_at=at,
                number=str(self.id()),
                channel="wechat_pay",
                scene=place if state == AttemptState.PAID else "micropay",
                app_id="x",
                merchant_id="x",
                amount_fen=100,
                currency="CNY",
                bill_version=1,
                order=b"x",
                opened_at=at,
                expires_at=at,
                paid_at=at if state == AttemptState.PAID else None,
            )

    def _shipment(self, subject: str, direction: str, day: date, case: Row) -> None:
        arrived = self.draw.random() < 0.6
        self.add(
            Shipment,
            id=self.id(),
            state=ShipmentState.DELIVERED if arrived else ShipmentState.UNDER_WAY,
            state_at=self.instant(day),
            number=str(self.id()),
            waybill=str(self.id()),
            carrier="ems",
            direction=direction,
            subject_type="case",
            subject_id=subject,
            item_slug=case["item_slug"],
            category_code="x",
            title_zh="x",
            title_en="x",
            certificate=False,
            hall_code=case["hall_code"],
            division_code="350299",
            applicant_type="person",
            person_id=case["person_id"],
            ordered_by="x",
            payer="gov",
            estimate_fen=0,
            weight_g=1,
            transit_days=1,
            delivered_at=self.instant(day) if arrived else None,
            created_at=self.instant(day),
        )

    def _appointment(self, case: Row, day: date) -> None:
        draw, appointment, at = self.draw, self.id(), self.instant(day)
        matter = draw.choice((case["application_id"], case["application_id"], None))
        hall = draw.choice(HALLS)
        state = draw.choice((Visit.CHECKED_IN, Visit.FULFILLED, Visit.LEFT, Visit.NO_SHOW, Visit.CANCELLED))
        self.add(
            Appointment,
            id=appointment,
            state=state,
            state_at=at,
            hall_code=hall,
            category_code="x",
            matter_id=matter,
            person_id=case["person_id"],
            booker_id=case["person_id"],
            channel="online",
            day=day,
            start=at,
            end=at,
            people=1,
            cancel_until=at,
            check_in_from=at,
            check_in_until=at,
            reschedules_left=0,
            created_at=at,
        )
        if state in (Visit.CHECKED_IN, Visit.FULFILLED, Visit.LEFT):
            for undone in (at, None) if draw.random() < 0.3 else (draw.choice((at, None)),):
                self.add(
                    CheckIn,
                    id=self.id(),
                    appointment_id=appointment,
                    staff_id=self.staff,
                    hall_code=hall,
                    day=day,
                    at=at,
                    arrival="on_time",
                    undone_at=undone,
                )

    def _number(self, case: Row, day: date) -> None:
        """A number of somebody who came without an appointment."""
        draw, at = self.draw, self.instant(day)
        self.add(
            Ticket,
            id=self.id(),
            state=draw.choice((Number.DONE, Number.DONE, Number.ABANDONED, Number.CANCELLED)),
            state_at=at,
            hall_code=draw.choice(HALLS),
            day=day,
            category_code="x",
            prefix="A",
            seq=len(self.rows.get(Ticket, ())) + 1,
            source="desk",
            kind=Kind.WALK_IN,
            due_at=at,
            created_at=at,
            link=str(self.id()),
            people=1,
            calls=0,
            near_told=False,
            matter_id=draw.choice((case["application_id"], None)),
        )

    def waits(self) -> None:
        """Closed days of the queues."""
        for hall in HALLS:
            for day in range(0, DAYS, 9):
                for kind in Kind:
                    called = self.draw.randint(0, 9)
                    self.add(
                        QueueHour,
                        hall_code=hall,
                        day=FIRST + timedelta(days=day),
                        category_code="x",
                        kind=kind,
                        hour=9,
                        taken=10,
                        called=called,
                        served=called,
                        left=0,
                        wait_s=called * self.draw.randint(1, 3000),
                        longest_s=3000,
                    )


def _alike(rows: Sequence[Row]) -> list[Row]:
    """Every row with every key that any of them has: one statement for all."""
    keys = dict.fromkeys(key for row in rows for key in row)
    return [{key: row.get(key) for key in keys} for row in rows]

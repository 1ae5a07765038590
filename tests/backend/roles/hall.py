"""Things of a hall's day: visits, numbers, conduct, ratings, accounts, kiosks, relatives."""

from datetime import timedelta
from uuid import uuid4

from sqlalchemy import select

from backend.appointments.conduct_states import MarkState
from backend.appointments.models import OpeningRule, Slot
from backend.devices import service as devices
from backend.identity import family, organisations
from backend.identity import service as identity
from backend.queueing import calling, tickets
from backend.ratings import service as ratings
from backend.ratings.models import FollowUp
from notify.models import Notification
from tests.backend.queueing import hall_day, hall_people
from tests.backend.roles.people import NUMBERS, OWN, Who, citizen, machine
from tests.backend.roles.world import MONDAY, QUEUE, REASON, WEDNESDAY, Thing, World

LATER = (Slot.hall_code == OWN) & (Slot.category_code == QUEUE) & (Slot.day == hall_day.TOMORROW)


def bookings(world: World) -> None:
    """A visit of the citizen's, a hold, and a visitor who has arrived; from here it is Wednesday."""
    first = world.post(f"/holds/{world.held(world.owner, world.slots[8])}/confirm", world.owner, {})
    visitor = Who("visitor", "citizen", OWN, citizen(world.session, 1)[1], 1)
    code = world.post(f"/holds/{world.held(visitor, world.slots[0])}/confirm", visitor, {})["code"]
    message = world.session.scalars(
        select(Notification.id).where(Notification.person_id == world.person).limit(1)
    ).one()
    for method, rule, body in (
        ("GET", "appointments/<uuid:appointment_id>", {}),
        ("GET", "appointments/<uuid:appointment_id>/calendar.ics", {}),
        ("GET", "appointments/<uuid:appointment_id>/pass", {}),
        ("POST", "appointments/<uuid:appointment_id>/cancel", {}),
        ("POST", "appointments/<uuid:appointment_id>/reschedule", {"slot_id": str(world.slots[10])}),
    ):
        world.of_citizen(method, rule, body, appointment_id=first["id"])
    world.of_citizen("POST", "inbox/<uuid:message_id>/read", {}, message_id=message)
    world.next_day()
    move = {"slot_id": str(world.slots[10]), **REASON}
    world.of_hall("window_clerk", "assisted-bookings/<uuid:appointment_id>/cancel", REASON, appointment_id=first["id"])
    world.of_hall(
        "window_clerk", "assisted-bookings/<uuid:appointment_id>/reschedule", move, appointment_id=first["id"]
    )
    other_day = world.session.scalars(select(Slot.id).where(LATER).order_by(Slot.start).limit(1)).one()
    held = world.held(world.owner, other_day)
    world.of_citizen("DELETE", "holds/<uuid:appointment_id>", {}, appointment_id=held)
    world.of_citizen("POST", "holds/<uuid:appointment_id>/confirm", {}, appointment_id=held)
    arrival = world.post("/staff/check-ins", world.roles["gate"], {"code": code, "identity_checked": True})
    world.of_hall("gate", "check-ins/<uuid:check_in_id>/undo", {}, check_in_id=arrival["check_in_id"])


def day(world: World) -> None:
    """A missed visit, an appeal, a rating to answer, places of a slot, and numbers waiting, passed, parked."""
    session = world.session
    mark = hall_people.missed(session, world.person, MONDAY - timedelta(days=3))
    appealed = {"state": MarkState.APPEALED, "appeal_reason": "那天停电", "appealed_at": WEDNESDAY}
    under_appeal = hall_people.missed(session, world.person, MONDAY, **appealed)
    world.of_citizen("POST", "me/conduct/<uuid:mark_id>/appeal", {"reason": "那天大厅停电"}, mark_id=mark.id)
    decision = {"decision": "reject", "answer": "当天窗口都开着"}
    world.of_hall("hall_lead", "appeals/<uuid:mark_id>/decision", decision, mark_id=under_appeal.id)
    ratings.rate(session, subject_type="ticket", subject_id="x", hall_code=OWN, person_id=None, grade=1, words="等太久")
    task = session.scalars(select(FollowUp)).one()
    world.of_hall("hall_lead", "ratings/<uuid:follow_up_id>/answer", {"answer": "多开了窗口"}, follow_up_id=task.id)
    world.of_hall("platform_operator", "ratings/<uuid:rating_id>/set-aside", REASON, rating_id=task.rating_id)
    reveal = {"field": "name", **REASON}
    world.of_hall("hall_lead", "persons/<uuid:person_id>/reveal", reveal, person_id=world.person)
    places = {"capacity": 10, **REASON}
    world.of_hall("hall_lead", "slots/<uuid:slot_id>/capacity", places, slot_id=world.slots[11])
    world.of_hall("hall_lead", "slots/<uuid:slot_id>/capacity/preview", places, slot_id=world.slots[11])
    waiting, passed, parked = (
        tickets.take(
            session, hall_code=OWN, category_code=QUEUE, slugs=[], taker=tickets.Taker(), source="desk", actor="x"
        ).id
        for _ in range(3)
    )
    for window, role in enumerate(("window_clerk", "hall_lead"), 1):
        world.sit(role, window)
    clerk = world.staff_id("window_clerk")
    calling.call_chosen(session, staff_id=clerk, ticket_id=passed, reason="试一试")
    calling.pass_over(session, staff_id=clerk)
    calling.call_chosen(session, staff_id=clerk, ticket_id=parked, reason="试一试")
    calling.answer(session, staff_id=clerk)
    calling.park(session, staff_id=clerk, note=None)
    world.of_hall("hall_lead", "tickets/<uuid:ticket_id>/call", REASON, ticket_id=waiting)
    world.of_hall("gate", "tickets/<uuid:ticket_id>/return", {}, ticket_id=passed)
    world.of_hall("window_clerk", "tickets/<uuid:ticket_id>/resume", {}, ticket_id=parked)
    session.commit()


def accounts_and_rules(world: World) -> None:
    """A colleague's account and an opening rule."""
    lead, clerk = world.roles["hall_lead"], world.staff_id("window_clerk")
    for change, body in (("roles", {"roles": ["gate"]}), ("active", {"active": False})):
        rule = f"accounts/<uuid:staff_id>/{change}"
        world.things["PUT", f"/api/v1/staff/{rule}"] = Thing({"staff_id": clerk}, {**body, **REASON}, lead)
    both = {"password": True, "totp": True, **REASON}
    world.of_hall("hall_lead", "accounts/<uuid:staff_id>/reset", both, staff_id=clerk)
    world.of_hall("hall_lead", "accounts/<uuid:staff_id>/sessions/end", REASON, staff_id=clerk)
    unbooked = select(OpeningRule.id).where(OpeningRule.hall_code == OWN, OpeningRule.category_code != QUEUE)
    rule_id = world.session.scalars(unbooked.order_by(OpeningRule.id).limit(1)).one()
    ends = {"ends": "2026-11-26", **REASON}
    world.of_hall("hall_lead", "opening-rules/<uuid:rule_id>/end", ends, rule_id=rule_id)
    world.of_hall("hall_lead", "opening-rules/<uuid:rule_id>/end/preview", ends, rule_id=rule_id)


def machines(world: World) -> None:
    """A kiosk of the hall."""
    session, lead = world.session, world.roles["hall_lead"]
    machine_id = devices.add(session, name="二号机", actor="x", hall_code=OWN).id
    session.commit()
    world.of_hall("hall_lead", "devices/<uuid:device_id>/code", {}, device_id=machine_id)
    world.of_hall("hall_lead", "devices/<uuid:device_id>/revoke", REASON, device_id=machine_id)
    rename = Thing({"device_id": machine_id}, {"name": "东门自助机"}, lead)
    world.things["PATCH", "/api/v1/staff/devices/<uuid:device_id>"] = rename
    card = {"card": {"id_number": NUMBERS[0], "name": "张测试"}}
    at_kiosk = machine(session, world.client, hall_code=OWN)
    booked = world.things["GET", "/api/v1/appointments/<uuid:appointment_id>"].path
    cancel = "/api/v1/device/bookings/<uuid:appointment_id>/cancel"
    world.things["POST", cancel] = Thing(booked, card, at_kiosk)


def relatives(world: World) -> None:
    """A relative to confirm, and an organisation with an agent."""
    session = world.session
    relative, header = citizen(session, 2, NUMBERS[1])
    asked = Who("relative", "citizen", OWN, header, 2)
    link = family.add(session, agent_id=world.person, name="张测试", id_number=NUMBERS[1], relation="sibling")
    body = organisations.register(session, person_id=world.person, name="测试公司", credit_code="91350299MA0000015P")
    helper = f"138{uuid4().int % 10**8:08d}"
    agent = identity.log_in(session, provider="phone", subject=helper, current=None, phone=helper)
    organisations.add_agent(session, manager_id=world.person, organisation_id=body.id, phone=helper, role="agent")
    session.commit()
    world.of_citizen("DELETE", "me/family/<uuid:link_id>", {}, link_id=link.id)
    for answer in ("accept", "decline"):
        rule = f"/api/v1/me/family/<uuid:link_id>/{answer}"
        world.things["POST", rule] = Thing({"link_id": link.id}, {}, asked)
    agents = "organisations/<uuid:organisation_id>/agents"
    world.of_citizen("POST", agents, {"phone": helper, "role": "manager"}, organisation_id=body.id)
    world.of_citizen("DELETE", f"{agents}/<uuid:person_id>", {}, organisation_id=body.id, person_id=agent)

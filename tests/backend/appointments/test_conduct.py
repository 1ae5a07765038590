"""守约: what counts, what pauses online booking, what never does, and how a mark is cleared."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.appointments import conduct_service, doctor, jobs
from backend.appointments.conduct import Kind, standing, was_scanning
from backend.appointments.conduct_models import ConductMark, ScannerBeat
from backend.appointments.conduct_states import MARK, MarkEvent, MarkState
from backend.appointments.models import Appointment
from backend.appointments.states import State
from backend.core import states
from backend.core.errors import InvalidTransition
from notify.models import Notification
from tests.backend.appointments.test_booking import book
from tests.conftest import Clock

N, C = Kind.NO_SHOW, Kind.LATE_CANCEL
NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("history", "halves", "pause"),
    [
        ([], 0, None),
        ([(1, N)], 2, None),
        ([(0, N)], 2, None),
        ([(29, N)], 2, None),
        ([(30, N)], 0, None),
        ([(31, N)], 0, None),
        ([(1, C)], 1, None),
        ([(1, C), (2, C)], 2, None),
        ([(1, C), (2, C), (3, C)], 3, None),
        ([(1, C), (2, C), (3, C), (4, C)], 4, 29),
        ([(1, N), (2, C)], 3, None),
        ([(1, N), (2, C), (3, C)], 4, 29),
        ([(1, N), (2, N)], 4, 29),
        ([(2, N), (1, N)], 4, 29),
        ([(1, N), (29, N)], 4, 29),
        ([(1, N), (30, N)], 2, 29),
        ([(1, N), (31, N)], 2, None),
        ([(1, N), (32, N)], 2, None),
        ([(10, N), (12, N)], 4, 20),
        ([(29, N), (29, N)], 4, 1),
        ([(30, N), (30, N)], 0, None),
        ([(30, N), (31, N)], 0, None),
        ([(31, N), (40, N)], 0, None),
        ([(1, N), (2, N), (3, N)], 6, 89),
        ([(1, N), (2, N), (3, C)], 5, 29),
        ([(1, N), (2, N), (3, C), (4, C)], 6, 89),
        ([(1, N), (2, N), (28, N)], 6, 89),
        ([(1, N), (2, N), (31, N)], 4, 29),
        ([(40, N), (41, N), (42, N)], 0, 50),
        ([(89, N), (90, N), (91, N)], 0, 1),
        ([(90, N), (91, N), (92, N)], 0, None),
        ([(100, N), (101, N)], 0, None),
        ([(20, N), (45, N)], 2, 10),
        ([(20, N), (45, N), (49, N)], 2, 70),
        ([(20, N), (45, N), (70, N)], 2, 10),
        ([(5, C), (34, N), (34, C)], 1, 25),
        ([(5, C), (35, N), (35, C)], 1, None),
        ([(1, N), (1, N), (1, N), (1, N)], 8, 89),
        ([(15, C), (16, C), (17, C), (18, C), (19, C), (20, C)], 6, 75),
        ([(2, N), (20, C), (31, N)], 3, 28),
        ([(1, C), (2, N), (20, C), (31, N)], 4, 29),
    ],
)
def test_histories(history: list[tuple[int, Kind]], halves: int, pause: int | None) -> None:
    """Days ago and kind; what counts now, and for how many days online booking is still paused."""
    judged = standing([(NOW - timedelta(days=days), kind) for days, kind in history], NOW)
    assert judged.halves == halves
    assert judged.blocked_until == (None if pause is None else NOW + timedelta(days=pause))


@pytest.mark.parametrize(
    ("minutes", "scanning"),
    [([0, 15, 30, 45], True), ([0, 14, 16, 31, 46], True), ([], False), ([0, 31, 45], False), ([0, 15, 30], False)],
)
def test_a_silence_of_the_scanners_is_the_halls(minutes: list[int], scanning: bool) -> None:
    beats = [NOW + timedelta(minutes=minute) for minute in minutes]
    assert was_scanning(beats, NOW, NOW + timedelta(minutes=60)) is scanning


@pytest.mark.parametrize(("state", "event", "after"), states.matrix(MARK, MarkState, MarkEvent))
def test_every_step_of_a_mark(state: MarkState, event: MarkEvent, after: MarkState | None) -> None:
    if after is None:
        with pytest.raises(InvalidTransition):
            MARK.next(state, event)
    else:
        assert MARK.next(state, event) is after


def scan_all_day(session: Session, clock: Clock, hall: str = "XM") -> None:
    """The scan page stayed open on Wednesday."""
    session.add_all(
        ScannerBeat(hall_code=hall, at=datetime(2026, 11, 25, 0, 30, tzinfo=UTC) + timedelta(minutes=10 * n))
        for n in range(60)
    )
    session.commit()


@pytest.fixture
def missed(post, citizen, slots, session, clock):
    """A visit nobody came to while the hall was scanning: the person, their header and the appointment's id."""
    scan_all_day(session, clock)
    person, who = citizen()
    made = book(post, who, slots[3])
    clock.set(datetime.fromisoformat(made["slot"]["end"]) + timedelta(minutes=30))
    jobs.mark_missed()
    return person, who, UUID(made["id"])


def state_of(session: Session, appointment: UUID) -> State:
    session.expire_all()
    return session.get_one(Appointment, appointment).state


def test_a_missed_visit_is_marked_once_and_told(client, missed, session) -> None:
    person, who, appointment = missed
    jobs.mark_missed()
    assert state_of(session, appointment) is State.NO_SHOW
    told = session.scalars(
        select(Notification.template).where(Notification.person_id == person, Notification.link == "/me/conduct")
    ).all()
    assert told == ["appointment_no_show"]
    mine = client.get("/api/v1/me/conduct", headers=who).json
    assert (mine["points"], mine["blocked_until"]) == (1.0, None)
    mark = mine["marks"][0]
    assert (mark["kind"], mark["counts"], mark["can_appeal"]) == ("no_show", True, True)
    assert mark["appointment"]["items"][0]["slug"] == "passport-first"
    assert doctor.invariants(session) == []


def test_nothing_is_marked_before_half_an_hour_has_passed(post, citizen, slots, session, clock) -> None:
    scan_all_day(session, clock)
    _, who = citizen()
    made = book(post, who, slots[3])
    clock.set(datetime.fromisoformat(made["slot"]["end"]) + timedelta(minutes=29))
    jobs.mark_missed()
    assert state_of(session, UUID(made["id"])) is State.BOOKED


def test_a_hall_that_did_not_scan_marks_nobody(client, post, citizen, slots, session, clock) -> None:
    scan_all_day(session, clock, hall="SM")
    people = [citizen() for _ in range(5)]
    visits = [book(post, who, slots[n]) for n, (_, who) in enumerate(people)]
    clock.set(datetime(2026, 11, 25, 15, 0, tzinfo=UTC))
    jobs.mark_missed()
    assert {state_of(session, UUID(visit["id"])) for visit in visits} == {State.EXCUSED}
    assert session.scalar(select(func.count()).select_from(ConductMark)) == 0
    assert client.get("/api/v1/me/conduct", headers=people[0][1]).json["marks"] == []
    assert doctor.invariants(session) == []


def miss(session: Session, person: UUID, appointment: UUID, *, days_ago: int, clock: Clock) -> None:
    """Another miss of the same person, written as the job writes it."""
    twin = session.get_one(Appointment, appointment)
    values = {column.name: getattr(twin, column.name) for column in Appointment.__table__.columns}
    from backend.core.db import new_id

    other = Appointment(**{**values, "id": new_id(), "code": None, "start": clock.now - timedelta(days=days_ago)})
    session.add(other)
    session.flush()
    conduct_service._mark(session, other, Kind.NO_SHOW, other.start)
    session.commit()


def test_two_misses_pause_online_booking_and_say_so(client, post, missed, slots, session, clock) -> None:
    person, who, appointment = missed
    allowed = post("/holds", who, {"slot_id": str(slots[-1]), "items": ["passport-first"]})
    assert allowed.status_code == 201
    client.delete(f"/api/v1/holds/{allowed.json['id']}", headers=who)
    miss(session, person, appointment, days_ago=3, clock=clock)
    refused = post("/holds", who, {"slot_id": str(slots[-1]), "items": ["passport-first"]})
    assert (refused.status_code, refused.json["code"]) == (403, "online_booking_blocked")
    mine = client.get("/api/v1/me/conduct", headers=who).json
    assert datetime.fromisoformat(mine["blocked_until"]) == datetime.fromisoformat(refused.json["until"])
    assert mine["points"] == 2.0
    paused = session.scalars(select(Notification).where(Notification.template == "booking_paused")).one()
    assert paused.person_id == person
    clock.set(datetime.fromisoformat(mine["blocked_until"]) - timedelta(seconds=1))
    assert conduct_service.standing(session, person).blocked_until is not None
    clock.advance(seconds=1)
    conduct_service.refuse_blocked(session, person)


def test_cancelling_after_the_cut_off_is_half_a_point(client, post, citizen, slots, session, clock) -> None:
    _, who = citizen()
    made = book(post, who, slots[3])
    clock.set(datetime.fromisoformat(made["cancel_until"]) + timedelta(minutes=1))
    assert post(f"/appointments/{made['id']}/cancel", who, {}).json["state"] == "cancelled_late"
    mine = client.get("/api/v1/me/conduct", headers=who).json
    assert (mine["points"], mine["marks"][0]["kind"]) == (0.5, "late_cancel")
    early = book(post, citizen()[1], slots[-1])
    assert post(f"/appointments/{early['id']}/cancel", who, {}).status_code == 404
    assert doctor.invariants(session) == []


@pytest.fixture
def lead(session: Session, clock: Clock):
    from tests.backend.staff import header

    return lambda hall="XM", role="hall_lead": header(session, hall, role)


def test_an_accepted_appeal_clears_the_mark(client, post, missed, lead, session) -> None:
    person, who, appointment = missed
    mark = client.get("/api/v1/me/conduct", headers=who).json["marks"][0]
    short = post(f"/me/conduct/{mark['id']}/appeal", who, {"reason": "短"})
    assert (short.status_code, short.json["code"]) == (422, "invalid_input")
    asked = post(f"/me/conduct/{mark['id']}/appeal", who, {"reason": "那天我到了，机器没有扫上"})
    assert asked.status_code == 201
    assert (asked.json["appeal"]["state"], asked.json["counts"]) == ("open", True)
    again = post(f"/me/conduct/{mark['id']}/appeal", who, {"reason": "再说一次我到了"})
    assert (again.status_code, again.json["code"]) == (409, "cannot_appeal")

    staff = lead()
    waiting = client.get("/api/v1/staff/appeals", headers=staff).json["appeals"]
    assert [row["id"] for row in waiting] == [mark["id"]]
    path = f"/staff/appeals/{mark['id']}/decision"
    foreign = post(path, lead("SM"), {"decision": "accept", "answer": "同意"})
    assert foreign.status_code == 404
    assert post(path, lead(role="gate"), {"decision": "accept", "answer": "同意"}).status_code == 403
    decided = post(path, staff, {"decision": "accept", "answer": "查了记录，你说得对"})
    assert (decided.status_code, decided.json["cleared"]) == (200, "appeal")
    assert post(path, staff, {"decision": "reject", "answer": "改主意了"}).json["code"] == "invalid_transition"
    assert state_of(session, appointment) is State.EXCUSED
    assert client.get("/api/v1/me/conduct", headers=who).json["points"] == 0
    assert client.get("/api/v1/staff/appeals", headers=staff).json["appeals"] == []
    assert len(client.get("/api/v1/staff/appeals?state=decided", headers=staff).json["appeals"]) == 1
    told = session.scalars(select(Notification.template).where(Notification.person_id == person)).all()
    assert "appeal_accepted" in told
    assert doctor.invariants(session) == []


def test_a_rejected_appeal_still_counts(client, post, missed, lead, session) -> None:
    _, who, appointment = missed
    mark = client.get("/api/v1/me/conduct", headers=who).json["marks"][0]
    post(f"/me/conduct/{mark['id']}/appeal", who, {"reason": "我忘了，对不起"})
    decided = post(f"/staff/appeals/{mark['id']}/decision", lead(), {"decision": "reject", "answer": "没有到厅记录"})
    assert (decided.json["counts"], decided.json["appeal"]["state"]) == (True, "rejected")
    assert state_of(session, appointment) is State.NO_SHOW
    assert doctor.invariants(session) == []


def test_anothers_mark_cannot_be_appealed(client, post, missed, citizen) -> None:
    _, who, _ = missed
    mark = client.get("/api/v1/me/conduct", headers=who).json["marks"][0]
    _, other = citizen()
    assert post(f"/me/conduct/{mark['id']}/appeal", other, {"reason": "这不是我的"}).status_code == 404
    assert client.get("/api/v1/me/conduct").status_code == 401


def test_coming_late_the_same_day_clears_the_mark_and_undo_brings_it_back(client, post, missed, lead, session) -> None:
    _, who, appointment = missed
    code = session.get_one(Appointment, appointment).code
    gate = lead(role="gate")
    let_in = post("/staff/check-ins", gate, {"code": code, "identity_checked": True}).json
    assert let_in["verdict"] == "late"
    mine = client.get("/api/v1/me/conduct", headers=who).json
    assert (mine["points"], mine["marks"][0]["cleared"]) == (0, "came_late")
    assert doctor.invariants(session) == []
    assert post(f"/staff/check-ins/{let_in['check_in_id']}/undo", gate, {}).status_code == 200
    assert state_of(session, appointment) is State.NO_SHOW
    assert client.get("/api/v1/me/conduct", headers=who).json["points"] == 1.0
    assert doctor.invariants(session) == []


def test_closing_the_hall_forgives_what_was_missed_that_half_day(client, post, missed, lead, session) -> None:
    _, who, appointment = missed

    def close(part: str) -> None:
        body = {"day": "2026-11-25", "part": part, "open": False, "reason": "停电"}
        assert post("/staff/day-overrides", lead(), body).status_code == 201

    close("afternoon")
    assert client.get("/api/v1/me/conduct", headers=who).json["points"] == 1.0
    close("morning")
    assert state_of(session, appointment) is State.EXCUSED
    mine = client.get("/api/v1/me/conduct", headers=who).json
    assert (mine["points"], mine["marks"][0]["cleared"]) == (0, "hall")
    assert doctor.invariants(session) == []


def test_open_scan_pages_prove_that_the_hall_scans(client, post, lead, session, clock) -> None:
    for _ in range(2):
        assert post("/staff/scanner-beats", lead(role="gate"), {}).status_code == 204
    assert session.scalar(select(func.count()).select_from(ScannerBeat)) == 1
    assert post("/staff/scanner-beats", lead(role="auditor"), {}).status_code == 403
    clock.advance(days=61)
    jobs.forget_beats()
    assert session.scalar(select(func.count()).select_from(ScannerBeat)) == 0

"""注销: what goes, what stays and only that, what stands against it, and what races with it."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend import worker
from backend.appointments import jobs as appointment_jobs
from backend.appointments.models import Appointment, SlotQuota
from backend.appointments.states import State
from backend.core import retention
from backend.core.errors import ServiceError
from backend.files import jobs as file_jobs
from backend.files import storage
from backend.identity.models import LoginSession, Person, PersonLogin
from backend.privacy import doctor, erasures, holds, jobs
from backend.privacy.models import Erasure
from backend.privacy.parts import PARTS
from tests.backend.applications.people import QUERY
from tests.backend.privacy.life import CONTENT, MESSAGE, Life, Sealed, found
from tests.conftest import Clock

UNDERSTOOD = {"understood": True}
STAYS = {table for one in retention.CLASSES if one.stays for table in one.tables}


def close(life: Life) -> None:
    """Asked for, waited for, carried out; the contents leave the folder with the sweep."""
    asked = life.me.post("/me/erasure", UNDERSTOOD)
    assert asked.status_code == 202, asked.text
    life.clock.advance(days=7, minutes=1)
    jobs.erase_due()
    life.clock.advance(minutes=6)
    jobs.erase_due()
    file_jobs.sweep()
    worker.forget_old_keys()
    life.session.expire_all()


def stored(folder: Path) -> int:
    """Files in the folder whose content is the canary's."""
    keys = [path.name for path in folder.glob("??/*")]
    return sum(CONTENT.encode() in b"".join(storage.current().get(key)) for key in keys)


def test_nothing_of_a_person_without_records_is_left(
    session: Session, life: Life, sealed: Sealed, folder: Path, clock: Clock
) -> None:
    life.everything()
    before = found(session, sealed, life.marks)
    assert set().union(*before.values()) >= set(life.marks) - {MESSAGE, CONTENT}, "a mark was lost"
    assert len(before) >= 15, sorted(before)
    assert stored(folder) == 2
    close(life)
    left = found(session, sealed, life.marks)
    assert left == {}
    assert stored(folder) == 0
    person = session.get_one(Person, life.id)
    assert person.erased_at is not None
    assert (person.name, person.id_number, person.phone, person.born) == (None, None, None, None)
    assert not session.scalars(select(PersonLogin).where(PersonLogin.person_id == life.id)).all()
    assert not session.scalars(select(LoginSession).where(LoginSession.person_id == life.id)).all()
    assert life.me.get("/me").status_code == 401
    assert set(session.scalars(select(Appointment.state).where(Appointment.person_id == life.id))) <= {
        State.CANCELLED,
        State.CANCELLED_LATE,
        State.NO_SHOW,
    }
    assert doctor.invariants(session) == []


def test_records_stay_until_their_class_is_over_and_nothing_else(
    session: Session, life: Life, sealed: Sealed, folder: Path, clock: Clock
) -> None:
    life.everything()
    life.handed_over()
    life.records()
    close(life)
    left = found(session, sealed, life.marks)
    names = {"person", "application", "application_version"}
    assert set(left) <= STAYS | names | {"service_case_event"}, left
    assert left["person"] <= {"钱金丝雀", life.number}, "a case needs the name, nothing needs the phone"
    assert {"bill", "application", "case_message", "file", "licence_fetch", "window_handover"} <= set(left)
    assert stored(folder) == 1
    clock.advance(days=1826 - 8 + 1)
    jobs.purge()
    assert "bill" not in found(session, sealed, life.marks)
    assert "window_handover" not in found(session, sealed, life.marks)
    clock.advance(days=3653 - 1826)
    jobs.purge()
    file_jobs.sweep()
    session.expire_all()
    assert found(session, sealed, life.marks) == {}
    assert stored(folder) == 0


def test_a_coming_visit_is_cancelled_and_its_place_is_free_again(session: Session, life: Life) -> None:
    visit = life.visit(day=date(2026, 12, 1), place=12)
    slot = life.slot(12, date(2026, 12, 1))
    booked = select(SlotQuota.booked).where(SlotQuota.slot_id == slot, SlotQuota.channel == "online")
    assert session.scalar(booked) == 1
    close(life)
    assert session.get_one(Appointment, UUID(visit)).state in (State.CANCELLED, State.CANCELLED_LATE)
    life.clock.advance(hours=1)
    appointment_jobs.return_places()
    assert session.scalar(booked) == 0


def test_money_facts_stay_without_a_name(session: Session, life: Life, sealed: Sealed) -> None:
    bill = life.paid()
    close(life)
    life.clock.advance(days=1827)
    jobs.purge()
    row = session.execute(text("SELECT total_fen, paid_via, pay_code FROM bill WHERE id = :id"), {"id": bill.id}).one()
    assert row == (12_000, "wechat_pay", bill.pay_code)
    assert session.scalar(text("SELECT count(*) FROM journal WHERE bill_id = :id"), {"id": bill.id})
    assert found(session, sealed, life.marks) == {}


def test_what_is_under_way_stands_against_it_with_a_link(life: Life) -> None:
    case, bill = life.me.file(QUERY), life.owed()
    refused = life.me.post("/me/erasure", UNDERSTOOD)
    assert refused.status_code == 409
    assert refused.json["code"] == "things_under_way"
    shown = life.me.get("/me/data").json["blockers"]
    assert {one["link"] for one in shown} == {f"/cases/{case['id']}", f"/bills/{bill.id}"}
    assert all(one["words"] for one in shown)
    assert life.me.get("/me/data", en=True).json["blockers"][0]["words"].startswith("Case")
    assert life.me.post("/me/erasure", {"understood": False}).status_code == 422


def test_it_can_be_undone_until_the_wait_is_over(session: Session, life: Life, sealed: Sealed) -> None:
    visit = life.visit()
    first = life.me.post("/me/erasure", UNDERSTOOD).json
    assert life.me.post("/me/erasure", UNDERSTOOD).json == first
    assert session.scalars(select(Erasure)).all()
    assert life.me.get(f"/appointments/{visit}").json["state"] == "booked"
    life.clock.advance(days=6, hours=23)
    jobs.erase_due()
    assert life.me.get("/me/data").json["erasure"]["state"] == "waiting"
    assert life.me.send("DELETE", "/me/erasure").status_code == 204
    assert life.me.send("DELETE", "/me/erasure").status_code == 409
    life.clock.advance(days=2)
    jobs.erase_due()
    assert life.me.get("/me/data").json["erasure"] is None
    assert session.get_one(Person, life.id, populate_existing=True).erased_at is None


def test_what_began_during_the_wait_delays_it_and_is_named(session: Session, life: Life) -> None:
    assert life.me.post("/me/erasure", UNDERSTOOD).status_code == 202
    case = life.me.file(QUERY)
    life.clock.advance(days=7, minutes=1)
    jobs.erase_due()
    assert life.me.get("/me/data").json["erasure"]["waits_for"] == "case"
    assert life.me.post(f"/cases/{case['id']}/withdraw").status_code < 300
    life.clock.advance(hours=1, minutes=1)
    jobs.erase_due()
    life.clock.advance(minutes=6)
    jobs.erase_due()
    assert session.get_one(Person, life.id, populate_existing=True).erased_at is not None


def test_a_hold_refuses_it_and_stops_one_that_waits(session: Session, life: Life) -> None:
    assert life.me.post("/me/erasure", UNDERSTOOD).status_code == 202
    held = holds.place(session, subject_type="person", number=life.number, reason="法院调查令一号", staff_id=life.id)
    session.commit()
    life.clock.advance(days=8)
    jobs.erase_due()
    assert life.me.get("/me/data").json["erasure"]["waits_for"] == "hold"
    assert life.me.send("DELETE", "/me/erasure").status_code == 204
    refused = life.me.post("/me/erasure", UNDERSTOOD)
    assert (refused.status_code, refused.json["code"]) == (409, "account_held")
    assert held.state == "active"


def test_the_same_person_may_come_again_as_somebody_new(session: Session, life: Life) -> None:
    life.records()
    close(life)
    again = life._account()
    assert again != life.id
    assert session.get_one(Person, life.id).id_number_index is None


def test_a_worker_killed_in_the_middle_leaves_it_to_the_next(
    session: Session, life: Life, sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    life.everything()
    assert life.me.post("/me/erasure", UNDERSTOOD).status_code == 202
    life.clock.advance(days=7, minutes=1)

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    real = PARTS
    for place in (0, 4, len(real) - 1):
        broken = tuple(replace(one, erases=dies) if n == place else one for n, one in enumerate(real))
        monkeypatch.setattr(erasures, "PARTS", broken)
        jobs.erase_due() if place == 0 else None
        life.clock.advance(minutes=6)
        with pytest.raises(KeyboardInterrupt):
            jobs.erase_due()
        session.expire_all()
        assert session.get_one(Person, life.id).erased_at is None, "all of it or nothing"
    monkeypatch.setattr(erasures, "PARTS", real)
    jobs.erase_due()
    file_jobs.sweep()
    session.expire_all()
    assert found(session, sealed, life.marks) == {}


def test_one_that_fails_stops_no_other(session: Session, life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    assert life.me.post("/me/erasure", UNDERSTOOD).status_code == 202
    life.clock.advance(days=8)

    def fails(*_: Any) -> None:
        raise ServiceError()

    monkeypatch.setattr(erasures, "close", fails)
    jobs.erase_due()
    assert session.scalars(select(Erasure.state)).one() == "waiting"

"""Staff change their own password: what is refused, who is signed out, what is written down."""

import secrets
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend.core.audit import AuditEvent
from backend.identity import passwords, sessions, staff
from backend.identity.models import LoginSession, Staff
from tests.conftest import Clock

OLD, NEW = "a-long-enough-password", "茶杯-云梯-tram-7-lantern"  # noqa: S105 - made up here
Header = dict[str, str]


@pytest.fixture
def clerk(session: Session, clock: Clock) -> list[Header]:
    """Two sessions of one clerk."""
    staff.create_staff(session, username="gate.xm", display_name="入口", password=OLD, roles=[("gate", "XM")])
    staff_id = session.scalars(select(Staff.id)).one()
    tokens = [sessions.start(session, staff_id=staff_id).token for _ in range(2)]
    session.commit()
    return [{"Authorization": f"Bearer {token}"} for token in tokens]


def change(client: FlaskClient, who: Header, current: str = OLD, new: str = NEW):
    return client.put("/api/v1/staff/password", json={"current": current, "new": new}, headers=who)


def fits(session: Session, password: str) -> bool:
    session.expire_all()
    return staff.password_fits(staff.look_up(session, "gate.xm", "203.0.113.7"), password)


def test_the_new_password_counts_and_the_other_devices_are_out(
    client: FlaskClient, session: Session, clerk: list[Header]
) -> None:
    assert change(client, clerk[0]).status_code == 204
    assert fits(session, NEW)
    assert not fits(session, OLD)
    assert client.get("/api/v1/staff/halls", headers=clerk[0]).status_code == 200
    assert client.get("/api/v1/staff/halls", headers=clerk[1]).status_code == 401
    row = session.scalars(select(AuditEvent).where(AuditEvent.action == "staff.password_changed")).one()
    assert (row.hall_code, row.data) == ("XM", {"sessions_ended": 1})
    assert NEW not in str(vars(row))


def test_a_wrong_current_password_changes_nothing_and_counts(
    client: FlaskClient, session: Session, clerk: list[Header]
) -> None:
    for _ in range(5):
        answer = change(client, clerk[0], current="not-my-password-at-all")
        assert (answer.status_code, answer.json["code"]) == (422, "current_password_wrong")
    assert change(client, clerk[0]).status_code == 429
    session.expire_all()
    assert session.scalars(select(Staff.failures)).one() == 5
    assert fits(session, OLD)
    assert session.scalar(select(func.count()).select_from(LoginSession)) == 2


@pytest.mark.parametrize(
    "easy",
    [
        "passwordpassword1234",
        "Password2026!!!",
        "1234567890123456",
        "aaaaaaaaaaaaaaaaaaaa",
        "qwertyuiopasdfghjkl",
        "abcabcabcabcabcabc",
        "xiamenzhengwu2026",
        "gate.xm-gate.xm-gate.xm",
        "abcdefghijklmnopqrst",
        OLD,
    ],
)
def test_what_a_guesser_tries_is_refused(client: FlaskClient, session: Session, clerk: list[Header], easy: str) -> None:
    answer = change(client, clerk[0], new=easy)
    assert (answer.status_code, answer.json["code"]) == (422, "password_easy")
    assert fits(session, OLD)


def test_short_ones_are_refused_and_drawn_ones_never(client: FlaskClient, clerk: list[Header]) -> None:
    assert change(client, clerk[0], new="x7-k2-p9-w4-m1").status_code == 422
    for _ in range(2000):
        drawn = "-".join("".join(secrets.choice(staff.LETTERS) for _ in range(4)) for _ in range(5))
        passwords.refuse_easy(drawn, "gate.xm", OLD)


def test_a_reset_by_the_lead_at_the_same_moment_wins(session: Session, clerk: list[Header]) -> None:
    staff_id = session.scalars(select(Staff.id)).one()
    _, attempt = passwords.own(session, staff_id)
    session.execute(update(Staff).values(password_hash="another"))
    with pytest.raises(passwords.WrongPassword):
        passwords.change(session, attempt, staff.hashed(NEW), staying=uuid4(), hall_code="XM")

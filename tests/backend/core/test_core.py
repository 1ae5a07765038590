"""The core's own promises: sealing, states, idempotency, limits, calendar, audit chain, transactions."""

from datetime import date, timedelta
from enum import StrEnum
from uuid import uuid4

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from backend.core import audit, calendar, clock, crypto, db, http, idempotency, limits, pagination
from backend.core.calendar import CalendarDay, CalendarNotLoaded, CalendarYear
from backend.core.config import OFFICES, ConfigError, Settings
from backend.core.errors import InvalidInput, InvalidTransition, TooManyRequests
from backend.core.logs import redact
from backend.core.states import StateTable, matrix
from tests.conftest import Clock, make_settings


def test_a_sealed_value_opens_only_in_its_own_place(settings: Settings) -> None:
    row = uuid4()
    sealed = crypto.seal("张测试", table="person", column="name", row=row)
    assert crypto.unseal(sealed, table="person", column="name", row=row) == "张测试"
    assert "张测试".encode() not in sealed
    with pytest.raises(crypto.SealBroken):
        crypto.unseal(sealed, table="person", column="name", row=uuid4())
    with pytest.raises(crypto.SealBroken):
        crypto.unseal(sealed, table="person", column="phone", row=row)
    flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
    with pytest.raises(crypto.SealBroken):
        crypto.unseal(flipped, table="person", column="name", row=row)


def test_old_keys_still_open_after_rotation(settings: Settings) -> None:
    old = crypto.Keyring.from_settings(settings)
    sealed = crypto.seal("x", table="t", column="c", row="1")
    crypto.configure(crypto.Keyring({2: bytes(range(32)), **old.fields}, old.index))
    try:
        assert crypto.seal("x", table="t", column="c", row="1")[1] == 2
        assert crypto.unseal(sealed, table="t", column="c", row="1") == "x"
    finally:
        crypto.configure(old)


def test_blind_indexes_differ_by_field_and_key(settings: Settings) -> None:
    assert crypto.blind_index("1", field="a") == crypto.blind_index("1", field="a")
    assert crypto.blind_index("1", field="a") != crypto.blind_index("1", field="b")


class Light(StrEnum):
    RED = "red"
    GREEN = "green"


class Press(StrEnum):
    GO = "go"
    STOP = "stop"


LIGHTS = StateTable("light", {(Light.RED, Press.GO): Light.GREEN}, frozenset({(Light.RED, Press.STOP)}))


def test_the_matrix_is_the_table_and_nothing_else() -> None:
    assert matrix(LIGHTS, Light, Press) == [
        (Light.RED, Press.GO, Light.GREEN),
        (Light.RED, Press.STOP, Light.RED),
        (Light.GREEN, Press.GO, None),
        (Light.GREEN, Press.STOP, None),
    ]
    with pytest.raises(InvalidTransition):
        LIGHTS.next(Light.GREEN, Press.GO)


def test_a_repeated_request_gets_the_first_answer(session: Session) -> None:
    owner, ran = uuid4(), []

    def effect() -> dict[str, int]:
        ran.append(1)
        return {"n": len(ran)}

    call = {"owner_id": owner, "route": "r", "key": "k", "status": 201, "effect": effect}
    assert idempotency.once(session, body={"a": 1}, **call) == ({"n": 1}, False)
    assert idempotency.once(session, body={"a": 1}, **call) == ({"n": 1}, True)
    with pytest.raises(idempotency.KeyReused):
        idempotency.once(session, body={"a": 2}, **call)
    with pytest.raises(idempotency.KeyMissing):
        idempotency.once(session, body={}, **{**call, "key": None})
    assert ran == [1]


def test_a_bucket_refuses_the_request_after_its_last_token(session: Session, clock: Clock) -> None:
    def seconds_to_wait() -> int:
        with pytest.raises(TooManyRequests) as refused:
            limits.spend("k", capacity=3, per_seconds=30)
        return int(refused.value.headers["Retry-After"])

    for _ in range(3):
        limits.spend("k", capacity=3, per_seconds=30)
    assert seconds_to_wait() == 20
    clock.advance(seconds=19)
    assert seconds_to_wait() == 11
    clock.advance(seconds=11)
    limits.spend("k", capacity=3, per_seconds=30)


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        (date(2018, 9, 27), 5, date(2018, 10, 9)),
        (date(2018, 9, 29), 20, date(2018, 11, 1)),
    ],
)
def test_working_days_follow_the_state_council(session: Session, start: date, count: int, end: date) -> None:
    holidays = [date(2018, 9, 24), *(date(2018, 10, n) for n in range(1, 6))]
    session.execute(insert(CalendarYear).values(year=2018, source="test"))
    session.execute(
        insert(CalendarDay),
        [{"day": day, "workday": False} for day in holidays]
        + [{"day": day, "workday": True} for day in (date(2018, 9, 29), date(2018, 9, 30))],
    )
    assert calendar.add_workdays(session, start, count) == end


def test_a_year_without_a_notice_is_refused(session: Session) -> None:
    with pytest.raises(CalendarNotLoaded):
        calendar.is_workday(session, date(2035, 1, 3))


def test_the_audit_trail_cannot_be_changed(session: Session) -> None:
    audit.record(session, actor="system", action="test", object_type="thing", object_id=1)
    session.commit()
    assert audit.seal(session) >= 1
    assert audit.broken_links(session) == []
    with pytest.raises(ProgrammingError, match="append-only"):
        session.execute(text("UPDATE audit_event SET reason = 'x'"))


def test_a_changed_audit_row_is_found(session: Session) -> None:
    for number in range(3):
        audit.record(session, actor="system", action="test", object_type="thing", object_id=number)
    session.commit()
    audit.seal(session)
    session.execute(text("ALTER TABLE audit_event DISABLE TRIGGER append_only"))
    changed = session.scalar(text("UPDATE audit_event SET reason = 'x' WHERE object_id = '1' RETURNING id"))
    assert audit.broken_links(session)[0] == changed


def test_sending_inside_a_transaction_raises(isolated: None) -> None:
    with db.transaction(), pytest.raises(http.TransactionOpen):
        http.call(http.provider_session("http://127.0.0.1:9"), "nobody", "GET", "http://127.0.0.1:9/")


def test_transactions_do_not_nest(isolated: None) -> None:
    with db.transaction(), pytest.raises(RuntimeError), db.transaction():
        pass


def test_cursors_survive_a_round_trip_and_nothing_else() -> None:
    assert pagination.decode(pagination.encode("a", 1), 2) == ["a", "1"]
    for bad in ("", "%%", "bnVsbA", pagination.encode("a")):
        with pytest.raises(InvalidInput):
            pagination.decode(bad, 2)


def test_logs_hide_ids_phones_and_secrets() -> None:
    hidden = redact("id 350299199001010010 phone 13900000001 /x?access_token=abc&y=1")
    assert hidden == "id [id] phone [phone] /x?access_token=[hidden]&y=1"


def test_a_demonstration_can_play_another_hour() -> None:
    before = clock.now()
    try:
        clock.shift(3600)
        assert timedelta(hours=1) <= clock.now() - before < timedelta(hours=1, minutes=1)
    finally:
        clock.shift(0)
    assert clock.now() - before < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("secret_key", "short"),
        ("field_keys", "1:abc"),
        ("public_url", "ftp://x"),
        ("app_env", "staging"),
        ("wechat_templates", "[1"),
        ("payment_routes", "[]"),
        ("payment_routes", '{"*": "alipay"}'),
        ("pay_code_pattern", "("),
        ("ems_authorization", ""),
        ("ems_sign_key", ""),
        ("ems_sign_key", "not base64"),
        ("ems_sign_key", "AAECAwQFBgcICQoLDA0ODxA="),
        ("ems_product_code", "123"),
    ],
)
def test_wrong_settings_are_named(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name.upper()):
        make_settings("postgresql://x/x", **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("public_url", "http://zw.example.cn"),
        ("sandbox_url", "http://127.0.0.1:8001"),
        ("clock_offset_s", -1),
        ("wechat_api_base", "http://127.0.0.1:8001"),
        ("wechat_mini_appid", "sandbox-mini"),
        ("finance_base", "http://127.0.0.1:8001/finance"),
        ("finance_app", "sandbox-finance"),
        ("licence_app", "sandbox-licence"),
        ("credit_app", "sandbox-credit"),
        ("ems_sender_no", "sandbox-ems"),
        ("ems_base", "https://127.0.0.1:8001/amp-prod-api/f/amp/api/open"),
        ("ems_base", "http://api.ems.com.cn/amp-prod-api/f/amp/api/open"),
        ("ems_base", "https://api.ems.com.cn/amp-prod-api/f/amp/api/test"),
        ("secret_key", "a-demo-secret-of-at-least-32-characters"),
    ],
)
def test_production_refuses_the_sandbox(name: str, value: object) -> None:
    good: dict[str, object] = {
        "app_env": "production",
        "public_url": "https://zw.example.cn",
        "wechat_mini_appid": "wx1",
        "wechat_official_appid": "wx2",
        "ixiamen_client_id": "ix",
        "sms_base": "https://sms.example.cn",
        **{f"{office}_app": "zw" for office in OFFICES},
        "ems_sender_no": "1100000000000",
    }
    make_settings("postgresql://x/x", **good)
    with pytest.raises(ConfigError, match=name.upper()):
        make_settings("postgresql://x/x", **{**good, name: value})

"""The account's server: who follows, scans, presses and writes gets the right answer, once."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text, update
from sqlalchemy.orm import Session
from wechatpy.crypto import WeChatCrypto

from backend.appointments.models import Appointment
from backend.appointments.states import State as Visit
from backend.core.config import Settings
from backend.identity import service as identity
from backend.official import envelope
from backend.queueing import tickets
from backend.queueing.models import Ticket
from backend.queueing.states import State
from notify import service
from notify.models import Contact, Subscription
from tests.backend.queueing.hall_people import missed
from tests.conftest import Clock
from tests.timing import processor_s

TOKEN, KEY = "callback-token", "k" * 42 + "A"
OPENID = "o-follower"


@pytest.fixture(scope="session")
def settings(seeded_settings: Settings) -> Settings:
    return replace(
        seeded_settings,
        wechat_official_token=TOKEN,
        wechat_official_aes_keys=KEY,
        wechat_mini_token=TOKEN,
    )


@pytest.fixture(scope="session")
def app(settings: Settings) -> Flask:
    from backend.app import create_app

    return create_app(settings, connect=False)


@pytest.fixture
def person(session: Session, clock: Clock) -> UUID:
    found = identity.log_in(session, provider="wechat_official", subject=OPENID, current=None)
    session.commit()
    return found


Push = Callable[..., str]


@pytest.fixture
def push(client: FlaskClient, clock: Clock) -> Push:
    """Push as WeChat does, encrypted, and read the answer's words."""
    crypto = WeChatCrypto(TOKEN, KEY, "sandbox-official")

    def send(**fields: str) -> str:
        now = str(int(clock.now.timestamp()))
        base = {"ToUserName": "gh_1", "FromUserName": OPENID, "CreateTime": now}
        xml = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in {**base, **fields}.items())
        sealed = envelope.parsed(crypto.encrypt_message(f"<xml>{xml}</xml>", "n", now).encode())
        answer, took = processor_s(
            lambda: client.post(
                "/wechat/official",
                query_string={"timestamp": now, "nonce": "n", "msg_signature": sealed["MsgSignature"]},
                data=f"<xml><Encrypt>{sealed['Encrypt']}</Encrypt></xml>",
            )
        )
        assert took < 1, "WeChat waits five seconds; ours answers within one"
        assert answer.status_code == 200
        if answer.text == "success":
            return ""
        outer = envelope.parsed(answer.data)
        opened = crypto.decrypt_message(
            {"Encrypt": outer["Encrypt"]}, outer["MsgSignature"], outer["TimeStamp"], outer["Nonce"]
        )
        return str(envelope.parsed(opened.encode())["Content"])

    return send


def write(push: Push, words: str) -> str:
    return push(MsgType="text", Content=words, MsgId=str(secrets.randbits(60)))


def event(push: Push, name: str, **fields: str) -> str:
    return push(MsgType="event", Event=name, **fields)


def test_the_address_is_proved(client: FlaskClient, clock: Clock) -> None:
    now = str(int(clock.now.timestamp()))
    query = {"timestamp": now, "nonce": "n", "echostr": "echo-1", "signature": envelope.sign(TOKEN, now, "n")}
    answer = client.get("/wechat/official", query_string=query)
    assert (answer.status_code, answer.text) == (200, "echo-1")
    assert client.get("/wechat/official", query_string={**query, "signature": "x"}).status_code == 403
    clock.advance(minutes=10)
    assert client.get("/wechat/official", query_string=query).status_code == 403


def test_strangers_change_nothing(client: FlaskClient, session: Session) -> None:
    for body in (b"", b"<xml><MsgType>text</MsgType></xml>", b"x" * 70_000):
        assert client.post("/wechat/official", data=body).status_code == 403
    assert client.post("/wechat/nobody").status_code in {404, 405}
    assert session.execute(text("SELECT count(*) FROM official_callback")).scalar_one() == 0


def test_a_poster_opens_its_hall(push: Push) -> None:
    followed = event(push, "subscribe", EventKey="qrscene_hall:XM")
    assert "厦门市" in followed
    assert "/halls/XM" in followed
    assert "/halls/XM/take" in event(push, "SCAN", EventKey="hall:XM")
    assert "进度 号码" in event(push, "SCAN", EventKey="hall:nowhere")
    assert "进度 号码" in event(push, "subscribe")


def test_leaving_and_coming_back_decide_where_notices_go(push: Push, person: UUID, session: Session) -> None:
    service.set_contact(session, person_id=person, channel="wechat_official", address=OPENID, language="zh")
    session.commit()

    def closed() -> bool:
        session.expire_all()
        return session.get_one(Contact, (person, "wechat_official")).unreachable_since is not None

    assert event(push, "unsubscribe") == ""
    assert closed()
    event(push, "subscribe", EventKey="")
    assert not closed()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("预约", "/search"),
        ("排队", "/halls"),
        ("12345", "12345"),
        ("护照", "/items/passport-first"),
        ("huzhao", "/items/passport-first"),
        ("进度 12345678", "/auth/wechat"),
        ("??", "进度 号码"),
        ("<<<>>>", "进度 号码"),
        ("", "进度 号码"),
    ],
)
def test_words_are_answered_with_links(push: Push, words: str, found: str) -> None:
    answer = write(push, words)
    assert found in answer
    assert len(answer.encode()) < 2048


def test_pictures_and_menu_presses_are_answered(push: Push) -> None:
    assert "进度 号码" in push(MsgType="image", MsgId="9")
    assert "/halls" in event(push, "CLICK", EventKey="排队")


def test_a_repeated_push_gets_the_same_answer_and_has_one_effect(push: Push, session: Session) -> None:
    message = {"MsgType": "text", "Content": "排队", "MsgId": "71"}
    assert push(**message) == push(**message) != ""
    for _ in range(3):
        event(push, "TEMPLATESENDJOBFINISH", MsgID="5001", Status="failed:user block")
    event(push, "TEMPLATESENDJOBFINISH", MsgID="5002", Status="failed: system failed")
    event(push, "TEMPLATESENDJOBFINISH", MsgID="5003", Status="success")
    found = session.execute(text("SELECT provider_id, arrived, code FROM delivery_receipt ORDER BY provider_id"))
    assert [tuple(row) for row in found] == [
        ("5001", False, "user block"),
        ("5002", False, "system failed"),
        ("5003", True, None),
    ]
    assert session.execute(text("SELECT count(*) FROM official_callback")).scalar_one() == 4


def test_the_mini_program_s_events_are_kept(client: FlaskClient, clock: Clock, session: Session) -> None:
    person = identity.log_in(session, provider="wechat_mini", subject="o-mini", current=None)
    session.commit()
    now = str(int(clock.now.timestamp()))

    def send(body: str) -> None:
        query = {"timestamp": now, "nonce": "n", "signature": envelope.sign(TOKEN, now, "n")}
        assert client.post("/wechat/mini", query_string=query, data=body).text == "success"

    def item(template: str, status: str) -> str:
        return (
            f"<List><TemplateId>{template}</TemplateId><SubscribeStatusString>{status}</SubscribeStatusString></List>"
        )

    head = f"<FromUserName>o-mini</FromUserName><CreateTime>{now}</CreateTime><MsgType>event</MsgType>"
    send(
        f"<xml>{head}<Event>subscribe_msg_popup_event</Event><SubscribeMsgPopupEvent>"
        f"{item('a', 'accept')}{item('b', 'accept')}</SubscribeMsgPopupEvent></xml>"
    )
    send(
        f"<xml>{head}<Event>subscribe_msg_change_event</Event><SubscribeMsgChangeEvent>"
        f"{item('b', 'reject')}</SubscribeMsgChangeEvent></xml>"
    )
    assert session.get_one(Subscription, (person, "a")).left == 1
    assert session.get_one(Subscription, (person, "b")).left == 0
    send(
        '{"FromUserName": "o-mini", "CreateTime": 1, "MsgType": "event", "Event": "subscribe_msg_sent_event",'
        ' "List": {"TemplateId": "a", "MsgID": "88", "ErrorCode": "43101", "ErrorStatus": "refused"}}'
    )
    row = session.execute(text("SELECT channel, provider_id, arrived, code FROM delivery_receipt")).one()
    assert tuple(row) == ("wechat_subscribe", "88", False, "43101")


def somebody(session: Session) -> UUID:
    """Another citizen."""
    phone = f"139{uuid4().int % 10**8:08d}"
    return identity.log_in(session, provider="phone", subject=phone, current=None, phone=phone)


def queue_up(session: Session, person: UUID | None) -> Ticket:
    ticket = tickets.take(
        session,
        hall_code="XM",
        category_code="exit-entry",
        slugs=[],
        taker=tickets.Taker(person_id=person),
        source="desk",
        actor="x",
    )
    session.commit()
    return ticket


def test_progress_tells_of_one_s_own_number_and_of_nobody_else_s(
    push: Push, person: UUID, session: Session, clock: Clock
) -> None:
    before, mine, another = (queue_up(session, who) for who in (None, person, somebody(session)))
    answer = write(push, f"进度 {mine.number.lower()}")
    assert f"{mine.number} 号：在排队，前面 1 个人" in answer
    assert f"/tickets/{mine.link}" in answer
    assert "没有查到你的" in write(push, f"进度 {another.number}")
    assert "没有查到你的" in write(push, f"进度：{before.number}")
    session.execute(update(Ticket).where(Ticket.id == before.id).values(state=State.CANCELLED))
    session.commit()
    assert "前面 0 个人" in write(push, f"查进度{mine.number}")
    session.execute(update(Ticket).where(Ticket.id == mine.id).values(state=State.DONE))
    session.commit()
    assert f"{mine.number} 号：办完了。" in write(push, f"进度 {mine.number}")
    clock.advance(days=1)
    assert "没有查到你的" in write(push, f"进度 {mine.number}"), "tomorrow the number is another's"


def test_progress_tells_of_one_s_own_visit_and_of_one_booked_for_oneself(
    push: Push, person: UUID, session: Session, clock: Clock
) -> None:
    visit = missed(session, person, clock.now + timedelta(days=1)).appointment_id
    session.execute(update(Appointment).where(Appointment.id == visit).values(state=Visit.BOOKED, code="12345678"))
    session.commit()
    answer = write(push, "进度 1234 5678")
    assert "厦门市" in answer
    assert "约好了，还没到" in answer
    assert f"/appointments/{visit}" in answer
    booker = somebody(session)
    session.execute(update(Appointment).where(Appointment.id == visit).values(booker_id=booker))
    session.commit()
    answer = write(push, "进度 12345678")
    assert "谁约的，请谁打开看看" in answer
    assert "/appointments/" not in answer, "its page belongs to who booked it"
    session.execute(update(Appointment).where(Appointment.id == visit).values(person_id=booker))
    session.commit()
    assert "没有查到你的 12345678" in write(push, "进度 12345678")


def test_a_stranger_s_number_is_not_told(push: Push, person: UUID) -> None:
    assert "没有查到你的 12345678" in write(push, "进度 12345678")
    assert "请在“进度”后面写号码" in write(push, "进度")
    assert str(uuid4()) not in write(push, f"进度 {person}")

"""Signed requests: a known vector, forged, replayed, stale and revoked ones, and keys that change."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from backend.core import signed
from backend.core.audit import AuditEvent
from backend.devices import access, doctor, errors, service
from backend.devices.models import Device, DeviceKey, DeviceNonce
from backend.queueing.models import Ticket
from tests.backend.devices.kiosks import Kiosk
from tests.conftest import ROOT

TICKET = {"category": "exit-entry"}


def tickets(session) -> int:
    return session.scalar(select(func.count()).select_from(Ticket)) or 0


def test_the_bytes_that_are_signed_are_those_of_the_page() -> None:
    """The example of docs/devices.md, which makers of terminals build on; the key is that of RFC 8032, test 1."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    text = signed.message(
        device_id=UUID("0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"),
        method="POST",
        target="/api/v1/device/tickets?lang=zh",
        body=b'{"category":"exit-entry"}',
        at=1795568400,
        nonce="AAAAAAAAAAAAAAAAAAAAAA",
    )
    page = (ROOT / "docs" / "devices.md").read_text()
    key = Ed25519PrivateKey.from_private_bytes(seed)
    assert text.decode() in page
    assert key.public_key().public_bytes_raw().hex() in page
    assert key.sign(text).hex() in page
    assert signed.is_genuine(key.public_key().public_bytes_raw(), key.sign(text), text)
    assert not signed.is_genuine(key.public_key().public_bytes_raw(), key.sign(text), text + b" ")
    assert not signed.is_genuine(bytes(31), key.sign(text), text)


def test_a_signed_request_is_served_and_seen(kiosk, session, clock) -> None:
    one = kiosk()
    shown = one.get("/device?lang=en").json
    assert (shown["name"], shown["place"]["kind"], shown["place"]["code"]) == ("一号机", "hall", "XM")
    assert shown["place"]["name"] == "Xiamen Administrative Service Center"
    assert session.scalar(select(Device.last_seen_at).where(Device.id == one.id)) == clock.now
    assert one.post("/device/tickets", TICKET).status_code == 201
    assert doctor.invariants(session) == []


def changed(how: str, one: Kiosk) -> dict[str, str]:
    """The header of a ticket request in which one thing is wrong."""
    body = one.client.application.json.dumps(TICKET).encode()
    right = one.sign("POST", "/device/tickets", body)["Authorization"]
    stranger = Kiosk(one.client, id=one.id)
    return {
        "nothing": {},
        "bearer": {"Authorization": "Bearer " + "x" * 43},
        "half": {"Authorization": right.rpartition(",")[0]},
        "short nonce": {"Authorization": right.replace("nonce=", "nonce=short, was=")},
        "odd signature": {"Authorization": right[:-1]},
        "no device": {"Authorization": right.replace("id=", "id=x")},
        "another device": {"Authorization": right.replace(str(one.id), str(uuid4()))},
        "another key": stranger.sign("POST", "/device/tickets", body),
        "another method": one.sign("PUT", "/device/tickets", body),
        "another path": one.sign("POST", "/device/bookings", body),
        "another query": one.sign("POST", "/device/tickets?lang=en", body),
        "another body": one.sign("POST", "/device/tickets", body + b" "),
        "another nonce": {"Authorization": right.replace("nonce=", "nonce=0")},
    }[how]


@pytest.mark.parametrize(
    "how",
    [
        "nothing",
        "bearer",
        "half",
        "short nonce",
        "odd signature",
        "no device",
        "another device",
        "another key",
        "another method",
        "another path",
        "another query",
        "another body",
        "another nonce",
    ],
)
def test_a_forged_request_is_refused_and_changes_nothing(kiosk, session, how: str) -> None:
    one = kiosk()
    headers = changed(how, one) or {"X-Nothing": "1"}
    refused = one.post("/device/tickets", TICKET, headers=headers)
    assert (refused.status_code, refused.json["code"]) == (401, "device_refused")
    assert refused.content_type == "application/problem+json"
    assert tickets(session) == 0
    assert session.scalar(select(func.count()).select_from(DeviceNonce)) == 0


def test_a_copy_of_a_request_is_refused(kiosk, session, clock) -> None:
    one = kiosk()
    body = one.client.application.json.dumps(TICKET).encode()
    headers = one.sign("POST", "/device/tickets", body)
    assert one.send("POST", "/device/tickets", body, headers=headers).status_code == 201
    copy = one.send("POST", "/device/tickets", body, headers=headers)
    assert (copy.status_code, copy.json["code"]) == (401, "request_replayed")
    clock.advance(minutes=5)
    access.forget_nonces(session)
    session.commit()
    assert one.send("POST", "/device/tickets", body, headers=headers).json["code"] == "request_replayed"
    clock.advance(seconds=1)
    access.forget_nonces(session)
    session.commit()
    assert session.scalar(select(func.count()).select_from(DeviceNonce)) == 0
    assert one.send("POST", "/device/tickets", body, headers=headers).json["code"] == "request_stale"
    assert tickets(session) == 1


def test_a_nonce_of_tomorrow_is_kept_until_it_is_of_no_use(kiosk, session, clock) -> None:
    """A device whose clock is ahead signs what may be sent again for ten minutes."""
    one = kiosk()
    ahead = int(clock.now.timestamp()) + 300
    assert one.get("/device", at=ahead, nonce="n" * 20).status_code == 200
    clock.advance(minutes=9)
    access.forget_nonces(session)
    session.commit()
    assert one.get("/device", at=ahead, nonce="n" * 20).json["code"] == "request_replayed"


@pytest.mark.parametrize("seconds", [-301, 301, -10_000_000, 99_999_999_999 - 1795568400])
def test_another_clock_is_told_the_time(kiosk, clock, seconds: int) -> None:
    one = kiosk()
    refused = one.get("/device", at=max(0, int(clock.now.timestamp()) + seconds))
    assert (refused.status_code, refused.json["code"]) == (401, "request_stale")
    assert refused.json["server_time"] == "2026-11-25T01:00:00Z"
    assert one.get("/device", at=int(clock.now.timestamp()) - 300).status_code == 200


def test_revoking_works_at_once(kiosk, session) -> None:
    one = kiosk()
    assert one.get("/device").status_code == 200
    service.revoke(session, session.get_one(Device, one.id), reason="搬走了", actor="system")
    session.commit()
    refused = one.post("/device/tickets", TICKET)
    assert (refused.status_code, refused.json["code"]) == (403, "device_revoked")
    assert tickets(session) == 0
    stranger = Kiosk(one.client, id=one.id)
    assert stranger.get("/device").json["code"] == "device_refused", "only the owner of the key is told"


def test_the_next_key_takes_over_and_the_old_one_ends_after_a_day(kiosk, session, clock) -> None:
    one = kiosk()
    first, second, third = one.key, Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    assert one.change_key(second).status_code == 200
    assert one.change_key(second).status_code == 200, "the answer was lost: the same key again changes nothing"
    assert one.get("/device").status_code == 200, "requests under way still count"
    refused = one.change_key(third)
    assert (refused.status_code, refused.json["code"]) == (403, "device_key_outgoing")
    one.key = second
    clock.advance(hours=24)
    assert one.get("/device").status_code == 200
    one.key = first
    assert one.get("/device").json["code"] == "device_refused"
    one.key = second
    assert one.change_key(third).status_code == 200
    assert doctor.invariants(session) == []
    changes = select(func.count()).where(AuditEvent.action == "device.key_changed")
    assert session.scalar(changes) == 2


def test_a_next_key_must_be_in_the_devices_hands_and_its_own(kiosk, session) -> None:
    one, other = kiosk(), kiosk()
    public = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    unproved = one.post("/device/keys", {"public_key": public.hex(), "proof": "0" * 128})
    assert (unproved.status_code, unproved.json["code"]) == (401, "device_refused")
    assert one.change_key(other.key).json["code"] == "device_key_in_use"
    assert one.post("/device/keys", {"public_key": "xyz", "proof": ""}).status_code == 422
    keys = session.scalars(select(DeviceKey).where(DeviceKey.device_id == one.id)).all()
    assert [key.valid_until for key in keys] == [None]


def test_one_device_cannot_crowd_out_the_others(kiosk) -> None:
    one, other = kiosk(), kiosk()
    codes = [one.get("/device").status_code for _ in range(access.REQUESTS_PER_MINUTE + 1)]
    assert (codes[-1], set(codes[:-1])) == (429, {200})
    assert other.get("/device").status_code == 200


def test_an_enrolment_code_is_good_once_and_for_a_quarter_of_an_hour(client, session, clock) -> None:
    found = service.add(session, name="一号机", hall_code="XM", actor="system")
    old, _ = service.new_code(session, found, actor="system")
    code, expires_at = service.new_code(session, found, actor="system")
    session.commit()
    assert expires_at - clock.now == timedelta(minutes=15)
    stored = session.execute(select(Device.code_hash)).scalar_one()
    assert code.encode() not in stored
    for wrong in ("0000000000" if code != "0000000000" else "1111111111", old):
        refused = Kiosk(client).enrol(wrong)
        assert (refused.status_code, refused.json["code"]) == (422, "enrolment_refused")
    one = Kiosk(client)
    assert one.enrol(code).status_code == 201
    assert Kiosk(client).enrol(code).json["code"] == "enrolment_refused"
    with pytest.raises(errors.NotPending):
        service.new_code(session, session.get_one(Device, one.id, populate_existing=True), actor="system")


def test_an_old_code_and_a_key_without_its_owner_enrol_nothing(client, session, clock) -> None:
    found = service.add(session, name="一号机", hall_code="XM", actor="system")
    code, _ = service.new_code(session, found, actor="system")
    session.commit()
    public = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    body = {"code": code, "public_key": public.hex(), "proof": "0" * 128}
    assert client.post("/api/v1/device/enrolment", json=body).json["code"] == "enrolment_refused"
    clock.advance(minutes=15)
    assert Kiosk(client).enrol(code).json["code"] == "enrolment_refused"
    assert session.scalar(select(func.count()).select_from(DeviceKey)) == 0


def test_codes_cannot_be_tried_out(client) -> None:
    answers = [Kiosk(client).enrol(f"{number:010d}").status_code for number in range(11)]
    assert (answers[-1], set(answers[:-1])) == (429, {422})

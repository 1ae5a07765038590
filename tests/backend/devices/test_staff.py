"""A hall's lead looks after its devices: adding, enrolment codes, renaming, revoking; all of it audited."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from backend.core.audit import AuditEvent
from backend.core.errors import NotFound
from backend.core.states import matrix
from backend.devices import operations, service, states
from backend.devices.models import Device, DeviceEvent
from tests.backend.devices.kiosks import Kiosk


@pytest.fixture
def lead(gate):
    return gate(role="hall_lead")


def listed(client, who) -> list[tuple[str, str]]:
    rows = client.get("/api/v1/staff/devices", headers=who).json["devices"]
    return [(row["name"], row["state"]) for row in rows]


def test_a_device_is_added_enrols_and_is_switched_off(client, post, lead, session) -> None:
    added = post("/staff/devices", lead, {"name": "一号自助机"}, "one-press")
    assert added.status_code == 201, added.json
    assert post("/staff/devices", lead, {"name": "一号自助机"}, "one-press").json == added.json
    path = f"/staff/devices/{added.json['id']}"
    code = post(f"{path}/code", lead, {}).json["code"]
    assert (len(code), code.isdecimal()) == (10, True)
    one = Kiosk(client)
    assert one.enrol(code).json["name"] == "一号自助机"
    one.get("/device")
    assert listed(client, lead) == [("一号自助机", "active")]
    assert client.get("/api/v1/staff/devices", headers=lead).json["devices"][0]["last_seen_at"]
    again = post(f"{path}/code", lead, {})
    assert (again.status_code, again.json["code"]) == (409, "device_not_pending")
    renamed = client.patch(f"/api/v1{path}", json={"name": "东门自助机"}, headers=lead)
    assert (renamed.status_code, renamed.json["name"]) == (200, "东门自助机")
    assert post(f"{path}/revoke", lead, {}).status_code == 422
    for _ in range(2):
        assert post(f"{path}/revoke", lead, {"reason": "搬走了"}).json["state"] == "revoked"
    assert one.get("/device").json["code"] == "device_revoked"
    of_devices = select(AuditEvent.action).where(AuditEvent.object_type == "device").order_by(AuditEvent.id)
    assert session.scalars(of_devices).all() == [
        "device.added",
        "device.code_made",
        "device.enrolled",
        "device.renamed",
        "device.revoked",
    ]
    steps = session.execute(select(DeviceEvent.to_state, DeviceEvent.reason).order_by(DeviceEvent.id)).all()
    assert [tuple(step) for step in steps] == [("pending", None), ("active", None), ("revoked", "搬走了")]


def test_revoking_ends_a_code_that_waits(client, post, lead) -> None:
    path = f"/staff/devices/{post('/staff/devices', lead, {'name': '二号机'}).json['id']}"
    code = post(f"{path}/code", lead, {}).json["code"]
    post(f"{path}/revoke", lead, {"reason": "弄错了"})
    assert Kiosk(client).enrol(code).json["code"] == "enrolment_refused"
    assert post(f"{path}/code", lead, {}).json["code"] == "device_not_pending"


def test_only_the_lead_of_its_own_hall(client, post, lead, gate, session) -> None:
    device_id = post("/staff/devices", lead, {"name": "一号机"}).json["id"]
    other = gate("SM", "hall_lead")
    assert listed(client, other) == []
    for path, body in (("code", {}), ("revoke", {"reason": "不要了"})):
        assert post(f"/staff/devices/{device_id}/{path}", other, body).status_code == 404
        assert post(f"/staff/devices/{device_id}/{path}", gate(role="window_clerk"), body).status_code == 403
    renamed = client.patch(f"/api/v1/staff/devices/{device_id}", json={"name": "别人的"}, headers=other)
    assert renamed.status_code == 404
    assert post(f"/staff/devices/{uuid4()}/code", lead, {}).status_code == 404
    found = session.get_one(Device, UUID(device_id))
    assert (found.state, found.name, found.code_hash) == ("pending", "一号机", None)
    assert client.get("/api/v1/staff/devices", headers=gate()).status_code == 403


@pytest.mark.parametrize("name", ["", "x", "长" * 41, None])
def test_a_name_is_two_to_forty_characters(client, post, lead, name) -> None:
    assert post("/staff/devices", lead, {"name": name}).status_code == 422
    assert listed(client, lead) == []


def test_every_step_and_no_other(session) -> None:
    allowed = {
        (before.value, event.value): after.value
        for before, event, after in matrix(states.DEVICE, states.State, states.Event)
        if after is not None
    }
    assert allowed == {
        ("pending", "enrol"): "active",
        ("pending", "revoke"): "revoked",
        ("active", "revoke"): "revoked",
        ("revoked", "revoke"): "revoked",
    }


def test_a_demonstration_has_one_device_that_waits(session) -> None:
    first = service.demo_code(session)
    second = service.demo_code(session)
    assert first != second
    assert [row.name for row in session.scalars(select(Device))] == [service.DEMO_NAME]


def test_the_command_line_adds_lists_and_revokes_also_outside_the_halls(client, session) -> None:
    one = Kiosk(client)
    code = operations.add(session, "P-350203-01", "街道一号机")
    session.commit()
    assert one.enrol(code).json["place"]["code"] == "P-350203-01"
    assert operations.listed(session) == [f"{one.id}  P-350203-01  active  街道一号机"]
    operations.revoke(session, str(one.id))
    session.commit()
    assert one.get("/device").json["code"] == "device_revoked"
    for wrong in ("no-id", str(uuid4())):
        with pytest.raises(NotFound):
            operations.revoke(session, wrong)
    with pytest.raises(NotFound):
        operations.add(session, "nowhere", "一号机")

"""The pass: the owner's alone, and what a phone makes of it is accepted."""

from uuid import UUID

from backend.appointments import passes
from tests.backend.appointments.test_booking import book


def test_the_owner_gets_a_pass_whose_code_is_fresh(client, post, citizen, slots, clock, settings) -> None:
    _, who = citizen()
    made = book(post, who, slots[3])
    shown = client.get(f"/api/v1/appointments/{made['id']}/pass", headers=who).json
    assert set(shown) == {"static", "secret", "step_seconds", "code", "server_time", "valid_from", "valid_until"}
    assert (shown["code"], shown["step_seconds"]) == (made["code"], 30)
    assert shown["valid_from"] == made["check_in_from"]
    assert shown["valid_until"].startswith("2026-11-25T16:00:00")
    text = f"WZW1.{shown['static']}.{passes.rotating(shown['secret'], clock.now)}"
    reading = passes.read(passes.PassKeys.from_settings(settings), text, clock.now)
    assert (reading.kind, reading.appointment_id) == (passes.Kind.FRESH, UUID(made["id"]))


def test_nobody_else_gets_it_and_none_is_left_after_cancelling(client, post, citizen, slots) -> None:
    _, owner = citizen()
    _, stranger = citizen()
    made = book(post, owner, slots[3])
    address = f"/api/v1/appointments/{made['id']}/pass"
    assert client.get(address, headers=stranger).status_code == 404
    assert client.get(address).status_code == 401
    post(f"/appointments/{made['id']}/cancel", owner, {})
    refused = client.get(address, headers=owner)
    assert (refused.status_code, refused.json["code"]) == (409, "no_pass")

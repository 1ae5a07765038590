"""Races at devices with real processes: one number a card, one device a code, one use a nonce, one next key."""

from datetime import UTC, datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from backend import doctor
from backend.core import db
from backend.core.config import Settings
from backend.devices import service
from backend.devices.models import DeviceKey
from backend.queueing.models import Ticket
from tests.backend.appointments import racers
from tests.backend.appointments.test_races import PROCESSES, arena
from tests.backend.devices import racers as devices

__all__ = ["arena"]

Arena = tuple[Settings, list[UUID]]
NINE = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
CARDS = ["350299199001010010", "350299199001010029", "350299195506150037", "350299198811110051"]


def enrolled() -> tuple[UUID, bytes]:
    """A device with its key's seed."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    with db.transaction() as session:
        found = service.add(session, name="一号机", hall_code="XM", actor="system")
        code, _ = service.new_code(session, found, actor="system")
        proof = key.sign(service.enrolment_proof(code, public))
        service.enrol(session, code=code, public_key=public, proof=proof)
        return found.id, key.private_bytes_raw()


def test_two_kiosks_and_a_desk_give_the_same_card_one_number(arena: Arena) -> None:  # noqa: F811
    settings, _ = arena
    calls = [(settings, source, CARDS * 5, NINE) for source in ("one", "two", "desk")]
    outcome = racers.race(devices.give, calls)
    assert sorted(outcome.values()) == [15] * len(CARDS), outcome
    assert {answer.split()[0] for answer in outcome} == set(CARDS)
    with db.reading() as session:
        numbers = session.scalars(select(Ticket.seq)).all()
    assert sorted(numbers) == [1, 2, 3, 4]
    assert doctor.examine() == []


def test_a_code_enrols_one_machine(arena: Arena) -> None:  # noqa: F811
    settings, _ = arena
    with db.transaction() as session:
        found = service.add(session, name="一号机", hall_code="XM", actor="system")
        code, _ = service.new_code(session, found, actor="system")
    outcome = racers.race(devices.enrol, [(settings, code, 5)] * PROCESSES)
    assert outcome == {"active": 1, "enrolment_refused": 5 * PROCESSES - 1}
    assert doctor.examine() == []


def test_a_request_counts_once_however_often_it_is_copied(arena: Arena) -> None:  # noqa: F811
    settings, _ = arena
    device_id, seed = enrolled()
    nonces = [f"{number:020d}" for number in range(10)]
    outcome = racers.race(devices.replay, [(settings, device_id, seed, nonces)] * PROCESSES)
    assert outcome == {"device": 10, "request_replayed": 10 * PROCESSES - 10}


def test_one_next_key_is_registered(arena: Arena) -> None:  # noqa: F811
    settings, _ = arena
    device_id, seed = enrolled()
    outcome = racers.race(devices.rotate, [(settings, device_id, seed, 3)] * PROCESSES)
    assert outcome == {"changed": 1, "device_key_outgoing": 3 * PROCESSES - 1}
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(DeviceKey)) == 2
    assert doctor.examine() == []

"""Devices and their keys: adding one, its enrolment code, enrolling, changing the key, revoking."""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.core import audit, clock, crypto, db
from backend.core.errors import NotFound
from backend.core.signed import Signed, is_genuine
from backend.core.states import record_event, transition
from backend.devices import access, errors
from backend.devices.models import Device, DeviceEvent, DeviceKey
from backend.devices.states import Event, State

CODE_DIGITS = 10
CODE_LIFE = timedelta(minutes=15)
OLD_KEY_LIFE = timedelta(hours=24)
DEMO_HALL, DEMO_NAME = "XM", "演示自助机"


def add(
    session: Session, *, name: str, actor: str, hall_code: str | None = None, site_code: str | None = None
) -> Device:
    """A device that waits for its enrolment, in a hall or at a site."""
    now = clock.now()
    made = Device(
        id=db.new_id(),
        state=State.PENDING,
        state_at=now,
        name=name,
        hall_code=hall_code,
        site_code=site_code,
        created_at=now,
    )
    session.add(made)
    session.flush()
    record_event(session, DeviceEvent, made.id, None, State.PENDING, Event.ADD, actor=actor)
    _audit(session, made, "device.added", actor)
    return made


def new_code(session: Session, found: Device, *, actor: str) -> tuple[str, datetime]:
    """A fresh one-time code of ten digits, good for 15 minutes; an earlier one ends. Raises NotPending.

    Only its keyed hash is stored, so it is shown now or never.
    """
    if found.state is not State.PENDING:
        raise errors.NotPending()
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    found.code_hash, found.code_expires_at = _code_hash(code), clock.now() + CODE_LIFE
    session.flush()
    _audit(session, found, "device.code_made", actor)
    return code, found.code_expires_at


def enrol(session: Session, *, code: str, public_key: bytes, proof: bytes) -> Device:
    """The device that the code stands for, with its first key. `proof` is the key's signature of `enrolment_proof`.

    Two at once: one enrols, the other finds the code used. Raises EnrolmentRefused and KeyInUse.
    """
    found = session.scalars(
        select(Device)
        .where(Device.code_hash == _code_hash(code), Device.code_expires_at > clock.now())
        .where(Device.state == State.PENDING)
        .with_for_update()
    ).one_or_none()
    if found is None or not is_genuine(public_key, proof, enrolment_proof(code, public_key)):
        raise errors.EnrolmentRefused()
    found.code_hash = found.code_expires_at = None
    session.flush()
    actor = f"device:{found.id}"
    transition(session, found, Event.ENROL, actor=actor)
    _add_key(session, found.id, public_key)
    _audit(session, found, "device.enrolled", actor)
    return found


def rotate(session: Session, request: Signed, *, public_key: bytes, proof: bytes) -> DeviceKey:
    """Register the next key, signed by the current one; that one stays good for 24 hours.

    `proof` is the new key's signature of `rotation_proof`. Sent again with the same key, it changes nothing.
    Raises DeviceRefused, KeyOutgoing and KeyInUse.
    """
    found = session.get_one(Device, request.device_id, with_for_update=True)
    if not is_genuine(public_key, proof, rotation_proof(found.id, public_key)):
        raise errors.DeviceRefused()
    current = access.live_keys(session, found.id)[0]
    if current.public_key == public_key:
        return current
    if not is_genuine(current.public_key, request.signature, request.message):
        raise errors.KeyOutgoing()
    now = clock.now()
    session.execute(
        update(DeviceKey).where(DeviceKey.id == current.id).values(valid_until=now + OLD_KEY_LIFE),
        execution_options={"synchronize_session": False},
    )
    key = _add_key(session, found.id, public_key)
    _audit(session, found, "device.key_changed", f"device:{found.id}")
    return key


def of_hall(session: Session, hall_code: str, device_id: UUID) -> Device:
    """One device of this hall, locked. Raises NotFound."""
    found = session.scalars(
        select(Device).where(Device.id == device_id, Device.hall_code == hall_code).with_for_update()
    ).one_or_none()
    if found is None:
        raise NotFound()
    return found


def rename(session: Session, found: Device, *, name: str, actor: str) -> None:
    """Another name."""
    found.name = name
    session.flush()
    _audit(session, found, "device.renamed", actor)


def revoke(session: Session, found: Device, *, reason: str, actor: str) -> None:
    """From this moment none of its signatures counts; a repeat changes nothing."""
    found.code_hash = found.code_expires_at = None
    session.flush()
    if transition(session, found, Event.REVOKE, actor=actor, reason=reason):
        _audit(session, found, "device.revoked", actor, reason=reason)


def demo_code(session: Session) -> str:
    """A fresh code of the demonstration's device, which is added when none waits."""
    waiting = select(Device).where(Device.name == DEMO_NAME, Device.state == State.PENDING).limit(1)
    found = session.scalars(waiting.with_for_update()).one_or_none()
    code, _ = new_code(
        session, found or add(session, name=DEMO_NAME, hall_code=DEMO_HALL, actor="system"), actor="system"
    )
    return code


def enrolment_proof(code: str, public_key: bytes) -> bytes:
    """What a new key signs to enrol with a code."""
    return "\n".join(("WZW-ENROL-1", code, public_key.hex())).encode()


def rotation_proof(device_id: UUID, public_key: bytes) -> bytes:
    """What the next key signs to be registered."""
    return "\n".join(("WZW-NEXT-KEY-1", str(device_id), public_key.hex())).encode()


def _add_key(session: Session, device_id: UUID, public_key: bytes) -> DeviceKey:
    key = DeviceKey(id=db.new_id(), device_id=device_id, public_key=public_key, registered_at=clock.now())
    session.add(key)
    try:
        session.flush()
    except IntegrityError:
        raise errors.KeyInUse() from None
    return key


def _code_hash(code: str) -> bytes:
    return crypto.blind_index(code, field="device.code")


def _audit(session: Session, found: Device, action: str, actor: str, *, reason: str | None = None) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="device",
        object_id=found.id,
        hall_code=found.hall_code,
        reason=reason,
    )

"""Checking a signed request, in one place: signature, clock, state, pace, nonce. A route only names what it needs."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import clock, db, limits
from backend.core.auth import Principal
from backend.core.signed import Signed, is_genuine
from backend.devices import errors
from backend.devices.models import Device, DeviceKey, DeviceNonce
from backend.devices.states import State

MAX_AGE = timedelta(minutes=5)
SEEN_EVERY = timedelta(minutes=1)
REQUESTS_PER_MINUTE = 120

ANYWHERE = frozenset({"device.state", "device.book", "device.pay"})
IN_HALL = ANYWHERE | {"device.ticket"}
"""What a device may do, by its place: numbers and check-ins need a hall around them."""


def load_device(request: Signed | None) -> Principal:
    """The active device that signed. Raises DeviceRefused, RequestStale, RequestReplayed and DeviceRevoked."""
    if request is None:
        raise errors.DeviceRefused()
    now = clock.now()
    if abs(now - request.at) > MAX_AGE:
        raise errors.RequestStale(server_time=clock.rfc3339(now))
    with db.reading() as session:
        found = session.get(Device, request.device_id) if key_that_signed(session, request) else None
    if found is None:
        raise errors.DeviceRefused()
    if found.state is not State.ACTIVE:
        raise errors.DeviceRevoked()
    limits.spend(f"device:{found.id}", capacity=REQUESTS_PER_MINUTE, per_seconds=60)
    with db.reading() as session:
        _use_nonce(session, request)
        _note_seen(session, found)
    return Principal(
        kind="device",
        id=found.id,
        session_id=found.id,
        permissions=IN_HALL if found.hall_code else ANYWHERE,
        hall_code=found.hall_code,
    )


def live_keys(session: Session, device_id: UUID) -> list[DeviceKey]:
    """The keys whose signatures count now: the current one first, then the one it replaced."""
    query = select(DeviceKey).where(
        DeviceKey.device_id == device_id, or_(DeviceKey.valid_until.is_(None), DeviceKey.valid_until > clock.now())
    )
    return list(session.scalars(query.order_by(DeviceKey.valid_until.desc().nulls_first())))


def key_that_signed(session: Session, request: Signed) -> DeviceKey | None:
    """The live key whose owner signed this request."""
    keys = live_keys(session, request.device_id)
    return next((key for key in keys if is_genuine(key.public_key, request.signature, request.message)), None)


def forget_nonces(session: Session) -> None:
    """Drop nonces whose requests are too old to be sent again."""
    session.execute(delete(DeviceNonce).where(DeviceNonce.expires_at < clock.now()))


def _use_nonce(session: Session, request: Signed) -> None:
    """The primary key decides between copies that come at the same moment."""
    used = session.execute(
        insert(DeviceNonce)
        .values(device_id=request.device_id, nonce=request.nonce, expires_at=request.at + MAX_AGE)
        .on_conflict_do_nothing()
        .returning(DeviceNonce.nonce)
    )
    if used.first() is None:
        raise errors.RequestReplayed()


def _note_seen(session: Session, found: Device) -> None:
    now = clock.now()
    if found.last_seen_at is None or now - found.last_seen_at >= SEEN_EVERY:
        session.execute(update(Device).where(Device.id == found.id).values(last_seen_at=now))

"""Terminals and kiosks, the public keys they sign with, and the nonces they have used."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.catalogue.models import Hall
from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable
from backend.devices.states import DEVICE, State
from backend.sites.models import ServiceSite

STATE = Enum(State, native_enum=False, length=10, values_callable=lambda kind: [member.value for member in kind])


class DeviceEvent(EventRow, Base):
    """状态流水: what happened to a device; append-only."""

    __tablename__ = "device_event"


class Device(Base):
    """自助设备: stands in a hall, or at a site of 厦门e政务 outside the halls.

    `code_hash` is a keyed hash of the one-time enrolment code while the device waits for it.
    """

    __tablename__ = "device"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[State] = mapped_column(STATE)
    state_at: Mapped[datetime]
    name: Mapped[str] = mapped_column(Text)
    hall_code: Mapped[str | None] = mapped_column(ForeignKey(Hall.code), index=True)
    site_code: Mapped[str | None] = mapped_column(ForeignKey(ServiceSite.code))
    code_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    code_expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]

    states: ClassVar[StateTable[Any, Any]] = DEVICE
    events: ClassVar[type[Any]] = DeviceEvent

    __table_args__ = (
        CheckConstraint("(hall_code IS NULL) <> (site_code IS NULL)", name="place"),
        CheckConstraint("(code_hash IS NULL) = (code_expires_at IS NULL)", name="code"),
        CheckConstraint("state = 'pending' OR code_hash IS NULL", name="code_is_used_once"),
    )


class DeviceKey(Base):
    """An Ed25519 public key of a device. The current one has no end; the partial unique index allows one of them."""

    __tablename__ = "device_key"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"), index=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    registered_at: Mapped[datetime]
    valid_until: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_device_key_current", "device_id", unique=True, postgresql_where=text("valid_until IS NULL")),
        CheckConstraint("octet_length(public_key) = 32", name="public_key"),
    )


class DeviceNonce(Base):
    """A nonce that was used. Kept as long as its request could be sent again."""

    __tablename__ = "device_nonce"

    device_id: Mapped[UUID] = mapped_column(primary_key=True)
    nonce: Mapped[str] = mapped_column(Text, primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)

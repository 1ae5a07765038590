"""Persons, the ways they log in, sessions, family links, and staff."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, LargeBinary, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id


class Person(Base):
    """办事人: one row an id document. Name, number and phone are sealed; blind indexes find them exactly."""

    __tablename__ = "person"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    level: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[bytes | None] = mapped_column(LargeBinary)
    id_type: Mapped[str | None] = mapped_column(Text)
    """i厦门's certifType: "0" resident id, "5" passport, "2" 台胞证, … (domain sheet 3.6)."""
    id_number: Mapped[bytes | None] = mapped_column(LargeBinary)
    id_number_index: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    phone: Mapped[bytes | None] = mapped_column(LargeBinary)
    born: Mapped[date | None] = mapped_column(Date)
    language: Mapped[str] = mapped_column(Text)
    elder_mode: Mapped[bool]
    merged_into: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]
    """When the account was closed. A name that a kept case needs stays until that case is emptied."""

    __table_args__ = (
        Index("ix_person_erased", "erased_at", postgresql_where=text("erased_at IS NOT NULL AND name IS NOT NULL")),
        CheckConstraint("level BETWEEN 0 AND 3", name="level"),
        CheckConstraint("language IN ('zh', 'en')", name="language"),
    )


class PersonLogin(Base):
    """A way to log in: openid of WeChat, i厦门 or Alipay, or phone. The subject is sealed and indexed only."""

    __tablename__ = "person_login"

    provider: Mapped[str] = mapped_column(Text, primary_key=True)
    subject_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    subject: Mapped[bytes] = mapped_column(LargeBinary)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    bound_at: Mapped[datetime]


class LoginSession(Base):
    """A live session; the token is stored hashed. Exactly one of person and staff is set.

    `hall_code` is where a member of staff works now; NULL until somebody with roles in every hall chooses one.
    """

    __tablename__ = "login_session"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), index=True)
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"), index=True)
    hall_code: Mapped[str | None] = mapped_column(Text)
    csrf_token: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = (CheckConstraint("num_nonnulls(person_id, staff_id) = 1", name="owner"),)


class LoginState(Base):
    """An OAuth journey under way: `state` bound to one browser, used once."""

    __tablename__ = "login_state"

    state_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    browser_hash: Mapped[bytes] = mapped_column(LargeBinary)
    provider: Mapped[str] = mapped_column(Text)
    return_to: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SmsCode(Base):
    """The newest login code of a phone number, hashed, with the tries left."""

    __tablename__ = "sms_code"

    phone_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    tries_left: Mapped[int] = mapped_column(SmallInteger)
    expires_at: Mapped[datetime]


class FamilyLink(Base):
    """代办: `agent` may act for `person`, by guardianship of a minor or by the person's own consent."""

    __tablename__ = "family_link"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    relation: Mapped[str] = mapped_column(Text)
    basis: Mapped[str] = mapped_column(Text)
    confirmed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    __table_args__ = (
        Index("uq_family_link_pair", "agent_id", "person_id", unique=True),
        CheckConstraint("agent_id <> person_id", name="other"),
        CheckConstraint("basis IN ('guardian', 'own_account')", name="basis"),
    )


class Organisation(Base):
    """A body with a unified social credit code. `verified` stays false until the licence library confirms it."""

    __tablename__ = "organisation"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Text)
    credit_code: Mapped[str] = mapped_column(Text, unique=True)
    verified: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime]


class OrganisationAgent(Base):
    """经办人: who acts for an organisation. A manager also adds and removes agents."""

    __tablename__ = "organisation_agent"

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("role IN ('manager', 'agent')", name="role"),)


class Staff(Base):
    """工作人员: argon2id password and a TOTP secret; `totp_step` is the last step whose code was used."""

    __tablename__ = "staff"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    username: Mapped[str] = mapped_column(Text, unique=True)
    display_name: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str] = mapped_column(Text)
    totp_secret: Mapped[bytes] = mapped_column(LargeBinary)
    totp_step: Mapped[int] = mapped_column(server_default=text("0"))
    failures: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    locked_until: Mapped[datetime | None]
    active: Mapped[bool] = mapped_column(server_default=text("true"))


class StaffRole(Base):
    """A role of a member of staff in one hall; `*` means every hall."""

    __tablename__ = "staff_role"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    role: Mapped[str] = mapped_column(Text, primary_key=True)
    hall_code: Mapped[str] = mapped_column(Text, primary_key=True)


class LoginSource(Base):
    """Failed staff logins from one network address, which is only indexed, never stored."""

    __tablename__ = "login_source"

    source_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    failures: Mapped[int] = mapped_column(SmallInteger)
    since: Mapped[datetime] = mapped_column(index=True)
    locked_until: Mapped[datetime | None]

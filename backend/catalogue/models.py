"""Where things are done: divisions, departments, halls, window categories and windows, and the catalogue's version."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Index, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base


class CatalogueVersion(Base):
    """The one row that says which catalogue is in force; every process rebuilds its snapshot when it changes.

    `stamp` tells two databases with the same number apart.
    """

    __tablename__ = "catalogue_version"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger)
    stamp: Mapped[UUID]
    changed_at: Mapped[datetime]


class Division(Base):
    """Administrative division 行政区划, by its national six-digit code."""

    __tablename__ = "division"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("division.code"))
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)


class Department(Base):
    """Department 部门 with the time its name was in use; a merged one points at its successor."""

    __tablename__ = "department"
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_from IS NULL OR valid_to >= valid_from", name="validity"),
    )

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    credit_code: Mapped[str] = mapped_column(Text, unique=True)
    collecting_unit: Mapped[str] = mapped_column(Text, unique=True)
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    successor_code: Mapped[str | None] = mapped_column(ForeignKey("department.code"))
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    verified: Mapped[bool]


class Hall(Base):
    """Service hall 办事大厅. An unknown address is NULL; an unverified one is never shown as fact."""

    __tablename__ = "hall"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"))
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    short_name_zh: Mapped[str] = mapped_column(Text)
    short_name_en: Mapped[str] = mapped_column(Text)
    address_zh: Mapped[str | None] = mapped_column(Text)
    address_en: Mapped[str | None] = mapped_column(Text)
    address_verified: Mapped[bool]
    lat: Mapped[float | None] = mapped_column(Double)
    lng: Mapped[float | None] = mapped_column(Double)
    location_verified: Mapped[bool]
    hours: Mapped[list[dict[str, Any]]]
    """`[{"weekdays": [1, …, 7], "from": "09:00", "to": "12:00"}]`, Xiamen wall-clock time, 1 = Monday."""
    hours_verified: Mapped[bool]
    phones: Mapped[list[dict[str, Any]]]
    """`[{"number": "12345", "verified": true}]`."""


class WindowCategory(Base):
    """Category of windows 综合窗口类别 (circular clause 7): one queue and one ticket prefix each, 一类一号."""

    __tablename__ = "window_category"
    __table_args__ = (CheckConstraint("prefix ~ '^[A-Z]$'", name="prefix"),)

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    prefix: Mapped[str] = mapped_column(Text, unique=True)
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    walk_in_only: Mapped[bool]


class ServiceWindow(Base):
    """Window 窗口 of a hall, serving one category."""

    __tablename__ = "service_window"
    __table_args__ = (Index(None, "category_code"),)

    hall_code: Mapped[str] = mapped_column(ForeignKey("hall.code"), primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    category_code: Mapped[str] = mapped_column(ForeignKey("window_category.code"))
    verified: Mapped[bool]


class Neighbourhood(Base):
    """A district, street 街道, town 镇, road, neighbourhood or metro station by which people say where they are.

    Coordinates are rough, good for ordering halls by distance and never for a pin on a map.
    """

    __tablename__ = "neighbourhood"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int]
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"))
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    aliases: Mapped[list[str]]
    lat: Mapped[float] = mapped_column(Double)
    lng: Mapped[float] = mapped_column(Double)
    verified: Mapped[bool]

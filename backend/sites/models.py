"""Where machines and people outside the halls' windows help: sites of 厦门e政务 and service points near home."""

from typing import Any

from sqlalchemy import CheckConstraint, Double, ForeignKey, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base

KINDS = ("terminal", "point")


class ServiceSite(Base):
    """服务点: a self-service machine or a service point. `verified`: the city confirmed that it is there.

    An unknown address is NULL; what is not verified is never shown as fact. `hours` as a hall's, empty when unknown.
    """

    __tablename__ = "service_site"
    __table_args__ = (CheckConstraint("kind IN ('terminal', 'point')", name="kind"),)

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[str] = mapped_column(Text)
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"))
    hall_code: Mapped[str | None] = mapped_column(ForeignKey("hall.code"))
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    address_zh: Mapped[str | None] = mapped_column(Text)
    address_en: Mapped[str | None] = mapped_column(Text)
    address_verified: Mapped[bool]
    lat: Mapped[float | None] = mapped_column(Double)
    lng: Mapped[float | None] = mapped_column(Double)
    location_verified: Mapped[bool]
    hours: Mapped[list[dict[str, Any]]]
    hours_verified: Mapped[bool]
    verified: Mapped[bool]

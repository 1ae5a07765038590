"""How often links from other apps are opened."""

from datetime import date

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base


class LinkVisit(Base):
    """入口统计: links of one kind that were opened from one app on one civil day. Nobody is named."""

    __tablename__ = "link_visit"

    day: Mapped[date] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    count: Mapped[int]
